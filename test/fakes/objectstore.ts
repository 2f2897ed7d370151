/** State of the fake API server: objects with versions, and the history that feeds watches. */
import { randomUUID } from 'node:crypto';
import { parseLabelSelector } from '../../src/apimachinery/labels.ts';
import type { Kind, KubeObject } from './kubeobjects.ts';

/** One change; from the object before it, a watch with a selector knows whether the object came, changed or left. */
export interface HistoryEvent {
  readonly version: number;
  readonly before: KubeObject | undefined;
  /** After a deletion, the object as it was, with the version of its deletion. */
  readonly after: KubeObject;
  readonly deleted: boolean;
}

export interface ObjectStore {
  /** Creates or replaces; gives the object its version and, if it has none, a UID. */
  set(object: KubeObject): void;
  /** Does nothing if there is no such object. */
  delete(kind: Kind, name: string, namespace?: string): void;
  get(kind: Kind, name: string, namespace?: string): KubeObject | undefined;
  /** Sorted by namespace and name. */
  list(kind: Kind): readonly KubeObject[];
  version(): number;
  /** Forgets the history: a watch from before now gets 410. */
  forget(): void;
  /** Takes the version back and loses the history without a trace, as a restore of etcd does. */
  rewind(version: number): void;
  /** Undefined if that was forgotten. */
  since(kind: Kind, version: number): readonly HistoryEvent[] | undefined;
  subscribe(listener: (event: HistoryEvent) => void): () => void;
}

export function createObjectStore(): ObjectStore {
  const objects = new Map<string, KubeObject>();
  const listeners = new Set<(event: HistoryEvent) => void>();
  /** Lists come in pages, of which those of 150,000 pods are 300. */
  const sorted = new Map<Kind, readonly KubeObject[]>();
  let history: HistoryEvent[] = [];
  let version = 1000;
  let forgotten = version;
  return {
    set,
    delete: remove,
    get: (kind, name, namespace) => objects.get(keyOf(kind, name, namespace)),
    list,
    version: () => version,
    forget,
    rewind,
    since,
    subscribe,
  };

  function set(object: KubeObject): void {
    const { kind, metadata } = object;
    const key = keyOf(kind, metadata.name, metadata.namespace);
    const before = objects.get(key);
    version += 1;
    const uid = metadata.uid ?? before?.metadata.uid ?? randomUUID();
    const after = { ...object, metadata: { ...metadata, uid, resourceVersion: String(version) } };
    objects.set(key, after);
    sorted.delete(object.kind);
    publish({ version, before, after, deleted: false });
  }

  function remove(kind: Kind, name: string, namespace?: string): void {
    const before = objects.get(keyOf(kind, name, namespace));
    if (before === undefined) return;
    objects.delete(keyOf(kind, name, namespace));
    sorted.delete(kind);
    version += 1;
    const after = { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } };
    publish({ version, before, after, deleted: true });
  }

  function list(kind: Kind): readonly KubeObject[] {
    const known = sorted.get(kind);
    if (known !== undefined) return known;
    const entries = [...objects].filter(([, object]) => object.kind === kind);
    const listed = entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
    sorted.set(kind, listed);
    return listed;
  }

  function forget(): void {
    version += 1;
    forgotten = version;
    history = [];
  }

  function rewind(to: number): void {
    version = to;
    forgotten = to;
    history = [];
  }

  function since(kind: Kind, from: number): readonly HistoryEvent[] | undefined {
    if (from < forgotten) return undefined;
    return history.filter((event) => event.version > from && event.after.kind === kind);
  }

  function subscribe(listener: (event: HistoryEvent) => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  function publish(event: HistoryEvent): void {
    history.push(event);
    for (const listener of listeners) listener(event);
  }
}

/** The key under which an object sorts, and from which a page goes on. */
export function keyOf(kind: Kind, name: string, namespace = ''): string {
  return `${kind}/${namespace}/${name}`;
}

/** Selects the objects of a list or watch. */
export type Filter = (object: KubeObject) => boolean;

/** Label selectors in full; field selectors as paths compared with = or !=. */
export function filterOf(namespace: string | undefined, query: URLSearchParams): Filter {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = (query.get('fieldSelector') ?? '').split(',').filter((part) => part !== '');
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    labels.matches(new Map(Object.entries(object.metadata.labels ?? {}))) &&
    fields.every((part) => holds(object, part));
}

function holds(object: KubeObject, condition: string): boolean {
  const [path = '', value = ''] = condition.split(/!?==?/);
  let at: unknown = object;
  for (const name of path.split('.')) at = typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined;
  return (at === value) !== condition.includes('!=');
}
