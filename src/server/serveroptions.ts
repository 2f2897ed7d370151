/** What the server is built from. */
import type { Authenticator } from '../auth/authenticator.ts';
import type { Authorizer } from '../auth/authorizer.ts';
import type { Logger } from '../logging.ts';
import type { InFlightLimit } from './inflight.ts';
import type { OpenConnections } from './openconnections.ts';
import type { Router } from './paths.ts';
import type { RequestMetrics } from './requestmetrics.ts';
import type { ServerTls, TlsOptions } from './tlscontext.ts';

export interface ServerOptions extends TlsOptions {
  readonly bindAddress: string;
  readonly port: number;
  /** Whether HTTP/2 is offered beside HTTP/1.1. */
  readonly http2: boolean;
  /** Probability that a request over HTTP/2 makes the server send GOAWAY; pending requests of the connection are still answered. */
  readonly goawayChance: number;
  /** Whether requests that arrive while the server drains are answered by 429 with Retry-After. */
  readonly shutdownSendRetryAfter: boolean;
  readonly tls: ServerTls;
  /** Milliseconds that a request may take; the `timeout` parameter of a request can only shorten it. */
  readonly requestTimeoutMs: number;
  readonly inFlight: InFlightLimit;
  readonly connections: OpenConnections;
  /** Milliseconds that a client may take to accept one piece of a response. */
  readonly writeDeadlineMs: number;
  readonly metrics: RequestMetrics;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  /** Reports whether the CAs of clients and front proxies are known; until then only health is served. */
  readonly trustKnown: () => boolean;
  readonly router: Router;
  readonly log: Logger;
}
