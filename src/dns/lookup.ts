/** Adapts a resolver to the look-ups of Node's sockets, and keeps track of those under way. */
import dns from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type Address, LookupError, type Resolve } from './address.ts';

/** The look-ups of one connection, or of one pool of connections. */
export class Lookups {
  readonly #resolve: Resolve;
  readonly #limitMs: number;
  readonly #active = new Set<ActiveLookup>();

  /** @param limitMs timeout of one look-up, in milliseconds. */
  constructor(resolve: Resolve, limitMs: number) {
    this.#resolve = resolve;
    this.#limitMs = limitMs;
  }

  /** The `lookup` option of net.connect. */
  readonly lookup: LookupFunction = (name, options, callback) => {
    // In a tick of its own, as by dns.lookup: an exception of the callback is neither a failed look-up nor a rejected promise.
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

  /** Returns the error for a connection that waits for a name; undefined without a look-up under way. */
  pending(): LookupError | undefined {
    const [oldest] = this.#active;
    if (oldest === undefined) return undefined;
    const waitedMs = Math.round(performance.now() - oldest.startedMs);
    return new LookupError(oldest.name, `no answer from DNS within ${waitedMs} ms`);
  }

  /** Ends all look-ups under way. */
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

/** Calls the callback once. */
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

/** Timeout of look-ups by code that sets none, in milliseconds. */
const otherLookupLimitMs = 10_000;

/**
 * Replaces dns.lookup, for code that takes no `lookup` option: client-node's requests to identity providers, and fetch. Node's own would use the threads for which all
 * calls of getaddrinfo compete.
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
