/** Sorted lists of pods, of one namespace or all, updated where pods change. */
import type { Informer } from '../client/informer.ts';
import { createSortedList, type SortedList } from './sortedlist.ts';

interface Pod {
  readonly namespace: string;
  readonly name: string;
}

export interface PodLists<T extends Pod> {
  changed(pod: Pod): void;
  /** Sorted by namespace, then name. */
  list(namespace?: string): readonly T[];
}

export function createPodLists<T extends Pod>(informer: Pick<Informer<T>, 'within' | 'namespaces'>): PodLists<T> {
  /** Only namespaces that were listed. */
  const byNamespace = new Map<string, SortedList<T>>();
  let all: readonly T[] | undefined;
  return {
    changed({ namespace, name }) {
      all = undefined;
      byNamespace.get(namespace)?.changed(name);
      if (informer.within(namespace) === undefined) byNamespace.delete(namespace);
    },
    list(namespace) {
      if (namespace !== undefined) return listWithin(namespace);
      // Only changed namespaces are sorted again: of 150,000 pods some change every second.
      all ??= [...informer.namespaces()].sort().flatMap(listWithin);
      return all;
    },
  };

  function listWithin(namespace: string): readonly T[] {
    if (informer.within(namespace) === undefined) return [];
    const known = byNamespace.get(namespace);
    if (known !== undefined) return known.list();
    const created = createSortedList(() => informer.within(namespace));
    byNamespace.set(namespace, created);
    return created.list();
  }
}
