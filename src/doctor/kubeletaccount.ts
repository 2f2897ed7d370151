/** Finds the account whose tokens kubelets get, as the server decides it. */
import { defaultKubeletAccount, ownAccount } from '../options/flags/kubelet.ts';
import { type CheckContext, readable } from './check.ts';
import type { AccessAttributes } from '../client/accessreview.ts';
import type { ServiceAccount } from '../client/tokenrequest.ts';
import { flagIn, separateAccountIn } from './flagwords.ts';
import { UncheckedError } from './uncheckederror.ts';

/**
 * Returns the account for kubelets of a server. Without --kubelet-service-account kubegauge uses the account of our manifests where it exists and the server
 * may create tokens of it, and else its own.
 * @param words of the server's command line.
 * @throws UncheckedError.
 */
export async function findKubeletAccount(
  context: Pick<CheckContext, 'api' | 'place'>,
  {
    isKubegauge,
    words,
    own,
  }: { readonly isKubegauge: boolean; readonly words: readonly string[]; readonly own: ServiceAccount },
): Promise<ServiceAccount> {
  const named = separateAccountIn(words, own.namespace);
  if (named !== undefined) return named;
  if (!isKubegauge || flagIn(words, 'kubelet-service-account') === ownAccount) return own;
  const { namespace } = own;
  const account = { namespace, name: defaultKubeletAccount };
  const token = { verb: 'create', resource: 'serviceaccounts', subresource: 'token', ...account };
  if (!(await mayAccount(context, token, own, 'server'))) return own;
  return (await exists(context, account)) ? account : own;
}

/** Takes an account that we may not read as there: its tokens were granted by name, which our manifests do beside making it. */
async function exists({ api }: Pick<CheckContext, 'api'>, { namespace, name }: ServiceAccount): Promise<boolean> {
  const found = await readable(api.get(`/api/v1/namespaces/${namespace}/serviceaccounts/${name}`), 'unread');
  return found !== undefined;
}

/** Reports whether an account of the server has a right. @throws UncheckedError. */
export async function mayAccount(
  { api, place }: Pick<CheckContext, 'api' | 'place'>,
  attributes: AccessAttributes,
  account: ServiceAccount,
  role: 'server' | 'kubelets',
): Promise<boolean> {
  try {
    return await api.may(attributes, account);
  } catch (error) {
    // In the pod the server's account is ours, and each user may ask for its own rights.
    if (!(error instanceof UncheckedError) || place !== 'pod' || role !== 'server') throw error;
    return api.may(attributes);
  }
}
