/** Users as Kubernetes identifies them. */

export interface UserInfo {
  readonly name: string;
  /** Empty if unknown. */
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: ReadonlyMap<string, readonly string[]>;
}

/** The user of a request without credentials. */
export const anonymous: UserInfo = {
  name: 'system:anonymous',
  uid: '',
  groups: ['system:unauthenticated'],
  extra: new Map(),
};

/** Includes anonymous users that a front proxy names. */
export function isAnonymous({ name, groups }: UserInfo): boolean {
  return name === anonymous.name || anonymous.groups.some((group) => groups.includes(group));
}

/** May do everything, also while kube-apiserver is away. */
export const masters = 'system:masters';

/** Adds the group if missing. */
export function withAuthenticatedGroup(user: UserInfo): UserInfo {
  if (user.name === anonymous.name) return user;
  if (user.groups.includes('system:authenticated') || user.groups.includes('system:unauthenticated')) return user;
  return { ...user, groups: [...user.groups, 'system:authenticated'] };
}
