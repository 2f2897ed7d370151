/** Reads JSON Web Tokens (RFC 7519) without verifying them: for tokens of our own, which others verify. */
import { parseJson } from './json.ts';

/** Returns the claims; undefined for what is no JWT. */
export function claimsOf(token: string): unknown {
  return parseJson(Buffer.from(token.split('.', 2)[1] ?? '', 'base64url'));
}
