/** Reads the bearer token as k8s.io/apiserver does. */
import { firstHeaderLine } from './rawheaders.ts';

export function bearerToken(rawHeaders: readonly string[]): string | undefined {
  const [scheme = '', token = ''] = parts(rawHeaders);
  return scheme.toLowerCase() === 'bearer' && token !== '' ? token : undefined;
}

/** Returns a Warning (299) for a token ignored because of an extra space. */
export function bearerWarning(rawHeaders: readonly string[]): string | undefined {
  const [scheme = '', token, ...rest] = parts(rawHeaders);
  if (scheme.toLowerCase() !== 'bearer' || token !== '' || rest.length === 0) return undefined;
  return 'the provided Authorization header contains extra space before the bearer token, and is ignored';
}

/** Splits at single spaces into at most three. */
function parts(rawHeaders: readonly string[]): readonly string[] {
  const header = firstHeaderLine(rawHeaders, 'authorization') ?? '';
  return header.trim().split(' ', 3);
}

/**
 * Reports whether the token looks like a JWT, as nearly all do. Decides only the order of reviews: webhooks accept any
 * text.
 */
export function looksLikeJwt(token: string): boolean {
  const segments = token.split('.', 4);
  return (
    segments.length === 3 &&
    segments.every((segment) => segment !== '' && isBase64Url(segment)) &&
    hasAlgorithm(segments[0] ?? '')
  );
}

/** Linear: one class and one repetition. */
function isBase64Url(text: string): boolean {
  return /^[\w-]*$/.test(text);
}

function hasAlgorithm(header: string): boolean {
  if (header.length > jwtHeaderLimit) return false;
  try {
    const decoded: unknown = JSON.parse(Buffer.from(header, 'base64url').toString());
    return typeof decoded === 'object' && decoded !== null && 'alg' in decoded;
  } catch {
    return false;
  }
}

/** Characters; about a hundred with a key ID. */
const jwtHeaderLimit = 4_096;
