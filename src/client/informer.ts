/** Keeps a value per object of one resource, by list and watch with retries. */
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { BodyBuffer } from './bodybuffer.ts';
import { field, items, text } from './json.ts';
import { listOf } from './kubernetesmessages.ts';
import { listPages, type PageQuery } from './listpages.ts';
import { createObjects } from './objects.ts';
import { createProtobufDecoder, type Message } from './protobufreader.ts';
import type { ProtobufForm } from './response.ts';
import type { RestClient } from './rest.ts';
import { openWatch, watchTimeoutSeconds } from './watch.ts';
import { backoffMs, isExpired, isOutage, keepsVersion, longestOutagePauseMs } from './watchretry.ts';

export interface Change<T> {
  readonly type: 'set' | 'delete';
  /** The name, after `namespace/` if it has one. */
  readonly key: string;
  /** After a deletion, the last value. */
  readonly value: T;
}

export interface Informer<T> {
  /** Reports whether a list was complete once. Later content may be old, but not incomplete. */
  synced(): boolean;
  /** Returns when the first list was complete, monotonic, in milliseconds; undefined before. */
  syncedMs(): number | undefined;
  /** Finds cluster-scoped objects without a namespace. */
  get(name: string, namespace?: string): T | undefined;
  /** Tolerates changes while iterating: additions may be seen, deletions are not. */
  values(): IterableIterator<T>;
  within(namespace: string): ReadonlyMap<string, T> | undefined;
  namespaces(): IterableIterator<string>;
  readonly size: number;
  /** Calls the listener for later changes, not for existing objects. */
  onChange(listener: (change: Change<T>) => void): void;
  /** Never rejects; resolves after the signal has aborted. */
  run(signal: AbortSignal): Promise<void>;
}

export interface InformerOptions<T> {
  readonly rest: RestClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Default JSON. */
  readonly accept?: { readonly list: string; readonly watch: string };
  readonly message?: Message;
  readonly pageSize?: number;
  /** Returns the value to keep, or undefined. The current value means no change. */
  readonly parse: (object: unknown, current: T | undefined) => T | undefined;
  /** From 0 to below 1. */
  readonly random?: () => number;
  /** Called after each complete list without an argument, and with the error of each list or watch that failed. */
  readonly onListed?: (error?: unknown) => void;
}

/** As kubectl and client-go. */
const defaultPageSize = 500;
const json = { list: 'application/json', watch: 'application/json' };

export function createInformer<T>(options: InformerOptions<T>): Informer<T> {
  return new ListWatcher(options);
}

