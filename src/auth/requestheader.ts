/** Reads the user in a verified front proxy's headers, as kube-apiserver's. */
import { percentDecode } from '../apimachinery/percent.ts';
import type { TrustBundle } from '../tls/trustbundle.ts';
import { firstHeaderLine, headerLines, headerLinesWithPrefix } from './rawheaders.ts';
import type { UserInfo } from './user.ts';

export interface RequestHeaderSettings {
  readonly ca: TrustBundle;
  /** Empty allows any. */
  readonly allowedNames: readonly string[];
  readonly headers: HeaderNames;
}

/** Case-insensitive. */
export interface HeaderNames {
  readonly username: readonly string[];
  readonly uid: readonly string[];
  readonly group: readonly string[];
  /** The rest of the header's name is an extra key. */
  readonly extraPrefix: readonly string[];
}

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

/** Takes the first non-empty first line. */
function firstValue(rawHeaders: readonly string[], headers: readonly string[]): string {
  return headers.map((header) => firstHeaderLine(rawHeaders, header) ?? '').find((value) => value !== '') ?? '';
}

function extraOf(rawHeaders: readonly string[], prefixes: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const extra = new Map<string, string[]>();
  for (const [encodedKey, value] of prefixes.flatMap((prefix) => headerLinesWithPrefix(rawHeaders, prefix))) {
    // As Go's url.PathUnescape; malformed keys are literal.
    const key = percentDecode(encodedKey) ?? encodedKey;
    const values = extra.get(key);
    if (values === undefined) extra.set(key, [value]);
    else values.push(value);
  }
  return extra;
}
