/** Asks kube-apiserver what a client's own credentials, or a ServiceAccount, may do (SelfSubjectAccessReview, SubjectAccessReview). */
import { foreignText } from '../foreigntext.ts';
import { field, text } from './json.ts';
import type { RequestOptions, RestClient } from './rest.ts';
import type { ServiceAccount } from './tokenrequest.ts';

/** As in a SubjectAccessReview; absent members are empty. */
export interface AccessAttributes {
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly name?: string;
  readonly namespace?: string;
  /** Instead of a resource. */
  readonly nonResourcePath?: string;
}

export interface AccessReviewOptions extends Pick<RequestOptions, 'authorization' | 'signal' | 'timeoutMs'> {
  /** Whose rights are asked for, which needs the right to create SubjectAccessReviews. Default: those of the credentials. */
  readonly account?: ServiceAccount | undefined;
}

/** Milliseconds. */
const defaultTimeoutMs = 5_000;

/**
 * Reports whether our own credentials, others or an account have the right. Every authenticated client may ask for its own.
 * @throws StatusError if kube-apiserver refuses; Error without an answer, or if an authorizer could not decide.
 */
export async function isAllowed(
  rest: Pick<RestClient, 'create'>,
  attributes: AccessAttributes,
  { account, timeoutMs = defaultTimeoutMs, ...options }: AccessReviewOptions = {},
): Promise<boolean> {
  const kind = account === undefined ? 'SelfSubjectAccessReview' : 'SubjectAccessReview';
  const body = {
    kind,
    apiVersion: 'authorization.k8s.io/v1',
    metadata: {},
    spec: { ...attributesOf(attributes), ...(account === undefined ? {} : userOf(account)) },
  };
  const path = `/apis/authorization.k8s.io/v1/${kind.toLowerCase()}s`;
  const status = field(await rest.create(path, body, { timeoutMs, ...options }), 'status');
  // As in kube-apiserver's webhook authorizer, denied overrides allowed.
  if (field(status, 'allowed') === true && field(status, 'denied') !== true) return true;
  const error = text(field(status, 'evaluationError')) ?? '';
  if (error !== '') throw new Error(`kube-apiserver cannot decide what is allowed: ${foreignText(error)}`);
  if (typeof field(status, 'allowed') !== 'boolean') throw new Error(`the ${kind} has no answer`);
  return false;
}

function attributesOf({ nonResourcePath, verb, ...attributes }: AccessAttributes): object {
  const { group = '', resource = '', subresource = '', name = '', namespace = '' } = attributes;
  return nonResourcePath === undefined
    ? { resourceAttributes: { verb, group, resource, subresource, name, namespace } }
    : { nonResourceAttributes: { verb, path: nonResourcePath } };
}

/** Returns the user and groups of a ServiceAccount. */
function userOf({ namespace, name }: ServiceAccount): { readonly user: string; readonly groups: readonly string[] } {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}
