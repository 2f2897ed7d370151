import type { Waiter } from '../../src/auth/reviewcache.ts';

/** Returns a request whose turn comes at once. Without a signal it waits for ever. */
export function waiterWith(signal: AbortSignal = new AbortController().signal): Waiter {
  return { signal, turn: async () => undefined };
}
