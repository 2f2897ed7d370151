/** Cases by their group, each with the file of rules that it needs. */
import type { CustomCase } from './case.ts';
import { requests } from './cases/requests.ts';
import type { ConfigName } from './lab.ts';
import { access } from './cases/access.ts';
import { custom, failing } from './cases/custom.ts';
import { customResources } from './cases/customresources.ts';
import { discovery } from './cases/discovery.ts';
import { errors } from './cases/errors.ts';
import { resources } from './cases/resources.ts';
import { external } from './cases/external.ts';

export interface Group {
  readonly name: string;
  readonly config: ConfigName;
  readonly cases: readonly CustomCase[];
}

export const groups: readonly Group[] = [
  { name: 'discovery', config: 'main', cases: discovery },
  { name: 'custom', config: 'main', cases: custom },
  { name: 'errors', config: 'main', cases: errors },
  { name: 'external', config: 'main', cases: external },
  { name: 'requests', config: 'main', cases: requests },
  { name: 'access', config: 'main', cases: access },
  { name: 'failing', config: 'main', cases: failing },
  { name: 'resource metrics', config: 'resources', cases: resources },
  { name: 'custom resources', config: 'custom-resources', cases: customResources },
];
