/** A mapper of a few resources. */
import type { DescribedResource } from '../../../src/metricsource/described.ts';
import { createMapper, describedResource } from '../../fakes/discovery.ts';

const resources: readonly DescribedResource[] = [
  describedResource('', 'v1', 'pods', 'Pod'),
  describedResource('', 'v1', 'services', 'Service'),
  describedResource('', 'v1', 'nodes', 'Node', false),
  describedResource('', 'v1', 'namespaces', 'Namespace', false),
  describedResource('', 'v1', 'persistentvolumes', 'PersistentVolume', false),
  describedResource('apps', 'v1', 'deployments', 'Deployment'),
  describedResource('batch', 'v1', 'jobs', 'Job'),
  describedResource('cheese.io', 'v1', 'brands', 'Brand'),
  describedResource('example.com', 'v1', 'fleets', 'Fleet', false),
];

export const mapper = createMapper(() => resources);

export function resourceNamed(name: string): DescribedResource {
  const resource = mapper.resourceFor(name);
  if (resource === undefined) throw new Error(`no resource is named ${name}`);
  return resource;
}
