/** Caches look-ups. */
import type { Address, LookupError } from './address.ts';

/** Bounds of DNS' TTL. */
const shortestTtlMs = 5_000;
const longestTtlMs = 60_000;
/** Short: a new name is found soon. */
const absentTtlMs = 5_000;
/** Last known good addresses serve this long while DNS servers are silent or fail. */
const staleLimitMs = 24 * 60 * 60_000;
/** Oldest look-ups are evicted first. */
const nameLimit = 10_000;

export interface NameEntry {
  readonly result: readonly Address[] | LookupError;
  readonly untilMs: number;
  readonly first: boolean;
}

export interface NameCache {
  fresh(name: string): readonly Address[] | LookupError | undefined;
  /** Returns the last known good addresses. */
  stale(name: string): readonly Address[] | undefined;
  found(name: string, addresses: readonly Address[], ttlMs: number, first: boolean): void;
  absent(name: string, error: LookupError): void;
}

export function createNameCache(monotonicMs: () => number): NameCache {
  const entries = new Map<string, NameEntry>();
  return { fresh, stale, found, absent };

  function fresh(name: string): NameEntry['result'] | undefined {
    const entry = entries.get(name);
    return entry !== undefined && monotonicMs() < entry.untilMs ? entry.result : undefined;
  }

  function stale(name: string): readonly Address[] | undefined {
    const entry = entries.get(name);
    if (entry === undefined || entry.result instanceof Error) return undefined;
    return monotonicMs() < entry.untilMs + staleLimitMs ? entry.result : undefined;
  }

  function found(name: string, addresses: readonly Address[], ttlMs: number, first: boolean): void {
    const lifeMs = Math.min(Math.max(ttlMs, shortestTtlMs), longestTtlMs);
    set(name, { result: addresses, untilMs: monotonicMs() + lifeMs, first });
  }

  function absent(name: string, error: LookupError): void {
    set(name, { result: error, untilMs: monotonicMs() + absentTtlMs, first: false });
  }

  function set(name: string, entry: NameEntry): void {
    entries.delete(name);
    entries.set(name, entry);
    if (entries.size <= nameLimit) return;
    for (const [oldest, { first }] of entries) {
      if (first) continue;
      entries.delete(oldest);
      return;
    }
  }
}
