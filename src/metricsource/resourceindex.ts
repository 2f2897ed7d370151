/** Finds resources of a cluster by the names that kubectl and prometheus-adapter take. */
import type { DescribedResource, Mapper } from './described.ts';

/**
 * Returns a mapper over resources that do not change. Of several with one name the first one in discovery's order is
 * found; a plural comes before a singular. As in Kubernetes' RESTMapper, case does not count in the resource's name, and
 * a group that no such resource has may be the beginning of one: `Ingress.networking` is ingresses.networking.k8s.io.
 */
export function createResourceIndex(resources: readonly DescribedResource[]): Mapper {
  const exact = new Map<string, DescribedResource>();
  const byResource = new Map<string, DescribedResource[]>();
  const add = (name: string, resource: DescribedResource): void => {
    if (!exact.has(name)) exact.set(name, resource);
  };
  for (const each of resources) add(each.resource, each);
  for (const each of resources) {
    add(each.singular, each);
    for (const name of new Set([each.resource, each.singular])) {
      if (each.group !== '') add(`${name}.${each.group}`, each);
      const sameNamed = byResource.get(name);
      if (sameNamed === undefined) byResource.set(name, [each]);
      else sameNamed.push(each);
    }
  }
  return { resourceFor: (name) => exact.get(name) ?? resourceLike(name) };

  function resourceLike(name: string): DescribedResource | undefined {
    const { resource, group = '' } = splitResourceName(name);
    const lower = resource.toLowerCase();
    if (group === '') return exact.get(lower);
    return exact.get(`${lower}.${group}`) ?? byResource.get(lower)?.find((each) => each.group.startsWith(group));
  }
}

/** Splits at the first dot. */
export function splitResourceName(name: string): { readonly resource: string; readonly group: string | undefined } {
  const dot = name.indexOf('.');
  return dot < 0 ? { resource: name, group: undefined } : { resource: name.slice(0, dot), group: name.slice(dot + 1) };
}
