/** Stores objects without combined keys: those of 150,000 pods would take 18 MB. */

export interface Objects<T> {
  /** Finds cluster-scoped objects by an empty namespace. */
  get(namespace: string, name: string): T | undefined;
  set(namespace: string, name: string, object: T): void;
  delete(namespace: string, name: string): T | undefined;
  /** Tolerates changes while iterating: additions may be seen, deletions are not. */
  values(): IterableIterator<T>;
  within(namespace: string): ReadonlyMap<string, T> | undefined;
  namespaces(): IterableIterator<string>;
  readonly size: number;
}

export function createObjects<T>(): Objects<T> {
  const namespaces = new Map<string, Map<string, T>>();
  let size = 0;
  return {
    get: (namespace, name) => namespaces.get(namespace)?.get(name),
    set,
    delete: remove,
    values,
    within: (namespace) => namespaces.get(namespace),
    namespaces: () => namespaces.keys(),
    get size() {
      return size;
    },
  };

  function set(namespace: string, name: string, object: T): void {
    const within = namespaces.get(namespace);
    if (within === undefined) {
      namespaces.set(namespace, new Map([[name, object]]));
      size += 1;
      return;
    }
    const before = within.size;
    within.set(name, object);
    size += within.size - before;
  }

  function remove(namespace: string, name: string): T | undefined {
    const within = namespaces.get(namespace);
    const object = within?.get(name);
    if (within?.delete(name) !== true) return undefined;
    size -= 1;
    if (within.size === 0) namespaces.delete(namespace);
    return object;
  }

  function* values(): Generator<T> {
    for (const within of namespaces.values()) yield* within.values();
  }
}
