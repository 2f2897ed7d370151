/** Which tokens were good once: their reviews do not wait behind those of strangers. */
import type { Clock } from '../clock.ts';

/** Keyed hashes of tokens, never tokens. */
export interface KnownTokens {
  has(key: string): boolean;
  /** Counts anew from now. */
  add(key: string): void;
  delete(key: string): void;
}

/** How long a token is known after it was last found good, in milliseconds. */
export const knownMs = 3_600_000;
/** Tokens; the one that was found good longest ago makes room. About 150 bytes each. */
export const knownTokenLimit = 8_192;

export function createKnownTokens(clock: Pick<Clock, 'monotonicMs'>): KnownTokens {
  /** In the order in which they were found good. */
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
