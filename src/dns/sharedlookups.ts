/** Joins concurrent look-ups of a name, as Go's singleflight; falls back to the last known good addresses. */
import { untilAborted } from '../abort.ts';
import { type Address, LookupError } from './address.ts';
import type { NameCache } from './namecache.ts';
import type { FindInSources } from './sources.ts';

/** How long to wait for DNS before the fallback. */
const staleAfterMs = 1_000;

/** One socket each. Beyond it the oldest ends, most likely with silent servers. */
const lookupLimit = 1_024;

interface SharedLookup {
  readonly name: string;
  readonly first: boolean;
  result: Promise<readonly Address[]>;
  readonly end: AbortController;
  readonly startedMs: number;
  /** The last caller that leaves ends it. */
  waiting: number;
  /** For the error of callers that leave. */
  awaited: string;
}

export class SharedLookups implements Disposable {
  readonly #find: FindInSources;
  readonly #cache: NameCache;
  readonly #monotonicMs: () => number;
  readonly #lookups = new Map<string, SharedLookup>();

  constructor(find: FindInSources, cache: NameCache, monotonicMs: () => number) {
    this.#find = find;
    this.#cache = cache;
    this.#monotonicMs = monotonicMs;
  }

  [Symbol.dispose](): void {
    for (const lookup of this.#lookups.values()) lookup.end.abort();
  }

  /** Joins or starts the name's look-up. @throws LookupError */
  async resolve(name: string, first: boolean, signal: AbortSignal): Promise<readonly Address[]> {
    const lookup = this.#lookups.get(name) ?? this.#begin(name, first);
    const stale = this.#cache.stale(name);
    lookup.waiting += 1;
    const left = Promise.withResolvers<never>();
    const leave = () => {
      const waitedMs = Math.round(this.#monotonicMs() - lookup.startedMs);
      left.reject(new LookupError(name, `${lookup.awaited} within ${waitedMs} ms`));
    };
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    let timer: NodeJS.Timeout | undefined;
    try {
      const results: Promise<readonly Address[]>[] = [lookup.result, left.promise];
      if (stale !== undefined) {
        const fallback = Promise.withResolvers<readonly Address[]>();
        const restMs = Math.max(0, lookup.startedMs + staleAfterMs - this.#monotonicMs());
        timer = setTimeout(() => {
          // It goes on for the next caller.
          lookup.waiting = Infinity;
          fallback.resolve(stale);
        }, restMs);
        results.push(fallback.promise);
      }
      return await Promise.race(results);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
      lookup.waiting -= 1;
      if (lookup.waiting === 0) lookup.end.abort();
    }
  }

  #begin(name: string, first: boolean): SharedLookup {
    if (this.#lookups.size >= lookupLimit) {
      const oldest = this.#lookups.values().find((lookup) => !lookup.first);
      oldest?.end.abort(new LookupError(oldest.name, `more than ${lookupLimit} names are looked up at the same time`));
    }
    const lookup: SharedLookup = {
      name,
      first,
      result: Promise.resolve([]),
      end: new AbortController(),
      startedMs: this.#monotonicMs(),
      waiting: 0,
      awaited: 'no answer',
    };
    lookup.result = this.#run(lookup).finally(() => {
      if (this.#lookups.get(name) === lookup) this.#lookups.delete(name);
    });
    lookup.result.catch(() => undefined);
    // No caller may join an ended look-up.
    lookup.end.signal.addEventListener('abort', () => this.#lookups.delete(name), { once: true });
    this.#lookups.set(name, lookup);
    return lookup;
  }

  async #run(lookup: SharedLookup): Promise<readonly Address[]> {
    const { name, first } = lookup;
    const { signal } = lookup.end;
    const searching = this.#find(name, first, signal, (awaited) => (lookup.awaited = awaited));
    const result = await untilAborted(searching, signal);
    if (result.kind === 'found') {
      this.#cache.found(name, result.addresses, result.ttlMs, first);
      return result.addresses;
    }
    const error = new LookupError(name, result.reason, result.kind === 'absent');
    if (result.kind === 'absent') this.#cache.absent(name, error);
    const stale = this.#cache.stale(name);
    if (stale === undefined) throw error;
    return stale;
  }
}
