/** Sends answers, and ends those that come too late or that their clients do not take. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { FastifyReply, FastifyRequest, RouteGenericInterface } from 'fastify';
import { excerpt } from '../apimachinery/quote.ts';
import type { UserInfo } from '../auth/user.ts';
import type { Logger } from '../logging.ts';
import { goodbyeMs } from './connections.ts';
import { breakOff, isMade, type MadeBody, writeBody } from './streamedbody.ts';
import type { OpenConnection, RequestLoad } from './openconnections.ts';
import { type Reply, timeoutReply } from './reply.ts';
import type { RequestInfo } from './requestinfo.ts';

declare module 'fastify' {
  interface FastifyRequest {
    info: RequestInfo;
    user: UserInfo | undefined;
    /** Undefined once the connection is closed. */
    connection: OpenConnection | undefined;
    load: RequestLoad | undefined;
    /** Ends the wait for what is under way: first for the answer, then for its client to take it. */
    timer: NodeJS.Timeout | undefined;
  }
}

/** HTTP/1.1 requests come through the same types; both have what is used here. */
export type Request = FastifyRequest<RouteGenericInterface, Http2SecureServer, Http2ServerRequest>;
export type Response = FastifyReply<RouteGenericInterface, Http2SecureServer, Http2ServerRequest, Http2ServerResponse>;

export interface AnsweringOptions {
  /** How long a client may take for one piece of an answer, in milliseconds. */
  readonly writeDeadlineMs: number;
  /** Whether connections are to end with their next answer. */
  readonly isStopping: () => boolean;
  readonly log: Logger;
}

export interface Answering {
  /** Sends an answer, unless the request had one already, such as that its time is over. */
  send(reply: Response, answer: Reply): Response;
  /** Lets a request take so many milliseconds from now on: then it is answered by 504, or its answer ends. */
  limitTime(reply: Response, ms: number): void;
  /** Adds the header by which HTTP/1.1 ends a connection, where connections are to end. */
  sayGoodbye(reply: Response): void;
}

export function createAnswering({ writeDeadlineMs, isStopping, log }: AnsweringOptions): Answering {
  return { send, limitTime: (reply, ms) => startTimer(reply, ms, giveUp), sayGoodbye };

  /** Replaces the timer of a request that has not ended. */
  function startTimer(reply: Response, ms: number, onEnd: (reply: Response) => void): void {
    const { request } = reply;
    clearTimeout(request.timer);
    if (request.load !== undefined) request.timer = setTimeout(onEnd, ms, reply);
  }

  function giveUp(reply: Response): void {
    if (reply.sent) stopWaiting(reply);
    else send(reply, timeoutReply());
  }

  /** Ends an answer that its client does not take: over HTTP/2 its stream, and the connection if not even that is taken. */
  function stopWaiting(reply: Response): void {
    const { connection, load, raw } = reply.request;
    if (load === undefined) return;
    if (raw.httpVersionMajor === 1) {
      connection?.close('unread');
      return;
    }
    breakOff(reply.raw);
    setTimeout(() => reply.request.load !== undefined && connection?.close('unread'), goodbyeMs).unref();
  }

  /** A kept-alive HTTP/1.1 connection would hold the shutdown up until its client hangs up. */
  function sayGoodbye(reply: Response): void {
    if (isStopping() && reply.request.raw.httpVersionMajor === 1) void reply.header('connection', 'close');
  }

  function send(reply: Response, { status, contentType, headers, body }: Reply): Response {
    // Its time was over before.
    if (reply.sent) return reply;
    if (contentType !== '') void reply.header('content-type', contentType);
    if (headers !== undefined) void reply.headers(headers);
    if (isMade(body)) return sendMade(reply, status, body);
    startTimer(reply, writeDeadlineMs, stopWaiting);
    reply.request.load?.holds(body.length);
    // Without a body there must be no Content-Type either.
    if (body.length === 0) return reply.code(status).send();
    return reply.code(status).send(Buffer.isBuffer(body) ? body : Buffer.from(body));
  }

  /**
   * Past fastify, whose streams do not tell when a piece has left. What is longer than a piece has no length, so HTTP/1.1 sends it in chunks, as
   * Go's servers do.
   */
  function sendMade(reply: Response, status: number, body: MadeBody): Response {
    sayGoodbye(reply);
    if (body.rest === undefined && !body.gzip) void reply.header('content-length', body.first.length);
    reply.hijack();
    reply.raw.writeHead(status, reply.getHeaders() as OutgoingHttpHeaders);
    reply.request.load?.holds(body.first.length);
    writeBody(body, reply.raw, { ms: writeDeadlineMs, missed: () => stopWaiting(reply) }).catch((error: unknown) => {
      log.error({ err: error, target: excerpt(reply.request.originalUrl) }, 'an answer broke off');
      breakOff(reply.raw);
    });
    return reply;
  }
}
