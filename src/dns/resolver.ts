/**
 * Resolves names without libuv's threads. getaddrinfo has two of them for the whole process, so that two names whose DNS servers are noAnswerFrom would hold up all
 * others. The order is that of Go's resolver: the hosts file, then DNS with the search domains of resolv.conf; getaddrinfo only for what those do not have.
 */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { untilAborted } from '../abort.ts';
import { systemClock } from '../clock.ts';
import { type Address, LookupError, type Resolve } from './address.ts';
import { type Getaddrinfo, getaddrinfo as systemGetaddrinfo, serialized } from './getaddrinfo.ts';
import { keyOf, parseHosts } from './hosts.ts';
import { createNameCache } from './namecache.ts';
import { query, noAnswerFrom } from './query.ts';
import { candidates, hasOtherSources, parseResolvConf } from './resolvconf.ts';
import { watchSystemFile } from './systemfile.ts';

/** All of it is the system's by default. */
export interface ResolverOptions {
  /** Addresses of DNS servers, perhaps with a port (`127.0.0.1:5353`), in place of those in resolv.conf. */
  readonly servers?: readonly string[] | undefined;
  readonly hostsFile?: string | undefined;
  readonly resolvConfFile?: string | undefined;
  readonly nsswitchFile?: string | undefined;
  readonly getaddrinfo?: Getaddrinfo | undefined;
  readonly monotonicMs?: (() => number) | undefined;
}

export interface Resolver extends Disposable {
  readonly resolve: Resolve;
  /** For the names on which everything depends, kube-apiserver's above all: they wait for no other look-up. */
  readonly resolveFirst: Resolve;
}

/** How long a look-up waits for DNS before the last known good addresses stand in, in milliseconds. */
const patienceMs = 1_000;
/** Names that are looked up at the same time; each has a socket. Beyond that the oldest look-up ends, most likely one whose servers are noAnswerFrom. */
const lookupLimit = 1_024;

const windowsHostsFile = 'C:\\Windows\\System32\\drivers\\etc\\hosts';

