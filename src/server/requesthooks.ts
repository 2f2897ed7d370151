/** Hooks before authentication. */
import { randomUUID } from 'node:crypto';
import type { Http2ServerRequest } from 'node:http2';
import { badRequest, uriTooLong } from '../apimachinery/status.ts';
import { endQuietly } from './connectionage.ts';
import { endAfterResponse, endStrangerAfterResponse, hostProblem, requestBytes } from './connections.ts';
import { answerTimeoutMs } from './deadline.ts';
import { shuttingDownReply } from './draining.ts';
import type { HookContext } from './hookcontext.ts';
import { urlLimitBytes } from './protocollimits.ts';
import { parameterLimit, requestInfo } from './requestinfo.ts';
import { timeoutReply } from './reply.ts';
import type { HttpRequest, HttpResponse } from './responder.ts';
import { pipelineLimit } from './waitinglimits.ts';

const auditIdLimit = 1024;
/** Node's timers count whole milliseconds: a fast answer would come before a shorter timeout. */
const shortestTimerMs = 1;
const unreadableUrl = `the path or its percent-encoding is malformed, or the URL has more than ${parameterLimit} parameters`;

type Hook = (request: HttpRequest, response: HttpResponse) => Promise<unknown>;

/** Counts a request until its end, and starts its timeout. fastify's onResponse misses disconnected clients. */
export function trackRequest({ options, connectionOf, responder, shutdown }: HookContext): Hook {
  const { metrics, requestTimeoutMs } = options;
  return async (request, response) => {
    const connection = connectionOf(request.raw);
    request.connection = connection;
    if (connection?.isOpen() === true) {
      const ended = shutdown.track();
      request.load = connection.beginRequest(requestBytes(request.raw), () => {
        request.load = undefined;
        clearTimeout(request.timer);
        ended();
      });
      if (request.raw.httpVersionMajor === 1 && connection.pendingRequests() > pipelineLimit) {
        connection.close('pipelining');
      }
    }
    if (connection?.isOpen() !== true) {
      // No response can reach the client.
      response.hijack();
      return;
    }
    responder.limitTime(response, requestTimeoutMs);
    response.raw.once('finish', () => request.load?.answered());
    response.raw.once('close', () => {
      if (response.sent && request.info !== undefined) {
        metrics.answered(request.info, response.statusCode, response.elapsedTime / 1000);
      }
      request.load?.end();
    });
  };
}

export async function refuseHost(request: HttpRequest, response: HttpResponse): Promise<HttpResponse | undefined> {
  const problem = hostProblem(request.raw);
  if (problem === undefined) return undefined;
  return response.code(400).header('connection', 'close').type('text/plain; charset=utf-8').send(problem);
}

/**
 * Milliseconds that --goaway-chance waits for a moment without a pending request. A busy connection would otherwise
 * live for 50 requests, less than are in flight, and its client would repeat a request several times.
 */
const goAwayWaitMs = 100;

/** Spreads clients over replicas: ends HTTP/2 connections beyond --max-connection-age, and by --goaway-chance. */
export function spreadConnections({ options: { goawayChance }, ages }: HookContext): Hook {
  return async ({ raw, connection }) => {
    const session = (raw as Partial<Http2ServerRequest>).stream?.session;
    if (session === undefined) return;
    if (ages.isDue(raw)) endQuietly(session, connection, ages.quietWaitMs);
    else if (goawayChance > 0 && Math.random() < goawayChance) endQuietly(session, connection, goAwayWaitMs);
  };
}

/** Answers `OPTIONS *` by an empty 200, as Go. */
export async function answerOptionsAsterisk(
  request: HttpRequest,
  response: HttpResponse,
): Promise<HttpResponse | undefined> {
  if (request.method !== 'OPTIONS' || request.originalUrl !== '*') return undefined;
  endStrangerAfterResponse(request.connection, request.raw, response.raw);
  return response.code(200).header('content-length', '0').send();
}

/** Interprets method and URL, and applies the client's timeout. */
export function readRequest({ options: { requestTimeoutMs }, methodOf, responder }: HookContext): Hook {
  return async (request, response) => {
    void response.header('audit-id', auditId(request.headers['audit-id']));
    void response.header('cache-control', 'no-cache, private');
    const { originalUrl } = request;
    const isTooLong = originalUrl.length > urlLimitBytes;
    const info = isTooLong ? undefined : requestInfo(methodOf(request), originalUrl);
    if (info === undefined) {
      endStrangerAfterResponse(request.connection, request.raw, response.raw);
      throw isTooLong ? uriTooLong(originalUrl.length, urlLimitBytes) : badRequest(unreadableUrl);
    }
    request.info = info;
    // The timeout ends the response; reviews go on, for other requests.
    const timeoutMs = answerTimeoutMs(info, requestTimeoutMs);
    if (timeoutMs < shortestTimerMs) return responder.send(response, timeoutReply());
    if (timeoutMs !== requestTimeoutMs) responder.limitTime(response, timeoutMs);
    return undefined;
  };
}

/** Reuses the client's short Audit-ID: response headers beyond 64 KiB would break an HTTP/2 connection. */
function auditId(sent: unknown): string {
  return typeof sent === 'string' && sent !== '' && sent.length <= auditIdLimit ? sent : randomUUID();
}

export function refuseWhileDraining({ responder, shutdown: { draining } }: HookContext): Hook {
  return async (request, response) => {
    if (draining.admits(request.info.path, request.headers['user-agent'])) {
      response.raw.once('close', draining.admit());
      return undefined;
    }
    endAfterResponse(request.raw, response.raw);
    if (request.raw.httpVersionMajor === 1) void response.header('connection', 'close');
    return responder.send(response, shuttingDownReply());
  };
}
