/** Keeps rights to write from accounts whose tokens kubelets get: each kubelet could use them. */
import type { ServiceAccount } from '../../client/tokenrequest.ts';
import { type CheckContext, readable } from '../check.ts';
import { flagIn } from '../flagwords.ts';
import { findKubeletAccount } from '../kubeletaccount.ts';
import { applyManifests, type PresentServer } from './manifests.ts';
import { asGoodAsRoot } from './rightgrants.ts';
import type { NeededRight } from './rights.ts';
import { kindOfImage, type PodBehindService, servingContainer } from './servingpods.ts';

export interface ExposedAccounts {
  /** Accounts whose tokens go to kubelets. */
  readonly shown: readonly ServiceAccount[];
  readonly present: PresentServer;
}

export interface Refusal {
  /** Follows what the account may not do. */
  readonly because: string;
  /** Takes the place of a grant. */
  readonly remedy: string;
}

/** Returns why an account must not get rights, and what to do instead; undefined where it may get all of them. */
export function refusalOf(
  rights: readonly Pick<NeededRight, 'verb' | 'resource' | 'role'>[],
  account: ServiceAccount,
  { shown, present }: ExposedAccounts,
): Refusal | undefined {
  if (!rights.some(isDangerous) || !isShown(account, shown)) return undefined;
  return {
    because: 'and must not get that: its token goes to kubelets, and a kubelet could use the right',
    remedy: applyManifests(present, 'where the server runs as ServiceAccount kubegauge, whose token no kubelet gets'),
  };
}

const readVerbs = new Set(['get', 'list', 'watch']);

/** Reports whether a kubelet could do harm with the right. Kubernetes' own role for servers creates reviews, which change nothing. */
function isDangerous({ verb, resource, role }: Pick<NeededRight, 'verb' | 'resource' | 'role'>): boolean {
  return role.builtIn !== true && (!readVerbs.has(verb) || resource === asGoodAsRoot);
}

/** Pods of metrics-server show their account to kubelets, also those that `kubectl rollout undo` brings back. */
function isShown({ namespace, name }: ServiceAccount, shown: readonly ServiceAccount[]): boolean {
  return name === 'metrics-server' || shown.some((each) => each.namespace === namespace && each.name === name);
}

/** Returns the accounts whose tokens the running pods send to kubelets. Where that cannot be found out, it is their own. */
export async function shownAccounts(
  context: Pick<CheckContext, 'api' | 'place'>,
  pods: readonly PodBehindService[],
): Promise<readonly ServiceAccount[]> {
  const running = pods.filter(({ ended, deleting }) => !ended && !deleting);
  const shown = running.map((pod) =>
    readable(shownAccount(context, pod), { namespace: pod.namespace, name: pod.account }),
  );
  return (await Promise.all(shown)).filter((account) => account !== undefined);
}

/** Returns the account whose token a pod sends to kubelets; undefined through the node proxy. @throws UncheckedError. */
export async function shownAccount(
  context: Pick<CheckContext, 'api' | 'place'>,
  { namespace, account, containers }: Pick<PodBehindService, 'namespace' | 'account' | 'containers'>,
): Promise<ServiceAccount | undefined> {
  const own = { namespace, name: account };
  const { image = '', words = [] } = servingContainer(containers) ?? {};
  if (flagIn(words, 'kubelet-connection') === 'proxy') return undefined;
  return findKubeletAccount(context, { isKubegauge: kindOfImage(image) === 'kubegauge', words, own });
}