export function createResolver(options: ResolverOptions = {}): Resolver {
  const { monotonicMs = systemClock.monotonicMs, getaddrinfo = systemGetaddrinfo } = options;
  const defaultHostsFile = process.platform === 'win32' ? windowsHostsFile : '/etc/hosts';
  const hosts = watchSystemFile(options.hostsFile ?? defaultHostsFile, parseHosts);
  const resolvConf = watchSystemFile(options.resolvConfFile ?? '/etc/resolv.conf', parseResolvConf);
  const otherSources = watchSystemFile(options.nsswitchFile ?? '/etc/nsswitch.conf', hasOtherSources);
  const cache = createNameCache(monotonicMs);
  const lanes = { first: serialized(getaddrinfo), other: serialized(getaddrinfo) };
  const flights = new Map<string, Flight>();
  let turn = 0;
  return {
    resolve: (name, signal) => resolve(name, signal, false),
    resolveFirst: (name, signal) => resolve(name, signal, true),
    [Symbol.dispose]: () => flights.forEach((flight) => flight.end.abort()),
  };

  async function resolve(name: string, signal: AbortSignal, first: boolean): Promise<readonly Address[]> {
    const family = isIP(name);
    if (family === 4 || family === 6) return [{ address: name, family }];
    const ascii = asciiOf(name);
    if (ascii === undefined) throw new LookupError(name, 'it is not a name that DNS can have', true);
    const listed = hosts().get(keyOf(ascii));
    if (listed !== undefined) return listed;
    if (/(?:^|\.)localhost\.?$/.test(ascii)) return loopback;
    const fresh = cache.fresh(ascii);
    if (fresh instanceof LookupError) throw fresh;
    return fresh ?? join(flights.get(ascii) ?? begin(ascii, first), signal);
  }

  /** Waits for a look-up that others may wait for, too; the last one that leaves ends it. */
  async function join(flight: Flight, signal: AbortSignal): Promise<readonly Address[]> {
    const stale = cache.stale(flight.name);
    flight.waiting += 1;
    const left = Promise.withResolvers<never>();
    const leave = () => {
      const waitedMs = Math.round(monotonicMs() - flight.startedMs);
      left.reject(new LookupError(flight.name, `${flight.step} within ${waitedMs} ms`));
    };
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    let timer: NodeJS.Timeout | undefined;
    try {
      const outcomes: Promise<readonly Address[]>[] = [flight.answer, left.promise];
      if (stale !== undefined) {
        const patience = Promise.withResolvers<readonly Address[]>();
        const restMs = Math.max(0, flight.startedMs + patienceMs - monotonicMs());
        timer = setTimeout(() => {
          // The look-up goes on by itself, so that the next one may have its answer.
          flight.waiting = Infinity;
          patience.resolve(stale);
        }, restMs);
        outcomes.push(patience.promise);
      }
      return await Promise.race(outcomes);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
      flight.waiting -= 1;
      if (flight.waiting === 0) flight.end.abort();
    }
  }

  function begin(name: string, first: boolean): Flight {
    if (flights.size >= lookupLimit) {
      const oldest = flights.values().find((flight) => !flight.first);
      oldest?.end.abort(new LookupError(oldest.name, `more than ${lookupLimit} names are looked up at the same time`));
    }
    const flight: Flight = {
      name,
      first,
      answer: Promise.resolve([]),
      end: new AbortController(),
      startedMs: monotonicMs(),
      waiting: 0,
      step: 'no answer',
    };
    flight.answer = fly(flight).finally(() => {
      if (flights.get(name) === flight) flights.delete(name);
    });
    flight.answer.catch(() => undefined);
    // One that is ended must not be joined any more.
    flight.end.signal.addEventListener('abort', () => flights.delete(name), { once: true });
    flights.set(name, flight);
    return flight;
  }

  async function fly(flight: Flight): Promise<readonly Address[]> {
    const { name, first } = flight;
    const outcome = await untilAborted(find(flight), flight.end.signal);
    if (outcome.kind === 'found') {
      cache.found(name, outcome.addresses, outcome.ttlMs, first);
      return outcome.addresses;
    }
    const error = new LookupError(name, outcome.reason, outcome.kind === 'absent');
    if (outcome.kind === 'absent') cache.absent(name, error);
    const stale = cache.stale(name);
    if (stale === undefined) throw error;
    return stale;
  }

  async function find(flight: Flight): Promise<Found> {
    const { name, first } = flight;
    const { signal } = flight.end;
    const conf = resolvConf();
    const servers = inTurn(options.servers ?? conf.servers, conf.rotate);
    const usesSystem = process.platform !== 'linux' || otherSources();
    const names = candidates(name, conf);
    let failure: string | undefined;
    // DNS servers do not know names of mDNS (RFC 6762); those of clusters that use .local do.
    if (!(usesSystem && /^[^.]+\.local\.?$/.test(name))) {
      flight.step = noAnswerFrom(servers);
      for (const candidate of names) {
        const outcome = await query(candidate, { servers, families: conf.noAaaa ? [4] : [4, 6] }, signal);
        if (outcome.kind === 'found') return outcome;
        if (outcome.kind === 'failed') failure ??= outcome.reason;
        if (signal.aborted) break;
      }
    }
    if (failure === undefined && usesSystem && !signal.aborted) {
      flight.step = "no answer from the system's resolver";
      const addresses = await lanes[first ? 'first' : 'other'](name, signal);
      if (addresses.length > 0) return { kind: 'found', addresses, ttlMs: 0 };
    }
    if (failure !== undefined) return { kind: 'failed', reason: failure };
    return {
      kind: 'absent',
      reason: `there is no such name in ${usesSystem ? 'any source' : 'the hosts file and DNS'}`,
    };
  }

  function inTurn(servers: readonly string[], rotate: boolean): readonly string[] {
    if (!rotate) return servers;
    turn = (turn + 1) % servers.length;
    return [...servers.slice(turn), ...servers.slice(0, turn)];
  }
}

/** Returns a name as DNS has it; undefined where it is none. */
function asciiOf(name: string): string | undefined {
  // A URL's name may have spaces, which are taken out.
  if (!/^[!-~\u00a1-\u{10ffff}]{1,254}$/u.test(name)) return undefined;
  // In ASCII it stays as it is: a host's name may be none that a URL can have, such as rack.1.
  const ascii = (/^[!-~]*$/.test(name) ? name : domainToASCII(name)).toLowerCase();
  return /^[\w.-]{1,254}$/.test(ascii) ? ascii : undefined;
}

type Found =
  | { readonly kind: 'found'; readonly addresses: readonly Address[]; readonly ttlMs: number }
  | { readonly kind: 'absent' | 'failed'; readonly reason: string };

/** One look-up that is under way. */
interface Flight {
  readonly name: string;
  readonly first: boolean;
  answer: Promise<readonly Address[]>;
  readonly end: AbortController;
  readonly startedMs: number;
  waiting: number;
  /** What is missing, for the error of those who do not wait until its end. */
  step: string;
}

/** RFC 6761: names below localhost are this machine. */
const loopback: readonly Address[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

let shared: Resolver | undefined;

/** Returns the resolver of the process, with the system's configuration. */
export function systemResolver(): Resolver {
  shared ??= createResolver();
  return shared;
}
