/** What names stood for when they were last looked up, for as long as that counts. */
import type { Address, LookupError } from './address.ts';

/** How long addresses count, in milliseconds: what DNS says (TTL), but within these bounds. */
const shortestTtlMs = 5_000;
const longestTtlMs = 60_000;
/** How long it counts that there is no such name, in milliseconds; a name that was just made is to be found soon. */
const absentTtlMs = 5_000;
/** How long addresses that do not count any more stand in while DNS servers are silent or fail, in milliseconds. */
const staleLimitMs = 24 * 60 * 60_000;
/** Names that are kept; those that were looked up longest ago leave first. */
const nameLimit = 10_000;

export interface NameEntry {
  /** Or that there are none. */
  readonly result: readonly Address[] | LookupError;
  readonly untilMs: number;
  /** Whether it stays whatever else comes. */
  readonly first: boolean;
}

export interface NameCache {
  /** Returns what counts now. */
  fresh(name: string): readonly Address[] | LookupError | undefined;
  /** Returns the last known good addresses, which may count no more. */
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
