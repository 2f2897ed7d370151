/** The HTTP server of `kubegauge ui`, on 127.0.0.1: one page for the browsers of one user, and a fixed list of GETs. It forwards no request. */
import type { Socket } from 'node:net';
import { fastify, type FastifyReply, type FastifyRequest } from 'fastify';
import { describeError, type Logger } from '../logging.ts';
import { withoutSecrets } from '../foreigntext.ts';
import type { Answers } from './answers.ts';
import type { UiApiRoute } from './api.ts';
import type { Asset } from './assets.ts';
import { checkRequest, isLink } from './guard.ts';
import {
  connectionLimit,
  headerCountLimit,
  headerLimitBytes,
  headersTimeoutMs,
  idleTimeoutMs,
  urlLimitBytes,
} from './limits.ts';
import { noSessionPage, openingPage, usedLinkPage } from './messagepages.ts';
import { RequestError } from './requesterror.ts';
import type { ErrorAnswer } from './routes.ts';
import type { Sessions } from './sessions.ts';

export interface UiServerOptions {
  readonly api: Readonly<Record<string, UiApiRoute>>;
  readonly answers: Answers;
  /** Files of the page, by their paths below the session's. */
  readonly assets: ReadonlyMap<string, Asset>;
  readonly sessions: Sessions;
  /** Called when a link was used: by a browser that it opened in, or again, which ended its session. */
  readonly onLinkUsed: (use: 'opened' | 'again') => void;
  readonly log: Logger;
}

export interface UiServer {
  /** @param port 0 for any. @returns the port. @throws Error if it is in use. */
  listen(port: number): Promise<number>;
  close(): Promise<void>;
}

/** Nothing inline, nothing from elsewhere, in no frame; readable by no other site. */
const securityHeaders = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'private, no-cache',
} as const;

const html = 'text/html; charset=utf-8';

export function createUiServer(options: UiServerOptions): UiServer {
  const { sessions, api, assets } = options;
  const { base } = sessions;
  const app = createApp();
  let port = 0;
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    const { url = '/' } = request.raw;
    checkRequest({ method: request.method, url, headers: request.raw.headers }, { port, base });
    const answered = isLink(url, base) ? useLink(request, reply, options) : undefined;
    if (answered !== undefined) return answered;
    if (!sessions.isOpen(request.headers.cookie)) return refuse(request, reply, base);
    return undefined;
  });
  for (const [name, asset] of assets) app.get(base + name, (request, reply) => sendAsset(asset, request, reply));
  for (const [path, route] of Object.entries(api)) {
    app.get(base + path.slice(1), (request, reply) => sendAnswer(route, options.answers, request, reply));
  }
  app.setNotFoundHandler((_request, reply) => sendError(reply, new RequestError(404, 'there is nothing at this path')));
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof RequestError) return sendError(reply, error);
    options.log.error(
      { code: 'RequestFailed', reason: describeError(error) },
      'answering a request of the page failed',
    );
    return sendError(reply, new RequestError(500, 'kubegauge could not answer', 'its terminal says why'));
  });
  return {
    async listen(wanted) {
      try {
        await app.listen({ host: '127.0.0.1', port: wanted });
      } catch (cause) {
        const remedy = 'choose another with --port, or none for any that is free';
        throw new Error(`cannot listen on 127.0.0.1:${wanted}: ${remedy}`, { cause });
      }
      const address = app.server.address();
      port = typeof address === 'object' && address !== null ? address.port : wanted;
      return port;
    },
    async close() {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

function createApp() {
  const app = fastify({
    logger: false,
    http: { maxHeaderSize: headerLimitBytes + urlLimitBytes, headersTimeout: headersTimeoutMs },
    requestTimeout: headersTimeoutMs,
    keepAliveTimeout: idleTimeoutMs,
    // A request has no body.
    bodyLimit: 1,
    exposeHeadRoutes: true,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 253 },
    // The default compilers would load ajv.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    clientErrorHandler: (_error, socket) => endUnreadable(socket),
    frameworkErrors: (_error, _request, reply) => {
      void sendError(reply.headers(securityHeaders), new RequestError(400, 'the path of the URL is not valid'));
    },
  });
  app.server.maxConnections = connectionLimit;
  app.server.maxHeadersCount = headerCountLimit;
  return app;
}

function noSchemas(): never {
  throw new Error('a route has a schema: schemaController has to compile it');
}

/** Answers what is no HTTP, or has too many headers. */
function endUnreadable(socket: Socket): void {
  if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  else socket.destroy();
}

/** Returns undefined for a browser with a session, which sees the page. A HEAD, or a browser that fetches ahead, does not use up the link. */
function useLink(request: FastifyRequest, reply: FastifyReply, options: UiServerOptions): FastifyReply | undefined {
  const { sessions, onLinkUsed } = options;
  const { cookie } = request.headers;
  const isAhead = request.headers['sec-purpose'] !== undefined || request.headers['purpose'] !== undefined;
  // Also with a session: a page that was fetched ahead may be shown without another request.
  if (request.method !== 'GET' || isAhead) return refuse(request, reply, sessions.base);
  const token = (request.raw.url ?? '').slice(`${sessions.base}?token=`.length);
  const exchange = sessions.exchange(token, cookie);
  if (exchange.kind === 'opened') onLinkUsed('opened');
  // Once: the caller may answer with a new link, which no stranger may replace again and again.
  if (exchange.kind === 'used' && exchange.endedNow) onLinkUsed('again');
  if (sessions.isOpen(cookie)) return undefined;
  switch (exchange.kind) {
    case 'opened':
      return reply.header('set-cookie', exchange.setCookie).type(html).send(openingPage);
    case 'used':
      return reply.code(401).type(html).send(usedLinkPage);
    case 'unknown':
      return refuse(request, reply, sessions.base);
  }
}

function refuse(request: FastifyRequest, reply: FastifyReply, base: string): FastifyReply {
  if (!(request.raw.url ?? '').startsWith(`${base}api/`)) return reply.code(401).type(html).send(noSessionPage);
  const remedy = 'open the link in the terminal where kubegauge runs';
  return sendError(reply, new RequestError(401, 'this browser has no session', remedy));
}

function sendError(reply: FastifyReply, error: RequestError): FastifyReply {
  if (error.status === 405) reply.header('allow', 'GET, HEAD');
  const answer = withoutSecrets(error.toAnswer()) as ErrorAnswer;
  return reply.code(error.status).type('application/json; charset=utf-8').send(JSON.stringify(answer));
}

async function sendAnswer(
  route: UiApiRoute,
  answers: Answers,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const params = request.params as Readonly<Record<string, string>>;
  const { key, read } = route({ params, query: request.query as Readonly<Record<string, unknown>> });
  const { body, etag } = await answers.get(key, read);
  reply.header('etag', etag);
  if (isKnown(request, etag)) return reply.code(304).send();
  return reply.type('application/json; charset=utf-8').send(body);
}

function sendAsset({ type, body, gzipped, etag }: Asset, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.headers({ etag, vary: 'accept-encoding' });
  if (isKnown(request, etag)) return reply.code(304).send();
  const accepts = /(?:^|,)\s*gzip\s*(?:,|$)/i.test(request.headers['accept-encoding'] ?? '');
  if (gzipped === undefined || !accepts) return reply.type(type).send(body);
  return reply.header('content-encoding', 'gzip').type(type).send(gzipped);
}

function isKnown(request: FastifyRequest, etag: string): boolean {
  const known = (request.headers['if-none-match'] ?? '').split(',');
  return known.some((each) => each.trim().replace(/^W\//, '') === etag);
}
