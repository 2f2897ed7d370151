/** Limits of the wanted series of one response, beside those in `decode/limits.ts`; a response above one yields none. */

/** Series of wanted families, read or not; a node with 500 pods of 10 interfaces has 40,000 of all network families. */
export const wantedSeriesLimit = 131_072;

/** Cgroups with a wanted series; a node with 500 pods has 2,500. */
export const wantedCgroupLimit = 16_384;

/** Interfaces or devices of one cgroup and family; the kernel makes ten per network namespace, hosts have hundreds. */
export const partsPerCgroupLimit = 1_024;
