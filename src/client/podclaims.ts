/**
 * Reads whose a ServiceAccount token is and which pod it is bound to (kubernetes/pkg/serviceaccount/claims.go). kube-apiserver wrote
 * it, so it needs no environment variable in the manifest; a kubeconfig and a token from a Secret have none.
 */
import type { RootOwner } from '../tls/podroot.ts';
import { field, text } from './json.ts';
import { claimsOf } from './jwt.ts';
import { type ServiceAccount, tokenLimit } from './tokenrequest.ts';

/**
 * Reads without verifying: only for this process's own token. Returns undefined for a token that is bound to no pod.
 * @param token also as an Authorization header.
 */
export function podOf(token: string): RootOwner | undefined {
  const claims = field(payloadOf(token), 'kubernetes.io');
  const pod = field(claims, 'pod');
  const [namespace, name, uid] = [text(field(claims, 'namespace')), text(field(pod, 'name')), text(field(pod, 'uid'))];
  return namespace === undefined || name === undefined || uid === undefined ? undefined : { namespace, pod: name, uid };
}

/**
 * Reads, without verifying, whose token it is. Returns undefined if it is not a ServiceAccount's.
 * @param token also as an Authorization header.
 */
export function accountOf(token: string): ServiceAccount | undefined {
  const subject = text(field(payloadOf(token), 'sub'));
  const { namespace, name } =
    /^system:serviceaccount:(?<namespace>[^:]+):(?<name>[^:]+)$/.exec(subject ?? '')?.groups ?? {};
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

function payloadOf(token: string): unknown {
  const bare = token.replace(/^Bearer /, '');
  return bare.length <= tokenLimit && bare.split('.', 4).length === 3 ? claimsOf(bare) : undefined;
}
