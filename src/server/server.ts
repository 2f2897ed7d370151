/** HTTPS: one port for HTTP/2 and HTTP/1.1. The order of the hooks below is the security model. */
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { Http2ServerRequest } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { fastify } from 'fastify';
import { badRequest, serviceUnavailable, StatusError, uriTooLong } from '../apimachinery/status.ts';
import type { Attributes } from '../auth/attributes.ts';
import type { Authenticator, UserInfo } from '../auth/authenticator.ts';
import { bearerWarning } from '../auth/bearer.ts';
import { firstHeaderLine } from '../auth/rawheaders.ts';
import type { Authorizer } from '../auth/authorizer.ts';
import { anonymous, isAnonymous, masters } from '../auth/user.ts';
import { createLineLimit, type Logger } from '../logging.ts';
import { createAnswering, type Request, type Response } from './sendresponse.ts';
import {
  asksToLeave,
  endAfterAnswer,
  endIdleSessions,
  headerLimitBytes,
  headerPairLimit,
  hostProblem,
  http2Limits,
  refuseTunnels,
  refuseUnreadable,
  requestBytes,
  urlLimitBytes,
  watchConnections,
} from './connections.ts';
import { createDraining, shuttingDownReply } from './draining.ts';
import type { Endpoints } from './paths.ts';
import { answerTimeoutMs } from './deadline.ts';
import { failureReply } from './errors.ts';
import { startGuarded } from './guardedhandshake.ts';
import { parseInSlices } from './headslices.ts';
import { isHealthPath } from './health.ts';
import { type InFlight, tooManyRequestsReply } from './inflight.ts';
import { listenOn } from './listen.ts';
import type { OpenConnection, OpenConnections } from './openconnections.ts';
import { createPeerCertificate } from './peercertificate.ts';
import { refusePlainHttp } from './plainhttp.ts';
import type { RequestMetrics } from './requestmetrics.ts';
import { type Reply, statusReply } from './reply.ts';
import { takeRequestsInTurn } from './requestqueue.ts';
import { type ApiRequest, parameterLimit, requestInfo, type RequestInfo } from './requestinfo.ts';
import { http1Only, secureContext, type ServerTls, type TlsOptions } from './tlscontext.ts';
import { createTurns } from './strangerbudget.ts';
import { connectionWaitingBytesLimit, drainLimitMs, pipelineLimit } from './waitinglimits.ts';

export interface ServerOptions extends TlsOptions {
  readonly bindAddress: string;
  readonly port: number;
  /** Whether HTTP/2 is offered beside HTTP/1.1. */
  readonly http2: boolean;
  /** Probability that a request over HTTP/2 ends its connection, once what is under way has its answer. */
  readonly goawayChance: number;
  /** Whether requests that come while others are waited for at the end are answered by 429 with Retry-After. */
  readonly shutdownSendRetryAfter: boolean;
  readonly tls: ServerTls;
  /** How long a request may take in milliseconds, if it does not say itself that it wants its answer sooner. */
  readonly requestTimeoutMs: number;
  readonly inFlight: InFlight;
  readonly connections: OpenConnections;
  /** How long a client may take for one piece of an answer, in milliseconds. */
  readonly writeDeadlineMs: number;
  readonly metrics: RequestMetrics;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  /** Whether it is known whom to trust; until then only health is answered. */
  readonly trustKnown: () => boolean;
  readonly endpoints: Endpoints;
  readonly log: Logger;
}

export interface Server {
  /** @throws Error that says what to do when the port cannot be had. */
  listen(): Promise<void>;
  /** New connections use these from now on; connections that are open live on. */
  setTls(tls: ServerTls): void;
  /** Stops listening, lets requests under way finish, closes. */
  close(): Promise<void>;
}

/** Go's clients keep an idle connection for 90 s; ours must outlive it, or they write into a closed one. */
const idleTimeoutMs = 95_000;
/** How long a client may take to shake hands, to send a request's headers, and to send all of it; as in Go's API servers. */
const handshakeTimeoutMs = 10_000;
const headersTimeoutMs = 32_000;
const requestTimeoutMs = 60_000;
/** Until the last bytes of the last answer have left. */
const flushMs = 100;
const auditIdLimit = 1024;
const unreadableUrl = `the path or its percent-encoding is malformed, or the URL has more than ${parameterLimit} parameters`;

