/** Cuts a page out of a sorted list, as kube-apiserver does for `limit` and `continue`. */
import { encodeContinue, type ListPosition } from '../apimachinery/continuetoken.ts';
import type { ListMeta } from '../apimachinery/meta.ts';

export interface PageRequest {
  /** Objects at most; undefined for all that follow, up to pageSearchLimit. */
  readonly limit: number | undefined;
  /** The last object of the previous page; undefined for the first page. */
  readonly after: ListPosition | undefined;
}

interface Page<T> {
  readonly objects: readonly T[];
  readonly metadata: ListMeta;
}

interface Placed {
  readonly name: string;
  readonly namespace?: string;
}

/** A list from any position on, sorted by namespace, then name. */
export interface Pageable<T> {
  /** Yields the objects behind the position, or all. @param namespace undefined for all. */
  behind(position: ListPosition | undefined, namespace: string | undefined): Iterable<T>;
  countBehind(position: ListPosition, namespace: string | undefined): number;
}

/**
 * Objects that one page looks at: 5 ms or so; fewer with a selector, see Selector.cost. A page may have fewer objects
 * than its limit, or none, and a token: clients have to look at the token only (metav1.ListOptions).
 */
export const pageSearchLimit = 50_000;

/** Selects objects of a list. */
export interface Selector<T> {
  isSelected(object: T): boolean;
  /** What it adds to the cost of looking at an object, which is 1. */
  readonly cost: number;
}

/**
 * Returns the page.
 * @param selector undefined for all. Only then is the number of remaining objects given, as in Kubernetes.
 */
export function pageOf<T extends Placed>(
  list: Pageable<T>,
  namespace: string | undefined,
  { limit = Infinity, after }: PageRequest,
  selector: Selector<T> | undefined,
): Page<T> {
  const cost = 1 + (selector?.cost ?? 0);
  const objects: T[] = [];
  let last: T | undefined;
  let searched = 0;
  for (const object of list.behind(after, namespace)) {
    // Only now it is known that there is more behind the last object.
    if (last !== undefined && (objects.length >= limit || searched >= pageSearchLimit)) {
      const position = { namespace: last.namespace ?? '', name: last.name };
      const token = { continue: encodeContinue(position) };
      if (selector !== undefined) return { objects, metadata: token };
      return { objects, metadata: { ...token, remainingItemCount: list.countBehind(position, namespace) } };
    }
    last = object;
    searched += cost;
    if (selector === undefined || selector.isSelected(object)) objects.push(object);
  }
  return { objects, metadata: {} };
}

/** Makes pages of a sorted list that is searched from its start, for objects of which a cluster has few. */
export function pageable<T extends Placed>(list: (namespace: string | undefined) => readonly T[]): Pageable<T> {
  const from = (position: ListPosition | undefined, namespace: string | undefined) => {
    const all = list(namespace);
    if (position === undefined) return all;
    const start = all.findIndex((object) => isBehind(object, position));
    return start === -1 ? [] : all.slice(start);
  };
  return { behind: from, countBehind: (position, namespace) => from(position, namespace).length };
}

function isBehind({ namespace = '', name }: Placed, position: ListPosition): boolean {
  return namespace > position.namespace || (namespace === position.namespace && name > position.name);
}
