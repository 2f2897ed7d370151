/** Keeps tokens that were valid once: their reviews do not queue. */
import type { Clock } from '../clock.ts';

/** Keys are keyed hashes, never tokens. */
export interface KnownTokens {
  has(key: string): boolean;
  /** Restarts the TTL. */
  add(key: string): void;
  delete(key: string): void;
}

/** Milliseconds after a token was last valid. */
export const knownMs = 3_600_000;
/** Entries of about 150 bytes each; the one that was valid longest ago is evicted. */
export const knownTokenLimit = 8_192;

export function createKnownTokens(clock: Pick<Clock, 'monotonicMs'>): KnownTokens {
  /** Least recently valid first. */
  const untilMs = new Map<string, number>();
  return {
    has: (key) => (untilMs.get(key) ?? -Infinity) > clock.monotonicMs(),
    add(key) {
      untilMs.delete(key);
      untilMs.set(key, clock.monotonicMs() + knownMs);
      const [oldest] = untilMs.keys();
      if (untilMs.size > knownTokenLimit && oldest !== undefined) untilMs.delete(oldest);
    },
    delete: (key) => void untilMs.delete(key),
  };
}
