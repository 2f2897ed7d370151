/** Builds the fastify application: one port, one route. */
import { fastify } from 'fastify';
import { refuseUnreadable } from './connections.ts';
import { headerLimitBytes, headerPairLimit, http2Limits } from './protocollimits.ts';
import type { HttpRequest } from './responder.ts';
import type { ServerOptions } from './serveroptions.ts';
import { http1Only, secureContext } from './tlscontext.ts';

/** Milliseconds. Go's clients keep an idle connection for 90 s; ours must outlive it. */
const idleTimeoutMs = 95_000;
/** Milliseconds, as in Go's API servers. */
export const handshakeTimeoutMs = 10_000;
const headersTimeoutMs = 32_000;
const requestTimeoutMs = 60_000;

export type App = ReturnType<typeof createFastify>;

export interface AppWithMethods {
  readonly app: App;
  /** As sent; fastify may not know it. */
  readonly methodOf: (request: HttpRequest) => string;
}

export function createApp(options: ServerOptions): AppWithMethods {
  const unknownMethods = new WeakMap<object, string>();
  const app = createFastify(options, (request) => {
    const { method = '' } = request;
    if (!app.supportedMethods.includes(method)) {
      unknownMethods.set(request, method);
      request.method = 'GET';
    }
    return '/';
  });
  // Fastify passes these to HTTP/2 only; Node's HTTP/1.1 code reads them here.
  Object.assign(app.server, {
    maxHeaderSize: headerLimitBytes,
    maxHeadersCount: headerPairLimit,
    keepAliveTimeout: idleTimeoutMs,
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
  });
  app.route({ method: app.supportedMethods, url: '/', handler: unreachable });
  return { app, methodOf: ({ raw, method }) => unknownMethods.get(raw) ?? method };
}

/** @param rewriteUrl maps each request to the one route: `requestinfo.ts` alone parses the URL. */
function createFastify(options: ServerOptions, rewriteUrl: (request: { method?: string | undefined }) => string) {
  return fastify({
    http2: true,
    https: {
      allowHTTP1: true,
      ...secureContext(options.tls, options),
      requestCert: true,
      // Node sets it for HTTP/2 only. Without it, a response waits for a delayed ACK: 40 ms on Linux.
      noDelay: true,
      handshakeTimeout: handshakeTimeoutMs,
      // Verified per request: two CAs have two meanings.
      rejectUnauthorized: false,
      ...(options.http2 ? {} : { ALPNCallback: http1Only }),
      ...http2Limits,
    },
    http2SessionTimeout: idleTimeoutMs,
    keepAliveTimeout: idleTimeoutMs,
    exposeHeadRoutes: false,
    rewriteUrl,
    logger: false,
    // The default compilers would load ajv.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    clientErrorHandler: refuseUnreadable,
  });
}

function noSchemas(): never {
  throw new Error('a route has a schema: schemaController has to compile it');
}

function unreachable(): never {
  throw new Error('a hook answers every request');
}
