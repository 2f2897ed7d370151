/** Reads resolv.conf(5) and the hosts line of nsswitch.conf(5), as far as Go's resolver does. */
import { isIP } from 'node:net';

export interface ResolvConf {
  /** Addresses of name servers, best first. */
  readonly servers: readonly string[];
  /** Domains to append to a name, without a dot at their ends. */
  readonly search: readonly string[];
  /** From how many dots on a name is tried as it is before it is tried with a domain appended. */
  readonly ndots: number;
  /** Whether to begin with another server each time. */
  readonly rotate: boolean;
  /** Whether names have IPv4 addresses only. */
  readonly noAaaa: boolean;
}

/** As in Go and glibc. */
const ndotsLimit = 15;
/** Servers that are read, as in glibc (MAXNS). */
const serverLimit = 3;
/** Domains that are read; glibc takes any number, Kubernetes writes 32 at most. */
const searchLimit = 32;
/** Bytes of a name, without a dot at its end (RFC 1035). */
const nameLimitBytes = 253;

/** As in Go, without a file the servers are those of this machine. */
const localServers = ['127.0.0.1', '::1'];

export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let search: readonly string[] = [];
  let options: readonly string[] = [];
  for (const line of text.split('\n')) {
    const [key, ...words] = (line.split(/[#;]/, 1)[0] ?? '').split(/[ \t\r]/).filter((word) => word !== '');
    if (key === 'nameserver' && isIP(words[0] ?? '') !== 0) servers.push(words[0] ?? '');
    // The last one counts.
    if (key === 'domain') search = words.slice(0, 1);
    if (key === 'search') search = words;
    if (key === 'options') options = [...options, ...words];
  }
  const ndots = Number(options.findLast((option) => /^ndots:\d{1,9}$/.test(option))?.slice('ndots:'.length) ?? 1);
  return {
    servers: servers.length === 0 ? localServers : servers.slice(0, serverLimit),
    search: search
      .map((domain) => (domain.endsWith('.') ? domain.slice(0, -1) : domain))
      .filter((domain) => domain !== '')
      .slice(0, searchLimit),
    ndots: Math.min(ndots, ndotsLimit),
    rotate: options.includes('rotate'),
    noAaaa: options.includes('no-aaaa'),
  };
}

/** Returns the full names to ask for, in order, each without a dot at its end: Go's nameList (net/dnsclient_unix.go). */
export function candidates(name: string, { search, ndots }: ResolvConf): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)].filter(isAskable);
  const qualified = search.map((domain) => `${name}.${domain}`);
  const enoughDots = name.split('.').length - 1 >= ndots;
  return (enoughDots ? [name, ...qualified] : [...qualified, name]).filter(isAskable);
}

/** Names below .onion must not reach DNS (RFC 7686). */
function isAskable(name: string): boolean {
  return name.length <= nameLimitBytes && !/\.onion$/i.test(name);
}

/** Reports whether host names also come from sources other than files and DNS, which only getaddrinfo knows, such as mDNS. */
export function hasOtherSources(nsswitch: string): boolean {
  const line = nsswitch.split('\n').find((each) => each.trimStart().startsWith('hosts:')) ?? '';
  const words = (line.split('#', 1)[0] ?? '')
    .trim()
    .split(/[ \t\r]/)
    .slice(1);
  return words.some((word) => /^[a-z]/.test(word) && word !== 'files' && word !== 'dns');
}
