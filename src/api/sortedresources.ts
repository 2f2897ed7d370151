/** Metrics as the resources of a group. */
import { perList } from '../metricsource/perlist.ts';
import type { DiscoveredResource } from './discoverydocuments.ts';

/** Returns a function that sorts the resources by name, once per list of the source. */
export function createSortedResources<T>(
  source: { list(): readonly T[] },
  toResource: (item: T) => DiscoveredResource,
): () => readonly DiscoveredResource[] {
  return perList(source, (list) => list.map(toResource).sort((left, right) => (left.name < right.name ? -1 : 1)));
}
