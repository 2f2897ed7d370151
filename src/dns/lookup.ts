/** Gives look-ups to Node's sockets, and knows which of them are under way. */
import dns from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type Address, LookupError, type Resolve } from './address.ts';

/** The look-ups of one connection, or of one pool of connections. */
export class Lookups {
  readonly #resolve: Resolve;
  readonly #limitMs: number;
  readonly #underWay = new Set<UnderWay>();

  /** @param limitMs how long one look-up may take, in milliseconds. */
  constructor(resolve: Resolve, limitMs: number) {
    this.#resolve = resolve;
    this.#limitMs = limitMs;
  }

  /** To be given to net.connect, or to whatever calls it. */
  readonly lookup: LookupFunction = (name, options, callback) => void this.#look(name, options, callback);

  async #look(name: string, options: dns.LookupOptions, callback: Callback): Promise<void> {
    const underWay: UnderWay = { name, startedMs: performance.now(), end: new AbortController() };
    this.#underWay.add(underWay);
    const timer = setTimeout(() => underWay.end.abort(), this.#limitMs).unref();
    try {
      const found = await this.#resolve(name, underWay.end.signal);
      answer(name, found, options, callback);
    } catch (error) {
      callback(error as NodeJS.ErrnoException, '');
    } finally {
      clearTimeout(timer);
      this.#underWay.delete(underWay);
    }
  }

  /** Returns why there is no connection yet where that is because of a name; undefined where no look-up is under way. */
  pending(): LookupError | undefined {
    const [oldest] = this.#underWay;
    if (oldest === undefined) return undefined;
    return new LookupError(
      oldest.name,
      `no answer from DNS within ${Math.round(performance.now() - oldest.startedMs)} ms`,
    );
  }

  /** Ends all look-ups under way. */
  abort(): void {
    for (const { end } of this.#underWay) end.abort();
  }
}

type Callback = Parameters<LookupFunction>[2];

interface UnderWay {
  readonly name: string;
  readonly startedMs: number;
  readonly end: AbortController;
}

function answer(name: string, found: readonly Address[], { family, all }: dns.LookupOptions, callback: Callback): void {
  const wanted = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : (family ?? 0);
  const addresses = wanted === 0 ? found : found.filter((address) => address.family === wanted);
  const [first] = addresses;
  if (first === undefined) callback(new LookupError(name, `it has no IPv${wanted} address`), '');
  else if (all === true) callback(null, [...addresses]);
  else callback(null, first.address, first.family);
}

/** How long a look-up of code that sets no limit of its own may take, in milliseconds. */
const otherLookupLimitMs = 10_000;

/**
 * Replaces dns.lookup, for code that cannot be given a look-up: client-node's requests to identity providers, and fetch. It would use the threads for which all
 * look-ups by getaddrinfo compete.
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
