/** Queries DNS for one full name by c-ares, which uses sockets and no threads. */
import { promises } from 'node:dns';
import type { Address } from './address.ts';

export type QueryResult =
  | { readonly kind: 'found'; readonly addresses: readonly Address[]; readonly ttlMs: number }
  /** No such name, or no addresses. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly reason: string };

export interface QueryOptions {
  /** Optionally with a port, in the order to try. */
  readonly servers: readonly string[];
  readonly families: readonly (4 | 6)[];
}

/** From the query's start. An answer to any try counts, however late. */
const retriesMs = [1_000, 3_000];
/** For all tries together. */
export const queryTimeoutMs = 5_000;
/** One family's addresses wait this long for the other's; RFC 8305 recommends 50 ms. */
const otherFamilyMs = 200;
/** Per answer and family. */
const addressLimit = 16;

/** Resolves to the answer, or to a failure at timeout or abort. Never rejects. */
export function query(name: string, options: QueryOptions, signal: AbortSignal): Promise<QueryResult> {
  return new Promise((resolve) => new DnsQuery(name, options, signal, resolve).start());
}

type FamilyResult =
  | { readonly addresses: readonly Address[]; readonly ttlMs: number }
  | 'no such name'
  | 'no addresses';

class DnsQuery {
  readonly #name: string;
  readonly #options: QueryOptions;
  readonly #signal: AbortSignal;
  readonly #resolve: (result: QueryResult) => void;
  readonly #results = new Map<4 | 6, FamilyResult>();
  readonly #resolvers: promises.Resolver[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #tries = 0;
  #open = 0;
  #reason: string | undefined;
  #ended = false;

  constructor(name: string, options: QueryOptions, signal: AbortSignal, resolve: (result: QueryResult) => void) {
    this.#name = name;
    this.#options = options;
    this.#signal = signal;
    this.#resolve = resolve;
  }

  start(): void {
    this.#signal.addEventListener('abort', this.#onEnd);
    if (this.#signal.aborted) return this.#end();
    for (const ms of retriesMs) this.#after(ms, () => this.#try());
    this.#after(queryTimeoutMs, this.#onEnd);
    return this.#try();
  }

  readonly #onEnd = (): void => this.#end();

  #after(ms: number, then: () => void): void {
    if (!this.#ended) this.#timers.push(setTimeout(then, ms));
  }

  #try(): void {
    const { servers, families } = this.#options;
    // c-ares' own retries come at whole seconds only, and close a late answer's socket.
    const resolver = new promises.Resolver({ timeout: queryTimeoutMs, tries: 1 });
    this.#resolvers.push(resolver);
    const first = this.#tries % servers.length;
    this.#tries += 1;
    try {
      resolver.setServers([...servers.slice(first), ...servers.slice(0, first)]);
    } catch (error) {
      return this.#fail(error);
    }
    for (const family of families) {
      if (this.#results.has(family)) continue;
      this.#open += 1;
      const answer =
        family === 4 ? resolver.resolve4(this.#name, { ttl: true }) : resolver.resolve6(this.#name, { ttl: true });
      answer.then(
        (records) => this.#found(family, records),
        (error: unknown) => this.#failed(family, error),
      );
    }
  }

  #found(family: 4 | 6, records: readonly { readonly address: string; readonly ttl: number }[]): void {
    const addresses = records.slice(0, addressLimit).map(({ address }) => ({ address, family }));
    const ttlMs = Math.min(...records.map(({ ttl }) => ttl)) * 1000;
    this.#take(family, addresses.length === 0 ? 'no addresses' : { addresses, ttlMs });
  }

  #failed(family: 4 | 6, error: unknown): void {
    const { code } = error as { readonly code?: unknown };
    if (code === 'ENOTFOUND') return this.#take(family, 'no such name');
    if (code === 'ENODATA') return this.#take(family, 'no addresses');
    this.#open -= 1;
    return this.#fail(error);
  }

  /** Tries the next server once all queries of a try have failed. A server's failure needs no retry. */
  #fail(error: unknown): void {
    const { code } = error as { readonly code?: unknown };
    this.#reason ??= reasons.get(code) ?? `the DNS server's answer cannot be used (${String(code)})`;
    if (this.#ended || this.#open > 0) return;
    if (this.#tries < this.#options.servers.length) this.#try();
    else this.#end();
  }

  #take(family: 4 | 6, result: FamilyResult): void {
    this.#open -= 1;
    if (!this.#results.has(family)) this.#results.set(family, result);
    if (this.#open === 0 || this.#options.families.every((each) => this.#results.has(each))) return this.#end();
    // An unknown name has no addresses of the other family either.
    if (result !== 'no addresses') this.#after(otherFamilyMs, this.#onEnd);
    return undefined;
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#signal.removeEventListener('abort', this.#onEnd);
    this.#timers.forEach(clearTimeout);
    for (const resolver of this.#resolvers) resolver.cancel();
    this.#resolve(this.#result());
  }

  #result(): QueryResult {
    const results = [...this.#results.values()];
    const found = results.filter((result) => typeof result === 'object');
    if (found.length > 0) {
      const addresses = this.#options.families.flatMap((family) => {
        const result = this.#results.get(family);
        return typeof result === 'object' ? result.addresses : [];
      });
      return { kind: 'found', addresses, ttlMs: Math.min(...found.map(({ ttlMs }) => ttlMs)) };
    }
    if (results.length === this.#options.families.length || results.includes('no such name')) return { kind: 'absent' };
    return { kind: 'failed', reason: this.#reason ?? noAnswerFrom(this.#options.servers) };
  }
}

export function noAnswerFrom(servers: readonly string[]): string {
  return `no answer from the DNS ${servers.length === 1 ? 'server' : 'servers'} ${servers.join(', ')}`;
}

const reasons: ReadonlyMap<unknown, string> = new Map([
  ['ESERVFAIL', 'the DNS server reports a failure of its own (SERVFAIL)'],
  ['EREFUSED', 'the DNS server refuses to answer (REFUSED)'],
  ['ENOTIMP', 'the DNS server does not implement the query (NOTIMP)'],
  ['EFORMERR', 'the DNS server does not understand the query (FORMERR)'],
  ['ECONNREFUSED', 'nothing listens at the address of the DNS server'],
  ['EBADNAME', 'it is not a name that DNS can have'],
  ['EBADRESP', "the DNS server's answer is broken"],
]);
