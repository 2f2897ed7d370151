/** Sorted lists of pods, of one namespace or all, updated where pods change. */
import type { ListPosition } from '../apimachinery/continuetoken.ts';
import type { Informer } from '../client/informer.ts';
import { createSortedList, type SortedList } from './sortedlist.ts';

interface Pod {
  readonly namespace: string;
  readonly name: string;
}

export interface PodLists<T extends Pod> extends PodPages<T> {
  changed(pod: Pod): void;
  /** Sorted by namespace, then name. */
  list(namespace?: string): readonly T[];
}

/** The same pods from any position on: those before it cost nothing, and a change of some pods little. */
export interface PodPages<T extends Pod> {
  /** Yields the pods behind the position, or all; valid until the next change. @param namespace undefined for all. */
  behind(position: ListPosition | undefined, namespace: string | undefined): Iterable<T>;
  countBehind(position: ListPosition, namespace: string | undefined): number;
}

export function createPodLists<T extends Pod>(informer: Pick<Informer<T>, 'within' | 'namespaces'>): PodLists<T> {
  /** Only namespaces that were listed. */
  const byNamespace = new Map<string, SortedList<T>>();
  let all: readonly T[] | undefined;
  /** In sorted order, and kept until a namespace has its first pod or loses its last one. */
  let namespaces: ReadonlySet<string> | undefined;
  return { changed, list, behind, countBehind };

  function changed({ namespace, name }: Pod): void {
    all = undefined;
    byNamespace.get(namespace)?.changed(name);
    const isGone = informer.within(namespace) === undefined;
    if (isGone) byNamespace.delete(namespace);
    if (isGone || namespaces?.has(namespace) === false) namespaces = undefined;
  }

  function list(namespace?: string): readonly T[] {
    if (namespace !== undefined) return sortedWithin(namespace)?.list() ?? [];
    // Only changed namespaces are sorted again: of 150,000 pods some change every second.
    all ??= sortedNamespaces().flatMap((each) => list(each));
    return all;
  }

  function* behind(position: ListPosition | undefined, namespace: string | undefined): Generator<T, void, void> {
    for (const each of namespacesFrom(position, namespace)) {
      const sorted = sortedWithin(each);
      if (sorted !== undefined) yield* sorted.behind(each === position?.namespace ? position.name : '');
    }
  }

  function countBehind(position: ListPosition, namespace: string | undefined): number {
    let count = 0;
    for (const each of namespacesFrom(position, namespace)) {
      if (each === position.namespace) count += sortedWithin(each)?.countBehind(position.name) ?? 0;
      else count += informer.within(each)?.size ?? 0;
    }
    return count;
  }

  function namespacesFrom(position: ListPosition | undefined, namespace: string | undefined): readonly string[] {
    const names = namespace === undefined ? sortedNamespaces() : [namespace];
    if (position === undefined) return names;
    const first = names.findIndex((each) => each >= position.namespace);
    return first === -1 ? [] : names.slice(first);
  }

  function sortedNamespaces(): readonly string[] {
    namespaces ??= new Set([...informer.namespaces()].sort());
    return [...namespaces];
  }

  function sortedWithin(namespace: string): SortedList<T> | undefined {
    if (informer.within(namespace) === undefined) return undefined;
    const known = byNamespace.get(namespace);
    if (known !== undefined) return known;
    const created = createSortedList(() => informer.within(namespace));
    byNamespace.set(namespace, created);
    return created;
  }
}
