/** What servers of integration tests have in common. */
import type { ServerOptions } from '../../src/server/serveroptions.ts';

/** The flags' defaults, on loopback; connections live as long as a test needs them. */
export const usualServerOptions = {
  bindAddress: '127.0.0.1',
  tlsMinVersion: 'TLSv1.2',
  tlsCiphers: undefined,
  tlsCurves: undefined,
  http2: true,
  goawayChance: 0,
  maxConnectionAgeMs: 0,
  shutdownSendRetryAfter: false,
  requestTimeoutMs: 60_000,
} as const satisfies Partial<ServerOptions>;
