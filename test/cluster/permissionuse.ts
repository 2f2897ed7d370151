/** Compares rights with their uses. */
import type { Use } from './audit.ts';
import { type Right, rightText } from './permissions.ts';

/** Roles through which a user has the rights of the aggregated one. */
const aggregates = ['view', 'edit', 'admin'].map((name) => `ClusterRole ${name}`);
const aggregated = 'ClusterRole system:aggregated-metrics-reader';

/** Returns the rights that nothing has used. */
export function idleRights(rights: readonly Right[], uses: readonly Use[]): Right[] {
  return rights.filter((right) => !uses.some((use) => use.isAllowed && covers(right, use)));
}

/** Returns the uses, also denied ones, that no right is for. */
export function unlistedUses(rights: readonly Right[], uses: readonly Use[]): Use[] {
  return uses.filter((use) => !rights.some((right) => covers(right, use)));
}

/** Reports whether the use is what the right is for, and by its role if that is known. */
function covers(right: Right, use: Use): boolean {
  const { account, verb, group, resource, by } = use;
  const role = by !== undefined && aggregates.includes(by) && account === 'users' ? aggregated : by;
  return (
    right.account === account &&
    right.verb === verb &&
    right.group === group &&
    right.resource === resource &&
    isFor(right, use) &&
    (role === undefined ? !use.isAllowed : role === right.by)
  );
}

/** A Role grants the objects of its namespace as `<namespace>/*`. */
function isFor({ only }: Right, use: Use): boolean {
  return only === '' || only === objectOf(use) || (use.namespace !== '' && only === `${use.namespace}/*`);
}

const objectOf = ({ namespace, name }: Use) => [namespace, name].filter(Boolean).join('/');

export const useText = (use: Use): string =>
  rightText({ ...use, only: objectOf(use), by: use.by ?? 'an unknown role' });
