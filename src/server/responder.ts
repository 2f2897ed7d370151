/** Sends responses, and ends those that miss their deadline. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { FastifyReply, FastifyRequest, RouteGenericInterface } from 'fastify';
import { excerpt } from '../apimachinery/quote.ts';
import type { UserInfo } from '../auth/user.ts';
import type { QueueShare } from '../eventloopqueue.ts';
import type { Logger } from '../logging.ts';
import type { FromConnection } from './connectionlookup.ts';
import { goodbyeMs } from './waitinglimits.ts';
import type { OpenConnection, RequestLoad } from './openconnections.ts';
import { type Reply, timeoutReply } from './reply.ts';
import type { RequestInfo } from './requestinfo.ts';
import { isStreamed, resetResponse, type StreamedBody, writeBody } from './streamedbody.ts';

declare module 'fastify' {
  interface FastifyRequest {
    info: RequestInfo;
    user: UserInfo | undefined;
    /** Undefined until the user is known. */
    share: QueueShare | undefined;
    /** Undefined once closed. */
    connection: OpenConnection | undefined;
    load: RequestLoad | undefined;
    /** First of the response, then of the client to accept it. */
    timer: NodeJS.Timeout | undefined;
  }
}

/** Also HTTP/1.1, which has the members used here. */
export type HttpRequest = FastifyRequest<RouteGenericInterface, Http2SecureServer, Http2ServerRequest>;
export type HttpResponse = FastifyReply<
  RouteGenericInterface,
  Http2SecureServer,
  Http2ServerRequest,
  Http2ServerResponse
>;

export interface ResponderOptions {
  readonly writeDeadlineMs: number;
  readonly isStopping: () => boolean;
  /** Reports whether the request's HTTP/1.1 connection is beyond its maximum age. */
  readonly isDue: (request: FromConnection) => boolean;
  readonly log: Logger;
}

export class Responder {
  readonly #options: ResponderOptions;

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /** Does nothing after the timeout's response. */
  send(response: HttpResponse, { status, contentType, headers, body }: Reply): HttpResponse {
    if (response.sent) return response;
    if (contentType !== '') void response.header('content-type', contentType);
    if (headers !== undefined) void response.headers(headers);
    if (isStreamed(body)) return this.#sendStreamed(response, status, body);
    startTimer(response, this.#options.writeDeadlineMs, endUnread);
    response.request.load?.addBytes(body.length);
    // An empty body must not have a Content-Type.
    if (body.length === 0) return response.code(status).send();
    return response.code(status).send(Buffer.isBuffer(body) ? body : Buffer.from(body));
  }

  /** At the deadline: 504, or the end of the response. */
  limitTime(response: HttpResponse, ms: number): void {
    startTimer(response, ms, (late) => {
      if (late.sent) endUnread(late);
      else this.send(late, timeoutReply());
    });
  }

  /** Ends an HTTP/1.1 connection with this response if it is beyond its age, or would delay the shutdown. */
  closeIfLast(response: HttpResponse): void {
    const { raw, connection } = response.request;
    if (raw.httpVersionMajor !== 1) return;
    // Responses to pipelined requests behind this one would be lost.
    const isLast = this.#options.isDue(raw) && (connection?.pendingRequests() ?? 0) <= 1;
    if (isLast || this.#options.isStopping()) void response.header('connection', 'close');
  }

  /** Bypasses fastify, whose streams do not report sent pieces. Several pieces are chunked, as in Go. */
  #sendStreamed(response: HttpResponse, status: number, body: StreamedBody): HttpResponse {
    this.closeIfLast(response);
    if (body.rest === undefined && !body.gzip) void response.header('content-length', body.first.length);
    response.hijack();
    response.raw.writeHead(status, response.getHeaders() as OutgoingHttpHeaders);
    const { load, originalUrl, share } = response.request;
    load?.addBytes(body.first.length);
    const { writeDeadlineMs, log } = this.#options;
    const deadline = { ms: writeDeadlineMs, onMissed: () => endUnread(response) };
    writeBody(body, response.raw, deadline, share).catch((error: unknown) => {
      log.error({ code: 'ResponseBroken', err: error, target: excerpt(originalUrl) }, 'an answer broke off');
      resetResponse(response.raw);
    });
    return response;
  }
}

function startTimer(response: HttpResponse, ms: number, onEnd: (response: HttpResponse) => void): void {
  const { request } = response;
  clearTimeout(request.timer);
  if (request.load !== undefined) request.timer = setTimeout(onEnd, ms, response);
}

/** Ends the HTTP/2 stream, and the connection if the reset stays unread. */
function endUnread(response: HttpResponse): void {
  const { connection, load, raw } = response.request;
  if (load === undefined) return;
  if (raw.httpVersionMajor === 1) {
    connection?.close('unread');
    return;
  }
  resetResponse(response.raw);
  setTimeout(() => response.request.load !== undefined && connection?.close('unread'), goodbyeMs).unref();
}
