/** Keeps what is wanted of every object of one resource in memory: lists, then watches, and never gives up. */
import { StatusError } from '../apimachinery/status.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { field, items, text } from './json.ts';
import type { RestClient } from './rest.ts';
import { MalformedEventError, openWatch } from './watch.ts';

export interface Change<T> {
  readonly type: 'set' | 'delete';
  readonly key: string;
  /** After a deletion, what it was last. */
  readonly value: T;
}

export interface Informer<T> {
  /** Whether everything was seen once; what is there after that may be old, but not incomplete. */
  synced(): boolean;
  /** @param key the object's name, with `namespace/` before it where it has one. */
  get(key: string): T | undefined;
  values(): Iterable<T>;
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
  /** Builds what is kept of an object; undefined if it is of no use. */
  readonly parse: (object: unknown) => T | undefined;
  /** From 0 to below 1. */
  readonly random?: () => number;
}

/** Objects per page: what kubectl and client-go ask for, small enough for every API server. */
const pageSize = 500;
const json = { list: 'application/json', watch: 'application/json' };

export function createInformer<T>(options: InformerOptions<T>): Informer<T> {
  const { rest, clock, log, path, query = {}, accept = json, parse, random = Math.random } = options;
  const objects = new Map<string, T>();
  const listeners: ((change: Change<T>) => void)[] = [];
  let complete = false;
  /** Where the next watch goes on; undefined if only a list can tell. */
  let version: string | undefined;
  /** Rounds since a watch last brought anything. */
  let idleRounds = 0;
  let failing = false;

  return {
    synced: () => complete,
    get: (key) => objects.get(key),
    values: () => objects.values(),
    get size() {
      return objects.size;
    },
    onChange: (listener) => void listeners.push(listener),
    run,
  };

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        version ??= await list(signal);
        await follow(version, signal);
      } catch (error) {
        if (signal.aborted) return;
        // Only a server that is away or busy may still know our version.
        if (!isPassing(error)) version = undefined;
        if (!isGone(error)) fails(error);
      }
      // Always a pause, also after a good end: a server or proxy that ends each watch at once must not be asked in a tight loop.
      await clock.sleep(backoffMs(idleRounds, random()), signal).catch(() => undefined);
      idleRounds += 1;
    }
  }

  /** Reads all pages and returns the version that they show; what was on none of them is gone. */
  async function list(signal: AbortSignal): Promise<string> {
    const seen = new Set<string>();
    let listed: string | undefined;
    let next = '';
    do {
      const page = await rest.get(path, {
        query: { ...query, limit: String(pageSize), ...(next === '' ? {} : { continue: next }) },
        accept: accept.list,
        signal,
      });
      for (const object of items(field(page, 'items'))) {
        const key = set(object);
        if (key !== undefined) seen.add(key);
      }
      const metadata = field(page, 'metadata');
      listed = text(field(metadata, 'resourceVersion'));
      next = text(field(metadata, 'continue')) ?? '';
    } while (next !== '');
    return finish(seen, listed);
  }

  function finish(seen: ReadonlySet<string>, listed: string | undefined): string {
    if (listed === undefined || listed === '')
      throw new Error(`the list of ${path} has no resourceVersion; is this kube-apiserver?`);
    for (const key of objects.keys()) if (!seen.has(key)) remove(key);
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
      if (event.type === 'DELETED') remove(keyOf(event.object));
      else if (event.type !== 'BOOKMARK') set(event.object);
      version = event.resourceVersion;
    }
  }

  function set(object: unknown): string | undefined {
    const key = keyOf(object);
    if (key === undefined) return undefined;
    const value = parse(object);
    if (value === undefined) {
      remove(key);
      return undefined;
    }
    objects.set(key, value);
    for (const listener of listeners) listener({ type: 'set', key, value });
    return key;
  }

  function remove(key: string | undefined): void {
    const value = key === undefined ? undefined : objects.get(key);
    if (key === undefined || value === undefined) return;
    objects.delete(key);
    for (const listener of listeners) listener({ type: 'delete', key, value });
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

/** A watch lasts from five to ten minutes, as client-go's do. */
const watchSeconds = 300;
const backoffFloorMs = 500;
const backoffCeilingMs = 30_000;

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

function keyOf(object: unknown): string | undefined {
  const metadata = field(object, 'metadata');
  const name = text(field(metadata, 'name'));
  const namespace = text(field(metadata, 'namespace'));
  return name === undefined || namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}
