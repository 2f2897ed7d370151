/** Requests short-lived tokens of a ServiceAccount from kube-apiserver (TokenRequest). */
import { keepSecret } from '../foreigntext.ts';
import { field, text } from './json.ts';
import type { RestClient } from './rest.ts';

export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
}

export interface IssuedToken {
  /** Value of the Authorization header. */
  readonly authorization: string;
  /** Milliseconds from the moment of the request until the token expires. */
  readonly lifeMs: number;
}

/** The shortest life that kube-apiserver issues, in seconds (MinTokenAgeSec in Kubernetes' pkg/apis/authentication/validation). */
export const tokenLifeSeconds = 600;
/** Timeout of a request, in milliseconds: shorter than a scrape's, so that the scrape's error has the cause. */
const requestTimeoutMs = 5_000;
/** The longest token that is accepted, in characters: kubelets read headers of 1 MiB at most; tokens have about 1,000. */
export const tokenLimit = 16 * 1024;

/**
 * Returns a token for kube-apiserver's default audiences, which are those that kubelets ask for in their TokenReviews. The token is not bound to our Pod:
 * kube-apiserver binds tokens only to Pods that run as the same ServiceAccount.
 * @throws StatusError if kube-apiserver refuses; Error without a usable response. Neither repeats a token.
 */
export async function requestToken(
  rest: Pick<RestClient, 'create'>,
  { namespace, name }: ServiceAccount,
): Promise<IssuedToken> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}/token`;
  const spec = { audiences: [], expirationSeconds: tokenLifeSeconds };
  const body = { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', metadata: {}, spec };
  const answer = await rest.create(path, body, { timeoutMs: requestTimeoutMs });
  const token = text(field(field(answer, 'status'), 'token')) ?? '';
  // Before anything can quote it.
  if (token !== '') keepSecret(`Bearer ${token}`);
  if (token.length > tokenLimit || !headerSafe.test(token)) throw new Error('the TokenRequest has no usable token');
  // kube-apiserver writes the life that it has granted into the spec.
  const seconds = field(field(answer, 'spec'), 'expirationSeconds');
  if (typeof seconds !== 'number' || seconds <= 0)
    throw new Error('the TokenRequest does not say how long it is valid');
  return { authorization: `Bearer ${token}`, lifeMs: Math.min(seconds, tokenLifeSeconds) * 1000 };
}

/** Matches the characters of bearer tokens (RFC 6750, b64token). */
const headerSafe = /^[A-Za-z0-9._~+/-]+=*$/;
