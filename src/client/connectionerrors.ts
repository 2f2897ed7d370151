/** Which errors say that a connection broke, or that none could be had: the request is worth another try. */
import { lookupErrorCode } from '../dns/address.ts';
import { field, text } from './json.ts';

/** Reports whether the connection broke under the request: it may have been a kept one that the server was about to close. */
export function isBrokenConnection(error: unknown): boolean {
  return hasCode(error, brokenCodes);
}

/** Reports whether no connection could be had, as while the server is started again. Nothing was sent then. */
export function isUnreachable(error: unknown): boolean {
  return hasCode(error, unreachableCodes);
}

/** Reports whether a connection took too long. */
export function isLateConnection(error: unknown): boolean {
  return hasCode(error, lateCodes);
}

/** Codes of Node, and of undici, whose HTTP parser has one for an answer that was cut off. HTTP/2, with its GOAWAY, is never spoken. */
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

/** Looks at the error, its causes, and the errors of an AggregateError, which has one for each address that was tried. */
function hasCode(error: unknown, codes: ReadonlySet<string>, depth = 0): boolean {
  if (!(error instanceof Error) || depth > depthLimit) return false;
  if (codes.has(text(field(error, 'code')) ?? '')) return true;
  const several: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  return [error.cause, ...several].some((inner) => hasCode(inner, codes, depth + 1));
}

/** Deeper chains of causes are a loop. */
const depthLimit = 6;