class ListWatcher<T> implements Informer<T> {
  readonly #options: InformerOptions<T>;
  readonly #forms: { readonly object: ProtobufForm; readonly list: ProtobufForm } | undefined;
  readonly #random: () => number;
  readonly #objects = createObjects<T>();
  readonly #listeners: ((change: Change<T>) => void)[] = [];
  #completeMs: number | undefined;
  /** To watch from; undefined if a list is needed. */
  #version: string | undefined;
  #idleTries = 0;
  #isFailing = false;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#forms = options.message === undefined ? undefined : protobufForms(options.message);
    this.#random = options.random ?? Math.random;
  }

  synced(): boolean {
    return this.#completeMs !== undefined;
  }

  syncedMs(): number | undefined {
    return this.#completeMs;
  }

  get(name: string, namespace = ''): T | undefined {
    return this.#objects.get(namespace, name);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  within(namespace: string): ReadonlyMap<string, T> | undefined {
    return this.#objects.within(namespace);
  }

  namespaces(): IterableIterator<string> {
    return this.#objects.namespaces();
  }

  get size(): number {
    return this.#objects.size;
  }

  onChange(listener: (change: Change<T>) => void): void {
    this.#listeners.push(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, rest } = this.#options;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      let longestMs = Infinity;
      try {
        this.#version ??= await this.#list(signal);
        await this.#watch(this.#version, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (isOutage(error, rest.outage, clock.monotonicMs() - startedMs)) longestMs = longestOutagePauseMs;
        if (!keepsVersion(error)) this.#version = undefined;
        if (!isExpired(error)) this.#onFailure(error);
      }
      // Also after a good end: a server may end each watch at once.
      const pauseMs = Math.min(backoffMs(this.#idleTries, this.#random()), longestMs);
      await clock.sleep(pauseMs, signal).catch(() => undefined);
      this.#idleTries += 1;
    }
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { rest, path, query = {}, accept = json, pageSize = defaultPageSize } = this.#options;
    const keys = new ListedKeys();
    const buffer = new BodyBuffer();
    let listed: string | undefined;
    const read = (page: PageQuery) =>
      rest.get(path, {
        query: { ...query, ...page },
        accept: accept.list,
        protobuf: this.#forms?.list,
        buffer,
        signal,
      });
    for await (const page of listPages(read, pageSize)) {
      for (const object of items(field(page, 'items'))) {
        const key = keyOf(object);
        if (key !== undefined && this.#set(key, object)) keys.add(key);
      }
      listed = text(field(field(page, 'metadata'), 'resourceVersion'));
    }
    return this.#finish(keys, listed);
  }

  #finish(keys: ListedKeys, listed: string | undefined): string {
    const { path, log, clock } = this.#options;
    if (listed === undefined || listed === '')
      throw new Error(`the list of ${path} has no resourceVersion; is this kube-apiserver?`);
    for (const namespace of this.#objects.namespaces()) {
      for (const name of this.#objects.within(namespace)?.keys() ?? []) {
        if (!keys.has({ namespace, name })) this.#delete({ namespace, name });
      }
    }
    if (this.#completeMs === undefined) log.info({ path, objects: this.#objects.size }, 'listed');
    this.#completeMs ??= clock.monotonicMs();
    this.#options.onListed?.();
    return listed;
  }

  async #watch(from: string, signal: AbortSignal): Promise<void> {
    const { rest, path, query = {}, accept = json } = this.#options;
    const events = await openWatch(rest, path, {
      query,
      accept: accept.watch,
      protobuf: this.#forms?.object,
      resourceVersion: from,
      timeoutSeconds: watchTimeoutSeconds(this.#random()),
      signal,
    });
    this.#onSuccess();
    for await (const event of events) {
      if (event.type === 'GONE') {
        this.#version = undefined;
        return;
      }
      this.#idleTries = 0;
      if (event.type !== 'BOOKMARK') {
        const key = keyOf(event.object);
        if (key !== undefined && event.type === 'DELETED') this.#delete(key);
        else if (key !== undefined) this.#set(key, event.object);
      }
      this.#version = event.resourceVersion;
    }
  }

  /** Returns whether the object is kept. */
  #set(key: Key, object: unknown): boolean {
    const current = this.#objects.get(key.namespace, key.name);
    const value = this.#options.parse(object, current);
    if (value === undefined) {
      this.#delete(key);
      return false;
    }
    if (value === current) return true;
    this.#objects.set(key.namespace, key.name, value);
    this.#notify('set', key, value);
    return true;
  }

  #delete(key: Key): void {
    const value = this.#objects.delete(key.namespace, key.name);
    if (value !== undefined) this.#notify('delete', key, value);
  }

  #notify(type: Change<T>['type'], { namespace, name }: Key, value: T): void {
    const key = namespace === '' ? name : `${namespace}/${name}`;
    for (const listener of this.#listeners) listener({ type, key, value });
  }

  #onFailure(error: unknown): void {
    const { log, path, onListed } = this.#options;
    onListed?.(error);
    if (!this.#isFailing)
      log.warn({ code: 'WatchFails', path, err: error }, 'cannot list or watch; retries until it works');
    this.#isFailing = true;
  }

  #onSuccess(): void {
    const { log, path } = this.#options;
    if (this.#isFailing) log.info({ path }, 'watching again');
    this.#isFailing = false;
  }
}

function protobufForms(message: Message): { readonly object: ProtobufForm; readonly list: ProtobufForm } {
  const decoder = createProtobufDecoder();
  return { object: { decoder, message }, list: { decoder, message: listOf(message) } };
}

interface Key {
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
}

function keyOf(object: unknown): Key | undefined {
  const metadata = field(object, 'metadata');
  const name = text(field(metadata, 'name'));
  return name === undefined ? undefined : { namespace: text(field(metadata, 'namespace')) ?? '', name };
}

class ListedKeys {
  readonly #namespaces = new Map<string, Set<string>>();

  add({ namespace, name }: Key): void {
    const names = this.#namespaces.get(namespace);
    if (names === undefined) this.#namespaces.set(namespace, new Set([name]));
    else names.add(name);
  }

  has({ namespace, name }: Key): boolean {
    return this.#namespaces.get(namespace)?.has(name) === true;
  }
}
