/**
 * The parameter `continue`: where the next page of a list begins. A token holds the last object's namespace and name
 * and no state of ours, so that every replica reads it, also after a restart. The form is k8s.io/apiserver's
 * (pkg/storage/continue.go), with a version of our own: its tokens name a resource version, which our lists do not have.
 */
import { quote } from './quote.ts';
import { badRequest, type StatusError } from './status.ts';

/** The namespace is empty for cluster-scoped objects. */
export interface ListPosition {
  readonly namespace: string;
  readonly name: string;
}

/** The token's version, not the API's: replicas of two releases serve the pages of one list. */
const tokenVersion = 'kubegauge/v1';

/** Characters; a namespace and a name have at most 317 together, which are 500 as base64 of JSON. */
const tokenLimit = 1024;

/** Returns the token of the page behind an object. */
export function encodeContinue({ namespace, name }: ListPosition): string {
  const start = namespace === '' ? name : `${namespace}/${name}`;
  return Buffer.from(JSON.stringify({ v: tokenVersion, start })).toString('base64url');
}

/** @throws StatusError BadRequest in the words of kube-apiserver. */
export function decodeContinue(token: string): ListPosition {
  if (token.length > tokenLimit) throw invalidToken(`: ${token.length} characters, of at most ${tokenLimit}`);
  const wrong = token.search(/[^\w-]/);
  if (wrong !== -1 || token.length % 4 === 1) {
    throw invalidToken(`: illegal base64 data at input byte ${wrong === -1 ? token.length - 1 : wrong}`);
  }
  const { v, start } = parseToken(Buffer.from(token, 'base64url').toString());
  if (v !== tokenVersion) {
    throw invalidToken(`: server does not recognize this encoded version ${typeof v === 'string' ? quote(v) : ''}`);
  }
  if (typeof start !== 'string' || start === '') throw invalidToken(': encoded start key empty');
  const [first = '', second, ...rest] = start.split('/');
  if (first === '' || second === '' || rest.length > 0) throw invalidToken(`: ${quote(start)}`);
  return second === undefined ? { namespace: '', name: first } : { namespace: first, name: second };
}

function parseToken(text: string): { readonly v?: unknown; readonly start?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // The same answer as for a value that is no object.
  }
  throw invalidToken(': it is no JSON object');
}

function invalidToken(why: string): StatusError {
  return badRequest(`invalid continue token: continue key is not valid${why}`);
}
