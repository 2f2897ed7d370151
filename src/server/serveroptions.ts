/** The parts that the server is built from. */
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
  readonly http2: boolean;
  /** Probability of GOAWAY per HTTP/2 request; pending requests are still answered. */
  readonly goawayChance: number;
  /** Milliseconds after which a connection ends without losing a request, give or take `ageJitter`; 0 for no limit. */
  readonly maxConnectionAgeMs: number;
  readonly shutdownSendRetryAfter: boolean;
  readonly tls: ServerTls;
  /** Milliseconds; `timeout` can only shorten it. */
  readonly requestTimeoutMs: number;
  readonly inFlight: InFlightLimit;
  readonly connections: OpenConnections;
  /** Milliseconds for a client to accept one piece. */
  readonly writeDeadlineMs: number;
  readonly metrics: RequestMetrics;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly trustKnown: () => boolean;
  readonly router: Router;
  readonly log: Logger;
}
