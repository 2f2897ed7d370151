/** Adapts a resolver to Node's sockets, and tracks its look-ups. */
import dns from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type Address, LookupError, type Resolve } from './address.ts';

/** The look-ups of one connection, or of one pool of connections. */
export class Lookups {
  readonly #resolve: Resolve;
  readonly #limitMs: number;
  readonly #active = new Set<ActiveLookup>();

  /** @param limitMs per look-up. */
  constructor(resolve: Resolve, limitMs: number) {
    this.#resolve = resolve;
    this.#limitMs = limitMs;
  }

  readonly lookup: LookupFunction = (name, options, callback) => {
    // In its own tick, as dns.lookup: the callback's exception is neither a failed look-up nor a rejected promise.
    const settle = (result: readonly Address[] | Error) => process.nextTick(reply, name, result, options, callback);
    this.#look(name).then(settle, settle);
  };

  async #look(name: string): Promise<readonly Address[]> {
    const lookup: ActiveLookup = { name, startedMs: performance.now(), end: new AbortController() };
    this.#active.add(lookup);
    const timer = setTimeout(() => lookup.end.abort(), this.#limitMs).unref();
    try {
      return await this.#resolve(name, lookup.end.signal);
    } finally {
      clearTimeout(timer);
      this.#active.delete(lookup);
    }
  }

  /** Returns the error for a connection that waits for a name; undefined if none does. */
  pending(): LookupError | undefined {
    const [oldest] = this.#active;
    if (oldest === undefined) return undefined;
    const waitedMs = Math.round(performance.now() - oldest.startedMs);
    return new LookupError(oldest.name, `no answer from DNS within ${waitedMs} ms`);
  }

  abort(): void {
    for (const { end } of this.#active) end.abort();
  }
}

type Callback = Parameters<LookupFunction>[2];

interface ActiveLookup {
  readonly name: string;
  readonly startedMs: number;
  readonly end: AbortController;
}

function reply(
  name: string,
  result: readonly Address[] | Error,
  { family, all }: dns.LookupOptions,
  callback: Callback,
): void {
  if (result instanceof Error) {
    callback(result, '');
    return;
  }
  const wanted = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : (family ?? 0);
  const addresses = wanted === 0 ? result : result.filter((address) => address.family === wanted);
  const [first] = addresses;
  if (first === undefined) callback(new LookupError(name, `it has no IPv${wanted} address`), '');
  else if (all === true) callback(null, [...addresses]);
  else callback(null, first.address, first.family);
}

const otherLookupLimitMs = 10_000;

/**
 * Replaces dns.lookup for code without a `lookup` option, such as fetch.
 * Node's own uses the threads for which all calls of getaddrinfo compete.
 */
export function replaceLookup(resolve: Resolve): void {
  const { lookup } = new Lookups(resolve, otherLookupLimitMs);
  const replacement = (name: string, ...rest: readonly unknown[]): void => {
    const [options, callback] = rest.length > 1 ? rest : [{}, rest[0]];
    const chosen = typeof options === 'number' ? { family: options } : (options as dns.LookupOptions);
    lookup(name, chosen, callback as Callback);
  };
  dns.lookup = Object.assign(replacement, { __promisify__: dns.lookup.__promisify__ });
}
