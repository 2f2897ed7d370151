/** Asks DNS servers for the addresses of one full name, by c-ares, which uses sockets and no threads. */
import { promises } from 'node:dns';
import type { Address } from './address.ts';

export type QueryResult =
  | { readonly kind: 'found'; readonly addresses: readonly Address[]; readonly ttlMs: number }
  /** The servers know that there is no such name, or that it has no addresses. */
  | { readonly kind: 'absent' }
  /** They could not say. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Whom to ask, and for what. */
export interface QueryOptions {
  /** Addresses, perhaps with a port; in the order in which to try them. */
  readonly servers: readonly string[];
  readonly families: readonly (4 | 6)[];
}

/** When a name is asked for again, in milliseconds from the start, until there is an answer. An answer to any try counts, however late. */
const laterTriesMs = [1_000, 3_000];
/** How long to wait for an answer to any of them, in milliseconds. */
export const answerLimitMs = 5_000;
/** How long the addresses of one family wait for the other family's, in milliseconds; RFC 8305 recommends 50. */
const otherFamilyMs = 200;
/** Addresses that are taken of one answer and family. */
const addressLimit = 16;

/** Resolves to what the servers answer, or that they have not in time. Resolves, too, when the signal aborts. */
export function query(name: string, asking: QueryOptions, signal: AbortSignal): Promise<QueryResult> {
  return new Promise((resolve) => new Query(name, asking, signal, resolve).start());
}

type FamilyOutcome =
  | { readonly addresses: readonly Address[]; readonly ttlMs: number }
  | 'no such name'
  | 'no addresses';

class Query {
  readonly #name: string;
  readonly #asking: QueryOptions;
  readonly #signal: AbortSignal;
  readonly #resolve: (outcome: QueryResult) => void;
  readonly #known = new Map<4 | 6, FamilyOutcome>();
  readonly #resolvers: promises.Resolver[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #tries = 0;
  /** Questions without an answer. */
  #open = 0;
  #reason: string | undefined;
  #ended = false;

  constructor(name: string, asking: QueryOptions, signal: AbortSignal, resolve: (outcome: QueryResult) => void) {
    this.#name = name;
    this.#asking = asking;
    this.#signal = signal;
    this.#resolve = resolve;
  }

  start(): void {
    this.#signal.addEventListener('abort', this.#onEnd);
    if (this.#signal.aborted) return this.#end();
    for (const ms of laterTriesMs) this.#after(ms, () => this.#ask());
    this.#after(answerLimitMs, this.#onEnd);
    return this.#ask();
  }

  readonly #onEnd = (): void => this.#end();

  #after(ms: number, then: () => void): void {
    if (!this.#ended) this.#timers.push(setTimeout(then, ms));
  }

  #ask(): void {
    const { servers, families } = this.#asking;
    // One try of c-ares, which asks each server in turn: its own repetitions come at whole seconds only, and close the socket to which a late answer comes.
    const resolver = new promises.Resolver({ timeout: answerLimitMs, tries: 1 });
    this.#resolvers.push(resolver);
    const first = this.#tries % servers.length;
    this.#tries += 1;
    try {
      resolver.setServers([...servers.slice(first), ...servers.slice(0, first)]);
    } catch (error) {
      return this.#fail(error);
    }
    for (const family of families) {
      if (this.#known.has(family)) continue;
      this.#open += 1;
      const asked =
        family === 4 ? resolver.resolve4(this.#name, { ttl: true }) : resolver.resolve6(this.#name, { ttl: true });
      asked.then(
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

  /** Asks the next server once all that was asked has failed, and ends where there is none: those that say so need no second try at once. */
  #fail(error: unknown): void {
    const { code } = error as { readonly code?: unknown };
    this.#reason ??= reasons.get(code) ?? `the DNS server's answer cannot be used (${String(code)})`;
    if (this.#ended || this.#open > 0) return;
    if (this.#tries < this.#asking.servers.length) this.#ask();
    else this.#end();
  }

  #take(family: 4 | 6, outcome: FamilyOutcome): void {
    this.#open -= 1;
    if (!this.#known.has(family)) this.#known.set(family, outcome);
    if (this.#open === 0 || this.#asking.families.every((each) => this.#known.has(each))) return this.#end();
    // A name that does not exist has no addresses of the other family either.
    if (outcome !== 'no addresses') this.#after(otherFamilyMs, this.#onEnd);
    return undefined;
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#signal.removeEventListener('abort', this.#onEnd);
    this.#timers.forEach(clearTimeout);
    for (const resolver of this.#resolvers) resolver.cancel();
    this.#resolve(this.#outcome());
  }

  #outcome(): QueryResult {
    const known = [...this.#known.values()];
    const found = known.filter((outcome) => typeof outcome === 'object');
    if (found.length > 0) {
      const addresses = this.#asking.families.flatMap((family) => {
        const outcome = this.#known.get(family);
        return typeof outcome === 'object' ? outcome.addresses : [];
      });
      return { kind: 'found', addresses, ttlMs: Math.min(...found.map(({ ttlMs }) => ttlMs)) };
    }
    if (known.length === this.#asking.families.length || known.includes('no such name')) return { kind: 'absent' };
    return { kind: 'failed', reason: this.#reason ?? noAnswerFrom(this.#asking.servers) };
  }
}

/** Says that servers do not answer. */
export function noAnswerFrom(servers: readonly string[]): string {
  return `no answer from the DNS ${servers.length === 1 ? 'server' : 'servers'} ${servers.join(', ')}`;
}

/** What c-ares reports, in words. */
const reasons: ReadonlyMap<unknown, string> = new Map([
  ['ESERVFAIL', 'the DNS server reports a failure of its own (SERVFAIL)'],
  ['EREFUSED', 'the DNS server refuses to answer (REFUSED)'],
  ['ENOTIMP', 'the DNS server does not implement the query (NOTIMP)'],
  ['EFORMERR', 'the DNS server does not understand the query (FORMERR)'],
  ['ECONNREFUSED', 'nothing listens at the address of the DNS server'],
  ['EBADNAME', 'it is not a name that DNS can have'],
  ['EBADRESP', "the DNS server's answer is broken"],
]);
