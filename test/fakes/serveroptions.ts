/** The options that servers of integration tests have in common. */
import type { Authenticator } from '../../src/auth/authenticator.ts';
import { anonymous } from '../../src/auth/user.ts';
import type { ServerOptions } from '../../src/server/serveroptions.ts';

/** The flags' defaults, on loopback; connections live as long as a test needs them, and every user may get everything. */
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
  writeDeadlineMs: 60_000,
  authorizer: { authorize: async () => undefined, allows: async () => true },
  trustKnown: () => true,
} as const satisfies Partial<ServerOptions>;

/** Authenticates requests with the header `x-known`. */
export const knownByHeader: Authenticator = {
  authenticate: async ({ rawHeaders }) =>
    rawHeaders.includes('x-known') ? { name: 'alice', uid: '', groups: [], extra: new Map() } : anonymous,
};
