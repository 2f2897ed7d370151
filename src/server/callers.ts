/** Classes of clients, for sources whose work they share. */
import { anonymous, isAnonymous, type UserInfo } from '../auth/user.ts';
import type { Caller } from '../metricsource/source.ts';

export function callerOf(user: UserInfo = anonymous): Caller {
  const { name } = user;
  if (isAnonymous(user)) return { kind: 'stranger', name };
  return { kind: isSystem(name) ? 'system' : 'user', name };
}

/**
 * Reports whether a controller of the cluster has this name, such as system:kube-controller-manager or a ServiceAccount
 * of kube-system. Kubernetes reserves the prefix; ServiceAccounts of other namespaces, nodes and bootstrap tokens have
 * it, too.
 */
function isSystem(name: string): boolean {
  if (name.startsWith('system:serviceaccount:')) return name.startsWith('system:serviceaccount:kube-system:');
  return name.startsWith('system:') && !name.startsWith('system:node:') && !name.startsWith('system:bootstrap:');
}
