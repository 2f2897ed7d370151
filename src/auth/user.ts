/** Who somebody is, as Kubernetes tells users apart. */

export interface UserInfo {
  readonly name: string;
  /** Empty where nobody says. */
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: ReadonlyMap<string, readonly string[]>;
}

/** Whoever shows no credentials. */
export const anonymous: UserInfo = {
  name: 'system:anonymous',
  uid: '',
  groups: ['system:unauthenticated'],
  extra: new Map(),
};

/** Also where a front proxy says so. */
export function isAnonymous({ name, groups }: UserInfo): boolean {
  return name === anonymous.name || anonymous.groups.some((group) => groups.includes(group));
}

/** The group whose members may do everything, also while kube-apiserver cannot be asked. */
export const masters = 'system:masters';

/** Everybody who is known is in this group, whether or not who vouches for them says so. */
export function withAuthenticatedGroup(user: UserInfo): UserInfo {
  if (user.name === anonymous.name) return user;
  if (user.groups.includes('system:authenticated') || user.groups.includes('system:unauthenticated')) return user;
  return { ...user, groups: [...user.groups, 'system:authenticated'] };
}
