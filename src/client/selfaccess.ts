/** Asks kube-apiserver what a client's own credentials may do (SelfSubjectAccessReview, which every authenticated client may create). */
import { foreignText } from '../foreigntext.ts';
import { field, text } from './json.ts';
import type { RestClient } from './rest.ts';

export interface ResourceRight {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** Milliseconds. */
const timeoutMs = 5_000;

/**
 * Reports whether our own credentials have the right.
 * @param authorization of other credentials instead, as an Authorization header.
 * @throws StatusError if kube-apiserver refuses; Error without an answer, or if an authorizer could not decide.
 */
export async function mayWe(
  rest: Pick<RestClient, 'create'>,
  right: ResourceRight,
  authorization?: string,
): Promise<boolean> {
  const body = {
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: {},
    spec: { resourceAttributes: right },
  };
  const answer = await rest.create('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', body, {
    timeoutMs,
    ...(authorization === undefined ? {} : { authorization }),
  });
  const status = field(answer, 'status');
  if (field(status, 'allowed') === true) return true;
  const error = text(field(status, 'evaluationError')) ?? '';
  if (error !== '') throw new Error(`kube-apiserver cannot decide what a token may do: ${foreignText(error)}`);
  if (field(status, 'allowed') !== false) throw new Error('the SelfSubjectAccessReview has no answer');
  return false;
}
