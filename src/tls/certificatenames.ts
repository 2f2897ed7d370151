/** Compares names with name constraints as Go (crypto/x509: parser.go, constraints.go). */
import { type Asn1, Asn1Error, children, isAscii, tagOf, tags } from './asn1.ts';

/** In Latin-1; addresses have 4 or 16 bytes. */
export interface Names {
  readonly dns: readonly string[];
  readonly emails: readonly string[];
  readonly ips: readonly string[];
  readonly uris: readonly string[];
}

export interface Constraints {
  readonly permitted: Names;
  readonly excluded: Names;
  /** Whether it has names of kinds that are not evaluated, such as directory names. */
  readonly hasOthers: boolean;
}

const kinds: ReadonlyMap<number, keyof Names> = new Map([
  [0x81, 'emails'],
  [0x82, 'dns'],
  [0x86, 'uris'],
  [0x87, 'ips'],
]);

/** Comparisons of names with constraints, per chain: Go's limit, until it needed none. */
const comparisonLimit = 250_000;

/** Throws Asn1Error for a wrong form. */
export function alternativeNames(node: Asn1): Names {
  const { names } = generalNames(children(node, tags.sequence, 'subject alternative name'), 'subject alternative name');
  if (names.ips.some(({ length }) => length !== 4 && length !== 16)) {
    throw new Asn1Error('has a malformed address as a subject alternative name');
  }
  if (!names.uris.every(isUri)) throw malformed('subject alternative name');
  return names;
}

/** Reports whether Go's parser takes it, as far as control characters and hosts go: a port counts as part of the host. */
function isUri(uri: string): boolean {
  const [, authority = ''] = hierarchical.exec(uri) ?? [];
  return /^[ -~]*$/.test(uri) && isDomain(authority.slice(authority.lastIndexOf('@') + 1), false);
}

/** The authority of a URI that has one. */
const hierarchical = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/;

/** Throws Asn1Error for a wrong form. */
export function nameConstraints(node: Asn1): Constraints {
  const what = 'name constraint';
  const parts = children(node, tags.sequence, what);
  const subtrees = (tag: number) =>
    parts.filter((part) => tagOf(part) === tag).flatMap((part) => children(part, tag, what));
  const [permitted, excluded] = [subtrees(0xa0), subtrees(0xa1)].map((list) =>
    generalNames(
      list.map((subtree) => firstOf(children(subtree, tags.sequence, what))),
      what,
    ),
  );
  const isKnown = parts.every((part, at) => tagOf(part) === 0xa1 || (tagOf(part) === 0xa0 && at === 0));
  if (permitted === undefined || excluded === undefined || !isKnown || parts.length > 2) throw malformed(what);
  if (permitted.count + excluded.count === 0) throw new Asn1Error('has name constraints without a name');
  for (const { names } of [permitted, excluded]) checkConstraints(names);
  return {
    permitted: permitted.names,
    excluded: excluded.names,
    hasOthers: permitted.hasOthers || excluded.hasOthers,
  };
}

function firstOf(nodes: readonly Asn1[]): Asn1 {
  const [first] = nodes;
  if (first === undefined) throw malformed('name constraint');
  return first;
}

interface GeneralNames {
  readonly names: Names;
  readonly count: number;
  readonly hasOthers: boolean;
}

function generalNames(nodes: readonly Asn1[], what: string): GeneralNames {
  const names = { dns: [] as string[], emails: [] as string[], ips: [] as string[], uris: [] as string[] };
  let hasOthers = false;
  for (const node of nodes) {
    const kind = kinds.get(tagOf(node));
    const { value } = node;
    if (kind === undefined) hasOthers = true;
    else if (typeof value !== 'string' || (kind !== 'ips' && !isAscii(value))) throw malformed(what);
    else names[kind].push(value);
  }
  return { names, count: nodes.length, hasOthers };
}

function checkConstraints({ dns, emails, ips, uris }: Names): void {
  const isAddress = (value: string) =>
    (value.length === 8 || value.length === 32) && isMask(value.slice(value.length / 2));
  const isEmail = (value: string) => (value.includes('@') ? mailboxOf(value) !== undefined : isDomain(value, true));
  const isValid =
    dns.every((value) => isDomain(value, true)) &&
    uris.every((value) => isDomain(value, true) && !isAddressText(value)) &&
    emails.every(isEmail) &&
    ips.every(isAddress);
  if (!isValid) throw malformed('name constraint');
}

/** Ones, then zeros. */
function isMask(bytes: string): boolean {
  const bits = Array.from(Buffer.from(bytes, 'latin1'), (byte) => byte.toString(2).padStart(8, '0')).join('');
  return !bits.includes('01');
}

/**
 * Returns which name breaks a constraint of a CA above.
 * @param chain from the leaf to the root.
 */
