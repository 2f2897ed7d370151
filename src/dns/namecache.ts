/** Caches the results of look-ups. */
import type { Address, LookupError } from './address.ts';

/** Bounds of the TTL that DNS sets, in milliseconds. */
const shortestTtlMs = 5_000;
const longestTtlMs = 60_000;
/** TTL of names that do not exist, in milliseconds. Short, so that a new name is found soon. */
const absentTtlMs = 5_000;
/** How long stale addresses are the last known good ones while DNS servers are silent or fail, in milliseconds. */
const staleLimitMs = 24 * 60 * 60_000;
/** Entries. Those that were looked up longest ago are evicted first. */
const nameLimit = 10_000;

export interface NameEntry {
  readonly result: readonly Address[] | LookupError;
  readonly untilMs: number;
  /** Whether it is never evicted. */
  readonly first: boolean;
}

export interface NameCache {
  /** Returns the result whose TTL is not over. */
  fresh(name: string): readonly Address[] | LookupError | undefined;
  /** Returns the last known good addresses, also after their TTL. */
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
