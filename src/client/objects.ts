/** Objects by namespace and name, each found without a key made of both: of 150,000 pods those keys alone would be 18 MB. */

export interface Objects<T> {
  /** @param namespace empty for what has none. */
  get(namespace: string, name: string): T | undefined;
  set(namespace: string, name: string, object: T): void;
  /** Returns what was there. */
  delete(namespace: string, name: string): T | undefined;
  /** Goes on over changes that are made meanwhile: what is added may be seen, what is deleted is not. */
  values(): IterableIterator<T>;
  /** Of one namespace, by name; undefined where there are none. */
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
