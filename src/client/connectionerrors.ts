/** Classifies connection errors that are worth a retry. */
import { lookupErrorCode } from '../dns/address.ts';
import { field, text } from './json.ts';

/** Reports whether the connection broke; the server may have closed an idle one. */
export function isBrokenConnection(error: unknown): boolean {
  return hasCode(error, brokenCodes);
}

/** Reports whether nothing was sent for lack of a connection. */
export function isUnreachable(error: unknown): boolean {
  return hasCode(error, unreachableCodes);
}

/** Reports whether connecting took too long. */
export function isLateConnection(error: unknown): boolean {
  return hasCode(error, lateCodes);
}

/** Codes of Node and undici, whose HTTP parser has one for a truncated response. HTTP/2 is not used. */
const brokenCodes: ReadonlySet<string> = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'HPE_INVALID_EOF_STATE',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
]);

const lateCodes: ReadonlySet<string> = new Set(['UND_ERR_CONNECT_TIMEOUT']);

const unreachableCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EAI_AGAIN',
  lookupErrorCode,
  ...lateCodes,
]);

/** Searches causes, and an AggregateError's errors, one per address. */
function hasCode(error: unknown, codes: ReadonlySet<string>, depth = 0): boolean {
  if (!(error instanceof Error) || depth > depthLimit) return false;
  if (codes.has(text(field(error, 'code')) ?? '')) return true;
  const several: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  return [error.cause, ...several].some((inner) => hasCode(inner, codes, depth + 1));
}

/** Longer chains are a loop. */
const depthLimit = 6;