export async function createServer(options: ServerOptions): Promise<Server> {
  const { authenticator, authorizer, inFlight, connections, metrics, endpoints, log } = options;
  const peerCertificate = createPeerCertificate();
  const askToLeave = asksToLeave();
  const mayLog = createLineLimit(() => performance.now());
  let tls = options.tls;
  const app = fastify({
    http2: true,
    https: {
      allowHTTP1: true,
      ...secureContext(tls, options),
      requestCert: true,
      // Node sets it for HTTP/2 only. Without, an answer waits for the client's acknowledgement of what came before: 40 ms.
      noDelay: true,
      handshakeTimeout: handshakeTimeoutMs,
      // Who signed it is decided per request: there are two CAs with two meanings.
      rejectUnauthorized: false,
      ...(options.http2 ? {} : { ALPNCallback: http1Only }),
      ...http2Limits,
    },
    http2SessionTimeout: idleTimeoutMs,
    keepAliveTimeout: idleTimeoutMs,
    exposeHeadRoutes: false,
    rewriteUrl: toOnlyRoute,
    logger: false,
    // No route has a schema: what compiles them, ajv, would be loaded and made for nothing.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    clientErrorHandler: refuseUnreadable,
  });
  // Fastify hands these to HTTP/2 only; HTTP/1.1 beside it looks for them on the server.
  Object.assign(app.server, {
    maxHeaderSize: headerLimitBytes,
    maxHeadersCount: headerPairLimit,
    keepAliveTimeout: idleTimeoutMs,
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
  });
  endIdleSessions(app.server, connections);
  refuseTunnels(app.server);
  const turns = createTurns();
  const { inTurn } = turns;
  const guard = { inTurn, onRefused: refusedHandshake };
  refusePlainHttp(app.server, handshakeTimeoutMs, inTurn, (first, start) => startGuarded(first, start, guard));
  watchConnections(app.server, connections);
  parseInSlices(app.server, turns, (socket) => openConnectionOf({ socket })?.isKnown() === true);
  takeRequestsInTurn(app.server, {
    atOnce: turns.atOnce,
    isKnown: (request) => openConnectionOf(request)?.isKnown() === true,
    close: (request) => openConnectionOf(request)?.close('pipelining'),
  });
  /** The methods of requests that came with one that fastify does not know. */
  const oddMethods = new WeakMap<object, string>();
  let stopping = false;
  const { writeDeadlineMs } = options;
  const { send, limitTime, sayGoodbye } = createAnswering({ writeDeadlineMs, isStopping: () => stopping, log });
  const draining = createDraining();
  /** Ends what a request waits for; only when draining takes too long. */
  const abandoned = new AbortController();
  const givenUp = once(abandoned.signal, 'abort');

  /** By HTTP/2 session, or socket of HTTP/1.1: to find one by its peer makes a text for each request. */
  const openConnections = new WeakMap<object, OpenConnection>();
  /** Requests that have no answer yet. */
  let underWay = 0;
  const events = new EventEmitter();

  app.addHook('onRequest', count);
  app.decorateRequest('info');
  app.decorateRequest('user');
  app.decorateRequest('connection');
  app.decorateRequest('load');
  app.decorateRequest('timer');
  app.addHook('onRequest', refuseHosts);
  app.addHook('onRequest', balance);
  app.addHook('onRequest', answerOptionsOfAll);
  app.addHook('onRequest', identify);
  if (options.shutdownSendRetryAfter) app.addHook('onRequest', refuseWhileDraining);
  app.addHook('onRequest', answerHealthEarly);
  app.addHook('onRequest', authenticate);
  // A hook as well, because nothing here takes a body: after the hooks, fastify would look at its media type and read it.
  app.addHook('onRequest', authorizeAndServe);
  app.route({ method: app.supportedMethods, url: '/', handler: unreachable });
  app.setErrorHandler(async (error, request, reply) =>
    send(reply, await failureReply(error, request.originalUrl, apiRequest(request), log)),
  );
  app.addHook('onSend', async (_request, reply) => sayGoodbye(reply));

  return { listen: () => listenOn(app, options.bindAddress, options.port), setTls, close };

  /** What method and URL mean is read in one place, which is not fastify's router: it would answer some of them itself. */
  function toOnlyRoute(request: { method?: string | undefined }): string {
    const { method = '' } = request;
    if (!app.supportedMethods.includes(method)) {
      oddMethods.set(request, method);
      request.method = 'GET';
    }
    return '/';
  }

  function openConnectionOf(raw: Pick<Http2ServerRequest, 'socket'>): OpenConnection | undefined {
    const key = connectionOf({ raw });
    let connection = openConnections.get(key);
    if (connection === undefined) {
      connection = connections.find(raw.socket);
      if (connection !== undefined) openConnections.set(key, connection);
    }
    return connection;
  }

  /** By the connection's word, which comes for every request: fastify's onResponse does not come for a client that left. */
  async function count(request: Request, reply: Response): Promise<void> {
    const connection = openConnectionOf(request.raw);
    request.connection = connection;
    if (connection?.isOpen() === true) {
      underWay += 1;
      request.load = connection.began(requestBytes(request.raw), () => {
        request.load = undefined;
        clearTimeout(request.timer);
        underWay -= 1;
        if (underWay === 0) events.emit('idle');
      });
      if (request.raw.httpVersionMajor === 1 && connection.requests() > pipelineLimit) connection.close('pipelining');
    }
    if (connection?.isOpen() !== true) {
      // The client will not see an answer.
      reply.hijack();
      return;
    }
    limitTime(reply, options.requestTimeoutMs);
    reply.raw.once('close', () => {
      if (reply.sent && request.info !== undefined) {
        metrics.answered(request.info, reply.statusCode, reply.elapsedTime / 1000);
      }
      request.load?.ended();
    });
  }

  async function identify(request: Request, reply: Response): Promise<void> {
    void reply.header('audit-id', auditId(request.headers['audit-id']));
    void reply.header('cache-control', 'no-cache, private');
    if (request.originalUrl.length > urlLimitBytes) throw uriTooLong(request.originalUrl.length, urlLimitBytes);
    const info = requestInfo(oddMethods.get(request.raw) ?? request.method, request.originalUrl);
    if (info === undefined) throw badRequest(unreadableUrl);
    request.info = info;
    // Whatever the request waits for goes on for its own time; only its answer is not waited for any more.
    const timeoutMs = answerTimeoutMs(info, options.requestTimeoutMs);
    if (timeoutMs !== options.requestTimeoutMs) limitTime(reply, timeoutMs);
  }

  async function balance(request: Request): Promise<void> {
    if (options.goawayChance > 0 && Math.random() < options.goawayChance) askToLeave(request.raw);
  }

  async function refuseWhileDraining(request: Request, reply: Response): Promise<Response | undefined> {
    if (draining.admits(request.info.path, request.headers['user-agent'])) {
      reply.raw.once('close', draining.admit());
      return undefined;
    }
    askToLeave(request.raw);
    if (request.raw.httpVersionMajor === 1) void reply.header('connection', 'close');
    return send(reply, shuttingDownReply());
  }

  /** Probes must not depend on kube-apiserver; everything else has to wait until it is known whom to trust. */
  async function answerHealthEarly(request: Request, reply: Response): Promise<unknown> {
    if (options.trustKnown()) return;
    const health = await endpoints.serveHealth(request.info);
    if (health !== undefined) return send(reply, health);
    const error = serviceUnavailable(
      'the server is starting: it does not know yet which front proxies and clients to trust',
      1,
    );
    return send(reply, await statusReply(error, apiRequest(request)));
  }

  async function authenticate(request: Request, reply: Response): Promise<void> {
    const warning = bearerWarning(request.raw.rawHeaders);
    if (warning !== undefined) void reply.header('warning', `299 - "${warning}"`);
    const socket = request.raw.socket as TLSSocket;
    const connection = connectionOf(request);
    try {
      request.user = await authenticator.authenticate(
        {
          rawHeaders: request.raw.rawHeaders,
          certificate: peerCertificate(socket, connection),
          connection,
          get address() {
            return socket.remoteAddress ?? '';
          },
        },
        abandoned.signal,
      );
    } finally {
      metrics.authenticated(request.user === undefined ? 'error' : 'success');
      if (request.user === undefined || isAnonymous(request.user)) endAfterAnswer(request.raw, reply.raw);
      else request.connection?.authenticated();
    }
  }

  /** Probes and cluster admins, such as kube-apiserver's own, come through however many others are there. */
  async function authorizeAndServe(request: Request, reply: Response): Promise<Response> {
    const { info, user = anonymous, load } = request;
    if ((load?.waitingOnConnection() ?? 0) > connectionWaitingBytesLimit) return send(reply, tooManyRequestsReply());
    const work = async (): Promise<Reply> => {
      await authorize(user, attributesOf(info));
      return endpoints.serve(apiRequest(request));
    };
    const isExempt = isHealthPath(info.path) || user.groups.includes(masters);
    const answer = isExempt ? work() : inFlight.within(work, isAnonymous(user));
    return send(reply, await (answer ?? tooManyRequestsReply()));
  }

  async function authorize(user: UserInfo, attributes: Attributes): Promise<void> {
    try {
      await authorizer.authorize(user, attributes, abandoned.signal);
    } catch (error) {
      metrics.authorized(error instanceof StatusError ? 'no-opinion' : 'error');
      throw error;
    }
    metrics.authorized('allowed');
  }

  /** Before a request could be read, there is nothing in it that could ask for a form of the error. */
  function apiRequest(request: Request): ApiRequest {
    const { rawHeaders } = request.raw;
    const info = request.info ?? unreadInfo(request.method);
    const common = { info, header: (name: string) => firstHeaderLine(rawHeaders, name) ?? '' };
    const { user } = request;
    // Most often it is a probe, which is nobody: not worth a question to kube-apiserver.
    if (user === undefined || isAnonymous(user)) return common;
    const mayGet = (path: string) => authorizer.allows(user, { kind: 'path', verb: 'get', path }, abandoned.signal);
    return { ...common, mayGet };
  }

  function setTls(next: ServerTls): void {
    tls = next;
    app.server.setSecureContext(secureContext(tls, options));
  }

  function refusedHandshake({ message }: Error): void {
    // A client chooses the numbers in it.
    if (mayLog(message.replace(/\d+/g, '')))
      log.warn({ reason: message }, 'ended a TLS handshake: its certificates are not read');
  }

  async function noRequests(): Promise<void> {
    if (underWay > 0) await once(events, 'idle');
    await sleep(flushMs);
  }

  async function close(): Promise<void> {
    // One limit for both waits.
    const limit = setTimeout(() => abandoned.abort(new Error('the server stops')), drainLimitMs);
    if (options.shutdownSendRetryAfter) await draining.begin(givenUp);
    stopping = true;
    const drained = app.close();
    // Connections without a request under way are not worth waiting for; some never had any and would hold us up.
    await Promise.race([drained, noRequests(), givenUp]);
    clearTimeout(limit);
  }
}

