/** A mapper of a few resources, as discovery would make it. */
import type { DescribedResource, Mapper } from '../../../src/metricsource/described.ts';

const resources: readonly DescribedResource[] = [
  described('', 'Pod', 'pods', 'pod', true),
  described('', 'Service', 'services', 'service', true),
  described('', 'Node', 'nodes', 'node', false),
  described('', 'Namespace', 'namespaces', 'namespace', false),
  described('', 'PersistentVolume', 'persistentvolumes', 'persistentvolume', false),
  described('apps', 'Deployment', 'deployments', 'deployment', true),
  described('batch', 'Job', 'jobs', 'job', true),
  described('cheese.io', 'Brand', 'brands', 'brand', true),
  described('example.com', 'Fleet', 'fleets', 'fleet', false),
];

function described(
  group: string,
  kind: string,
  resource: string,
  singular: string,
  namespaced: boolean,
): DescribedResource {
  return { group, version: 'v1', kind, resource, singular, namespaced };
}

export const mapper: Mapper = {
  resourceFor: (name) => {
    const [resource, ...group] = name.split('.');
    return resources.find(
      (each) =>
        (each.resource === resource || each.singular === resource) &&
        (group.length === 0 || each.group === group.join('.')),
    );
  },
};

export function resourceNamed(name: string): DescribedResource {
  const resource = mapper.resourceFor(name);
  if (resource === undefined) throw new Error(`no resource is named ${name}`);
  return resource;
}
