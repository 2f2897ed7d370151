/** Metrics as the resources of a group. */
import type { DiscoveredResource } from './discoverydocuments.ts';

/** Returns a function that sorts the resources by name, once per list of the source. */
export function createSortedResources<T>(
  source: { list(): readonly T[] },
  toResource: (item: T) => DiscoveredResource,
): () => readonly DiscoveredResource[] {
  let listed: readonly T[] = [];
  let resources: readonly DiscoveredResource[] = [];
  return () => {
    const list = source.list();
    if (list !== listed) {
      resources = list.map(toResource).sort((left, right) => (left.name < right.name ? -1 : 1));
      listed = list;
    }
    return resources;
  };
}