/** The same object for all requests of one connection. */
function connectionOf({ raw }: { readonly raw: Pick<Http2ServerRequest, 'socket'> }): object {
  return (raw as Partial<Http2ServerRequest>).stream?.session ?? raw.socket;
}

function noSchemas(): never {
  throw new Error('a route has a schema: schemaController has to compile it');
}

async function refuseHosts(request: Request, reply: Response): Promise<Response | undefined> {
  const problem = hostProblem(request.raw);
  if (problem === undefined) return undefined;
  return reply.code(400).header('connection', 'close').type('text/plain; charset=utf-8').send(problem);
}

/** `OPTIONS *` asks for nothing but an answer, and is about no path. As in Go's servers anybody gets one, with nothing in it. */
async function answerOptionsOfAll(request: Request, reply: Response): Promise<Response | undefined> {
  if (request.method !== 'OPTIONS' || request.originalUrl !== '*') return undefined;
  return reply.code(200).header('content-length', '0').send();
}

function unreachable(): never {
  throw new Error('a hook answers every request');
}

/** Ours, unless the client has one that is worth repeating: over HTTP/2, headers beyond 64 KiB would break everybody's connection. */
function auditId(sent: unknown): string {
  return typeof sent === 'string' && sent !== '' && sent.length <= auditIdLimit ? sent : randomUUID();
}

function unreadInfo(method: string): RequestInfo {
  return { method, path: '', query: new Map(), rawQuery: '', resource: undefined, shape: 'other' };
}

function attributesOf({ method, path, query, resource }: RequestInfo): Attributes {
  if (resource === undefined) return { kind: 'path', verb: method.toLowerCase(), path };
  return {
    kind: 'resource',
    ...resource,
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
  };
}
