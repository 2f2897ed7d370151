/** The names of the APIServices that may lead to this server: a right to patch one can redirect its API. */
import { customGroup, customVersions } from './custom/metricvalues.ts';
import { externalGroup, externalVersion } from './external/externalvalues.ts';
import { group, versions } from './types.ts';

/** Those of all groups, whether or not they are served. */
export const apiServiceNames: readonly string[] = [
  ...versions.map((version) => `${version}.${group}`),
  ...customVersions.map((version) => `${version}.${customGroup}`),
  `${externalVersion}.${externalGroup}`,
];