export function constraintProblem(
  chain: readonly { readonly names: Names | undefined; readonly constraints: Constraints | undefined }[],
): string | undefined {
  let left = comparisonLimit;
  for (const [at, { constraints }] of chain.entries()) {
    if (constraints === undefined) continue;
    const { permitted, excluded } = constraints;
    for (const { names } of chain.slice(0, at)) {
      if (names === undefined) continue;
      for (const kind of ['dns', 'emails', 'ips', 'uris'] as const) {
        left -= names[kind].length * (permitted[kind].length + excluded[kind].length);
        if (left < 0) return 'has too many names for the name constraints of its CA';
        const problem = problemOf(kind, names[kind], permitted[kind], excluded[kind]);
        if (problem !== undefined) return problem;
      }
    }
  }
  return undefined;
}

function problemOf(
  kind: keyof Names,
  names: readonly string[],
  permitted: readonly string[],
  excluded: readonly string[],
): string | undefined {
  for (const name of names) {
    const subject = comparable(kind, name);
    const shown =
      kind === 'ips' ? Buffer.from(name, 'latin1').toString('hex') : JSON.stringify(name.slice(0, shownLimit));
    // As in Go, a malformed name breaks any constraint.
    if (subject === undefined)
      return `has the name ${shown}, which cannot be compared with the name constraints of its CA`;
    if (permitted.length > 0 && !permitted.some((constraint) => matches(kind, constraint, subject, true))) {
      return `has the name ${shown}, which the name constraints of its CA do not permit`;
    }
    if (excluded.some((constraint) => matches(kind, constraint, subject, false))) {
      return `has the name ${shown}, which the name constraints of its CA exclude`;
    }
  }
  return undefined;
}

/** Characters. */
const shownLimit = 100;

interface Comparable {
  readonly local: string;
  /** Or an address's bytes. */
  readonly host: string;
}

function comparable(kind: keyof Names, name: string): Comparable | undefined {
  switch (kind) {
    case 'emails':
      return mailboxOf(name);
    case 'uris':
      return uriHost(name);
    case 'dns':
      return isDomain(name, false) ? { local: '', host: name } : undefined;
    case 'ips':
      return { local: '', host: name };
  }
}

function matches(kind: keyof Names, constraint: string, { local, host }: Comparable, isPermitted: boolean): boolean {
  if (kind === 'ips') return isWithin(host, constraint);
  if (kind === 'emails' && constraint.includes('@')) {
    const exact = mailboxOf(constraint);
    return exact?.local === local && exact.host === host;
  }
  return isBelow(host, constraint) || (!isPermitted && coversWildcard(host, constraint));
}

/** `example.com` matches itself and all below, `.example.com` all below, '' everything. */
function isBelow(host: string, constraint: string): boolean {
  if (constraint === '') return true;
  const [name, suffix] = [host.toLowerCase(), constraint.toLowerCase()];
  if (!name.endsWith(suffix)) return false;
  return name.length === suffix.length || suffix.startsWith('.') || name[name.length - suffix.length - 1] === '.';
}

/** `*.example.com` could be the excluded `host.example.com`. */
function coversWildcard(host: string, constraint: string): boolean {
  const dot = constraint.indexOf('.');
  return (
    host.startsWith('*') &&
    dot >= 0 &&
    host.slice(host.indexOf('.')).toLowerCase() === constraint.slice(dot).toLowerCase()
  );
}

/** @param network address and mask. */
function isWithin(address: string, network: string): boolean {
  if (network.length !== address.length * 2) return false;
  for (let at = 0; at < address.length; at += 1) {
    const mask = network.charCodeAt(address.length + at);
    if ((address.charCodeAt(at) & mask) !== (network.charCodeAt(at) & mask)) return false;
  }
  return true;
}

/** As Go's domainNameValid: printable, non-empty labels, no trailing dot. */
function isDomain(name: string, isConstraint: boolean): boolean {
  if (name === '') return true;
  const rest = isConstraint && name.startsWith('.') ? name.slice(1) : name;
  return rest.split('.').every((label) => label !== '' && /^[!-~]*$/.test(label));
}

/** Parses RFC 2821's Mailbox without quoted local parts, unlike Go: no cluster's CA has any. */
function mailboxOf(email: string): Comparable | undefined {
  const at = email.lastIndexOf('@');
  const [local, host] = [email.slice(0, at), email.slice(at + 1)];
  const isAtom = at > 0 && /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]*$/.test(local);
  if (!isAtom || local.startsWith('.') || local.endsWith('.') || local.includes('..')) return undefined;
  return isDomain(host, false) ? { local, host: host.toLowerCase() } : undefined;
}

/** Undefined without one, as for an address. */
function uriHost(uri: string): Comparable | undefined {
  const authority = hierarchical.exec(uri)?.[1] ?? '';
  const place = authority.slice(authority.lastIndexOf('@') + 1);
  const host = place.replace(/:[0-9]*$/, '').toLowerCase();
  if (host === '' || host.includes(':') || host.startsWith('[') || isAddressText(host)) return undefined;
  return isDomain(host, false) ? { local: '', host } : undefined;
}

function isAddressText(text: string): boolean {
  return /^[0-9.]+$/.test(text) || text.includes(':');
}

function malformed(what: string): Asn1Error {
  return new Asn1Error(`has a malformed ${what}`);
}
