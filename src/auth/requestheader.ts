/** The user that a front proxy, such as kube-apiserver's aggregator, names in request headers. Only for requests of a verified proxy. */
import { percentDecode } from '../apimachinery/percent.ts';
import type { TrustBundle } from '../tls/trustbundle.ts';
import { firstHeaderLine, headerLines, headerLinesWithPrefix } from './rawheaders.ts';
import type { UserInfo } from './user.ts';

/** Which front proxies are believed, and how they speak. */
export interface RequestHeaderSettings {
  /** CAs of front proxies. */
  readonly ca: TrustBundle;
  /** Common names that a front proxy's certificate may have; empty allows any. */
  readonly allowedNames: readonly string[];
  readonly headers: HeaderNames;
}

/** Which headers carry what; letter case means nothing. */
export interface HeaderNames {
  readonly username: readonly string[];
  readonly uid: readonly string[];
  readonly group: readonly string[];
  /** Each header that starts so carries one extra fact, whose key is the rest of the name. */
  readonly extraPrefix: readonly string[];
}

/** Undefined when no header names a user. */
export function userFromHeaders(rawHeaders: readonly string[], names: HeaderNames): UserInfo | undefined {
  const name = firstValue(rawHeaders, names.username);
  if (name === '') return undefined;
  return {
    name,
    uid: firstValue(rawHeaders, names.uid),
    groups: names.group.flatMap((header) => headerLines(rawHeaders, header)).filter((group) => group !== ''),
    extra: extraOf(rawHeaders, names.extraPrefix),
  };
}

/** The first line of each header counts; the first of those that is not empty is taken. */
function firstValue(rawHeaders: readonly string[], headers: readonly string[]): string {
  return headers.map((header) => firstHeaderLine(rawHeaders, header) ?? '').find((value) => value !== '') ?? '';
}

function extraOf(rawHeaders: readonly string[], prefixes: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const extra = new Map<string, string[]>();
  for (const [encodedKey, value] of prefixes.flatMap((prefix) => headerLinesWithPrefix(rawHeaders, prefix))) {
    // As Go's url.PathUnescape; a key that is not well encoded is taken as it is.
    const key = percentDecode(encodedKey) ?? encodedKey;
    const values = extra.get(key);
    if (values === undefined) extra.set(key, [value]);
    else values.push(value);
  }
  return extra;
}
