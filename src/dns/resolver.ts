/**
 * Resolves names without libuv's threads: getaddrinfo has two, so two names with silent DNS servers would block all
 * others. As in Go, the hosts file comes first, then DNS; getaddrinfo serves other sources only.
 */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { systemClock } from '../clock.ts';
import { type Address, LookupError, type Resolve } from './address.ts';
import { type Getaddrinfo, getaddrinfo as systemGetaddrinfo } from './getaddrinfo.ts';
import { keyOf, parseHosts } from './hosts.ts';
import { createNameCache } from './namecache.ts';
import { SharedLookups } from './sharedlookups.ts';
import { createSources } from './sources.ts';
import { watchSystemFile } from './systemfile.ts';

/** Defaults are the system's. */
export interface ResolverOptions {
  /** Instead of resolv.conf's; optionally with a port (`127.0.0.1:5353`). */
  readonly servers?: readonly string[] | undefined;
  readonly hostsFile?: string | undefined;
  readonly resolvConfFile?: string | undefined;
  readonly nsswitchFile?: string | undefined;
  readonly getaddrinfo?: Getaddrinfo | undefined;
  readonly monotonicMs?: (() => number) | undefined;
}

export interface Resolver extends Disposable {
  readonly resolve: Resolve;
  /** For kube-apiserver's name and its like: never queued, never evicted. */
  readonly resolveFirst: Resolve;
}

const windowsHostsFile = 'C:\\Windows\\System32\\drivers\\etc\\hosts';

export function createResolver(options: ResolverOptions = {}): Resolver {
  const { monotonicMs = systemClock.monotonicMs, getaddrinfo = systemGetaddrinfo, servers } = options;
  const { resolvConfFile = '/etc/resolv.conf', nsswitchFile = '/etc/nsswitch.conf' } = options;
  const defaultHostsFile = process.platform === 'win32' ? windowsHostsFile : '/etc/hosts';
  const hosts = watchSystemFile(options.hostsFile ?? defaultHostsFile, parseHosts);
  const cache = createNameCache(monotonicMs);
  const find = createSources({ servers, resolvConfFile, nsswitchFile, getaddrinfo });
  const lookups = new SharedLookups(find, cache, monotonicMs);
  return {
    resolve: (name, signal) => resolve(name, signal, false),
    resolveFirst: (name, signal) => resolve(name, signal, true),
    [Symbol.dispose]: () => lookups[Symbol.dispose](),
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
    return fresh ?? lookups.resolve(ascii, first, signal);
  }
}

function asciiOf(name: string): string | undefined {
  // domainToASCII would remove spaces.
  if (!/^[!-~\u00a1-\u{10ffff}]{1,254}$/u.test(name)) return undefined;
  // Not converted: a host may have a name that no URL can have, such as rack.1.
  const ascii = (/^[!-~]*$/.test(name) ? name : domainToASCII(name)).toLowerCase();
  return /^[\w.-]{1,254}$/.test(ascii) ? ascii : undefined;
}

/** RFC 6761: names below localhost. */
const loopback: readonly Address[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];
