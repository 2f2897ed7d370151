/** Keeps what is wanted of every object of one resource in memory: lists, then watches, and never gives up. */
import { StatusError } from '../apimachinery/status.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import type { ProtobufForm } from './response.ts';
import { BodyBuffer } from './bodybuffer.ts';
import { isBrokenConnection, isUnreachable } from './connectionerrors.ts';
import { field, items, text } from './json.ts';
import { listOf } from './kubernetesmessages.ts';
import { createObjects } from './objects.ts';
import { createProtobufDecoder, type Message } from './protobufreader.ts';
import type { RestClient } from './rest.ts';
import { MalformedEventError, openWatch } from './watch.ts';

export interface Change<T> {
  readonly type: 'set' | 'delete';
  /** The object's name, with `namespace/` before it where it has one. */
  readonly key: string;
  /** After a deletion, what it was last. */
  readonly value: T;
}

export interface Informer<T> {
  /** Whether everything was seen once; what is there after that may be old, but not incomplete. */
  synced(): boolean;
  /** @param namespace empty for what has none. */
  get(name: string, namespace?: string): T | undefined;
  /** Goes on over changes that are made meanwhile: what is added may be seen, what is deleted is not. */
  values(): IterableIterator<T>;
  /** Those of one namespace by name; undefined where there are none. */
  within(namespace: string): ReadonlyMap<string, T> | undefined;
  namespaces(): IterableIterator<string>;
  readonly size: number;
  /** Calls the listener for each change from now on; objects that are there already are not told. */
  onChange(listener: (change: Change<T>) => void): void;
  /** Lists and watches until the signal aborts; resolves then, and never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

export interface InformerOptions<T> {
  readonly rest: RestClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** E.g. `/api/v1/nodes`. */
  readonly path: string;
  /** Selectors, for list and watch alike. */
  readonly query?: Readonly<Record<string, string>>;
  /** Media types, where they are not plain JSON. */
  readonly accept?: { readonly list: string; readonly watch: string };
  /** What to read of an object that comes as protobuf, if `accept` allows that. */
  readonly message?: Message;
  /** Objects per page. */
  readonly pageSize?: number;
  /**
   * Builds what is kept of an object; undefined if it is of no use.
   * Told what is held of it already; where that is returned nothing has changed, and nobody hears of it.
   */
  readonly parse: (object: unknown, held: T | undefined) => T | undefined;
  /** From 0 to below 1. */
  readonly random?: () => number;
}

/** What kubectl and client-go ask for, small enough for every API server. */
const defaultPageSize = 500;
const json = { list: 'application/json', watch: 'application/json' };

