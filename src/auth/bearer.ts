/** The bearer token of a request, read from its Authorization header exactly as k8s.io/apiserver does. */
import { firstHeaderLine } from './rawheaders.ts';

/** Undefined when there is none; other schemes are nobody's credentials here. */
export function bearerToken(rawHeaders: readonly string[]): string | undefined {
  const [scheme = '', token = ''] = parts(rawHeaders);
  return scheme.toLowerCase() === 'bearer' && token !== '' ? token : undefined;
}

/** What to tell a client (Warning: 299) whose token is ignored for a space too many; undefined for everybody else. */
export function bearerWarning(rawHeaders: readonly string[]): string | undefined {
  const [scheme = '', token, ...rest] = parts(rawHeaders);
  if (scheme.toLowerCase() !== 'bearer' || token !== '' || rest.length === 0) return undefined;
  return 'the provided Authorization header contains extra space before the bearer token, and is ignored';
}

/** Splits at single spaces, into three parts at most: what comes behind them is ignored, however much it is. */
function parts(rawHeaders: readonly string[]): readonly string[] {
  const header = firstHeaderLine(rawHeaders, 'authorization') ?? '';
  return header.trim().split(' ', 3);
}

/**
 * Reports whether the token looks like a JWT, which nearly all tokens of a cluster are. It decides who is served first, never who is refused: a
 * webhook may accept any text.
 */
export function looksLikeJwt(token: string): boolean {
  const segments = token.split('.', 4);
  return (
    segments.length === 3 &&
    segments.every((segment) => segment !== '' && isBase64Url(segment)) &&
    hasAlgorithm(segments[0] ?? '')
  );
}

/** One class and one repetition: its cost is the text's length. */
function isBase64Url(text: string): boolean {
  return /^[\w-]*$/.test(text);
}

/** Whether the header is a JSON object that names an algorithm. */
function hasAlgorithm(header: string): boolean {
  if (header.length > jwtHeaderLimit) return false;
  try {
    const decoded: unknown = JSON.parse(Buffer.from(header, 'base64url').toString());
    return typeof decoded === 'object' && decoded !== null && 'alg' in decoded;
  } catch {
    return false;
  }
}

/** Characters of a JWT's header; with a key identifier it has about a hundred. */
const jwtHeaderLimit = 4_096;
