/** Parses resolv.conf(5) and nsswitch.conf(5)'s hosts line, as Go's resolver. */
import { isIP } from 'node:net';

export interface ResolvConf {
  readonly servers: readonly string[];
  /** Without trailing dots. */
  readonly search: readonly string[];
  /** With so many dots, names are tried before domains are appended. */
  readonly ndots: number;
  /** Each look-up starts with another server. */
  readonly rotate: boolean;
  readonly noAaaa: boolean;
}

/** As in Go and glibc. */
const ndotsLimit = 15;
/** glibc's MAXNS. */
const serverLimit = 3;
/** glibc has no limit; Kubernetes writes at most 32. */
const searchLimit = 32;
/** Without a trailing dot (RFC 1035). */
const nameLimitBytes = 253;

/** As in Go, without a file. */
const localServers = ['127.0.0.1', '::1'];

export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let search: readonly string[] = [];
  let options: readonly string[] = [];
  for (const line of text.split('\n')) {
    const [key, ...words] = (line.split(/[#;]/, 1)[0] ?? '').split(/[ \t\r]/).filter((word) => word !== '');
    if (key === 'nameserver' && isIP(words[0] ?? '') !== 0) servers.push(words[0] ?? '');
    // The last line counts.
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

/** Returns the full names to query, in order: Go's nameList (net/dnsclient_unix.go). */
export function candidates(name: string, { search, ndots }: ResolvConf): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)].filter(isQueryable);
  const qualified = search.map((domain) => `${name}.${domain}`);
  const enoughDots = name.split('.').length - 1 >= ndots;
  return (enoughDots ? [name, ...qualified] : [...qualified, name]).filter(isQueryable);
}

/** Names below .onion must not reach DNS (RFC 7686). */
function isQueryable(name: string): boolean {
  return name.length <= nameLimitBytes && !/\.onion$/i.test(name);
}

/** Reports whether hosts have sources beside files and DNS, such as mDNS. */
export function hasOtherSources(nsswitch: string): boolean {
  const line = nsswitch.split('\n').find((each) => each.trimStart().startsWith('hosts:')) ?? '';
  const words = (line.split('#', 1)[0] ?? '')
    .trim()
    .split(/[ \t\r]/)
    .slice(1);
  return words.some((word) => /^[a-z]/.test(word) && word !== 'files' && word !== 'dns');
}
