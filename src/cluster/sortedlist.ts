/** Keeps a list sorted by name: changed objects are merged in on request. */

export interface Named {
  readonly name: string;
}

export interface SortedList<T extends Named> {
  changed(name: string): void;
  /** A returned list never changes. */
  list(): readonly T[];
  /** Yields the objects with greater names, in order; valid until the next change. Costs nothing for those before. */
  behind(name: string): Iterable<T>;
  /** Counts the objects with greater names. */
  countBehind(name: string): number;
}

/** Changed names above which sorting is cheaper than merging; also limits the names that an unused list collects. */
const mergeShare = 1 / 4;

/** Changed names up to which a page reads past them, in place of a copy of the list, which may have 150,000 objects. */
const unmergedNames = 1_000;

/** Creates a list of the objects that `objects` returns by name. */
export function createSortedList<T extends Named>(objects: () => ReadonlyMap<string, T> | undefined): SortedList<T> {
  let sorted: readonly T[] | undefined;
  const names = new Set<string>();
  return { changed, list, behind, countBehind };

  function changed(name: string): void {
    if (sorted === undefined) return;
    names.add(name);
    if (names.size <= sorted.length * mergeShare) return;
    sorted = undefined;
    names.clear();
  }

  function list(): readonly T[] {
    const current = objects() ?? new Map<string, T>();
    if (sorted === undefined) sorted = [...current.values()].sort(byName);
    else if (names.size > 0) sorted = merge(sorted, [...names].sort(), current);
    names.clear();
    return sorted;
  }

  /** Returns the list as it was, from which only the names in `names` differ. */
  function almostSorted(): readonly T[] {
    return sorted === undefined || names.size > unmergedNames ? list() : sorted;
  }

  function* behind(name: string): Generator<T, void, void> {
    const known = almostSorted();
    const changes = [...names].filter((each) => each > name).sort();
    let next = 0;
    for (let at = positionBehind(known, name); ; ) {
      const object = known[at];
      const change = changes[next];
      if (object === undefined && change === undefined) return;
      if (change === undefined || (object !== undefined && object.name < change)) {
        at += 1;
        yield object as T;
        continue;
      }
      next += 1;
      if (object?.name === change) at += 1;
      const changedObject = objects()?.get(change);
      if (changedObject !== undefined) yield changedObject;
    }
  }

  function countBehind(name: string): number {
    const known = almostSorted();
    let count = known.length - positionBehind(known, name);
    for (const change of names) {
      if (change <= name) continue;
      if (known[positionOf(known, change)]?.name === change) count -= 1;
      if (objects()?.has(change) === true) count += 1;
    }
    return count;
  }
}

function merge<T extends Named>(list: readonly T[], names: readonly string[], objects: ReadonlyMap<string, T>): T[] {
  const merged: T[] = [];
  let from = 0;
  for (const name of names) {
    const to = positionOf(list, name);
    for (let at = from; at < to; at += 1) merged.push(list[at] as T);
    from = list[to]?.name === name ? to + 1 : to;
    const object = objects.get(name);
    if (object !== undefined) merged.push(object);
  }
  for (let at = from; at < list.length; at += 1) merged.push(list[at] as T);
  return merged;
}

/** Returns the index of the name, or where to insert it. */
function positionOf(list: readonly Named[], name: string): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] as Named).name < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

function positionBehind(list: readonly Named[], name: string): number {
  const at = positionOf(list, name);
  return list[at]?.name === name ? at + 1 : at;
}

function byName(a: Named, b: Named): number {
  return a.name < b.name ? -1 : 1;
}