export function createInformer<T>(options: InformerOptions<T>): Informer<T> {
  const { rest, clock, log, path, query = {}, accept = json, parse, random = Math.random } = options;
  const { message, pageSize = defaultPageSize } = options;
  const objects = createObjects<T>();
  const forms = message === undefined ? undefined : protobufForms(message);
  const listeners: ((change: Change<T>) => void)[] = [];
  let complete = false;
  /** Where the next watch goes on; undefined if only a list can notify. */
  let version: string | undefined;
  /** Rounds since a watch last brought anything. */
  let idleRounds = 0;
  let failing = false;

  return {
    synced: () => complete,
    get: (name, namespace = '') => objects.get(namespace, name),
    values: () => objects.values(),
    within: (namespace) => objects.within(namespace),
    namespaces: () => objects.namespaces(),
    get size() {
      return objects.size;
    },
    onChange: (listener) => void listeners.push(listener),
    run,
  };

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      let longestMs = Infinity;
      try {
        version ??= await list(signal);
        await follow(version, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (isOfOutage(error, clock.monotonicMs() - startedMs)) longestMs = longestOutagePauseMs;
        // Only a server that is away or busy may still know our version.
        if (!isPassing(error)) version = undefined;
        if (!isGone(error)) fails(error);
      }
      // Always a pause, also after a good end: a server or proxy that ends each watch at once must not be asked in a tight loop.
      await clock.sleep(Math.min(backoffMs(idleRounds, random()), longestMs), signal).catch(() => undefined);
      idleRounds += 1;
    }
  }

  /**
   * Reports whether the server is away or starts, and may be ready at any moment. A list that breaks after a while is none of it: the server
   * would make it again each second.
   */
  function isOfOutage(error: unknown, tookMs: number): boolean {
    if (isUnreachable(error)) return true;
    if (!rest.outage.isRecent()) return false;
    return error instanceof StatusError || (isBrokenConnection(error) && tookMs < longestOutagePauseMs);
  }

  /** Reads all pages and returns the version that they show; what was on none of them is gone. */
  async function list(signal: AbortSignal): Promise<string> {
    const seen = new ListedKeys();
    const buffer = new BodyBuffer();
    let listed: string | undefined;
    let next = '';
    do {
      const page = await rest.get(path, {
        query: { ...query, limit: String(pageSize), ...(next === '' ? {} : { continue: next }) },
        accept: accept.list,
        protobuf: forms?.list,
        buffer,
        signal,
      });
      for (const object of items(field(page, 'items'))) {
        const key = keyOf(object);
        if (key !== undefined && set(key, object)) seen.add(key);
      }
      const metadata = field(page, 'metadata');
      listed = text(field(metadata, 'resourceVersion'));
      next = text(field(metadata, 'continue')) ?? '';
    } while (next !== '');
    return finish(seen, listed);
  }

  function finish(seen: ListedKeys, listed: string | undefined): string {
    if (listed === undefined || listed === '')
      throw new Error(`the list of ${path} has no resourceVersion; is this kube-apiserver?`);
    for (const namespace of objects.namespaces()) {
      for (const name of objects.within(namespace)?.keys() ?? []) {
        if (!seen.has({ namespace, name })) remove({ namespace, name });
      }
    }
    if (!complete) log.info({ path, objects: objects.size }, 'listed');
    complete = true;
    return listed;
  }

  /** Applies what one watch brings, until it ends or breaks. */
  async function follow(from: string, signal: AbortSignal): Promise<void> {
    // Spread, so that not all watches of a cluster are opened anew together.
    const timeoutSeconds = Math.round(watchSeconds * (1 + random()));
    const events = await openWatch(rest, path, {
      query,
      accept: accept.watch,
      protobuf: forms?.object,
      resourceVersion: from,
      timeoutSeconds,
      signal,
    });
    works();
    for await (const event of events) {
      if (event.type === 'GONE') {
        version = undefined;
        return;
      }
      idleRounds = 0;
      if (event.type !== 'BOOKMARK') {
        const key = keyOf(event.object);
        if (key !== undefined && event.type === 'DELETED') remove(key);
        else if (key !== undefined) set(key, event.object);
      }
      version = event.resourceVersion;
    }
  }

  /** Whether the object is kept. */
  function set(key: Key, object: unknown): boolean {
    const held = objects.get(key.namespace, key.name);
    const value = parse(object, held);
    if (value === undefined) {
      remove(key);
      return false;
    }
    if (value === held) return true;
    objects.set(key.namespace, key.name, value);
    notify('set', key, value);
    return true;
  }

  function remove(key: Key): void {
    const value = objects.delete(key.namespace, key.name);
    if (value !== undefined) notify('delete', key, value);
  }

  function notify(type: Change<T>['type'], { namespace, name }: Key, value: T): void {
    const key = namespace === '' ? name : `${namespace}/${name}`;
    for (const listener of listeners) listener({ type, key, value });
  }

  function fails(error: unknown): void {
    if (!failing) log.warn({ path, err: error }, 'cannot list or watch; trying again until it works');
    failing = true;
  }

  function works(): void {
    if (failing) log.info({ path }, 'watching again');
    failing = false;
  }
}

function protobufForms(message: Message): { readonly object: ProtobufForm; readonly list: ProtobufForm } {
  const decoder = createProtobufDecoder();
  return { object: { decoder, message }, list: { decoder, message: listOf(message) } };
}

/** A watch lasts from five to ten minutes, as client-go's do. */
const watchSeconds = 300;
const backoffFloorMs = 500;
const backoffCeilingMs = 30_000;
/** The longest pause while the server is away or starts, in milliseconds: its next request finds it ready, or a second later. */
export const longestOutagePauseMs = 1_000;

/**
 * How long to wait before the next try: from half a second to 30 s, doubling, with a spread of one to two.
 * @param tries without success so far.
 * @param random from 0 to below 1.
 */
export function backoffMs(tries: number, random: number): number {
  return Math.min(backoffFloorMs * 2 ** tries * (1 + random), backoffCeilingMs);
}

/** A server that answers, but not with a watch, may have lost what our version stands for: after a restore of etcd, for example. */
function isPassing(error: unknown): boolean {
  if (error instanceof StatusError) return error.code === 429 || error.code === 503;
  return !(error instanceof MalformedEventError);
}

function isGone(error: unknown): boolean {
  return error instanceof StatusError && error.code === 410;
}

interface Key {
  /** Empty where there is none. */
  readonly namespace: string;
  readonly name: string;
}

function keyOf(object: unknown): Key | undefined {
  const metadata = field(object, 'metadata');
  const name = text(field(metadata, 'name'));
  return name === undefined ? undefined : { namespace: text(field(metadata, 'namespace')) ?? '', name };
}

/** The objects of a list. */
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
