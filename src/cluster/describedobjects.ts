/** Finds names of objects by labels: pods and nodes from memory, others by a watch of their metadata that starts when it is needed. */
import { untilAborted, whenAborted } from '../abort.ts';
import type { LabelSelector, Labels } from '../apimachinery/labels.ts';
import { fullName, StatusError } from '../apimachinery/status.ts';
import { createInformer, type Informer } from '../client/informer.ts';
import { field, textMap } from '../client/json.ts';
import { objectMeta } from '../client/kubernetesmessages.ts';
import { protobufType } from '../client/protobufreader.ts';
import type { RestClient } from '../client/rest.ts';
import type { Clock } from '../clock.ts';
import { describeError, type Logger } from '../logging.ts';
import type { DescribedObjects, DescribedResource } from '../metricsource/described.ts';
import { areEqual, createLabelSets } from './labelsets.ts';
import type { NodeLister } from './nodes.ts';
import type { PodLister } from './pods.ts';

/** Resources that are watched at a time, beside pods and nodes. The one unused for longest is dropped. */
const watchedResourceLimit = 32;
/** Objects per resource: about 60 MB with labels of their own. */
const watchedObjectLimit = 200_000;
/** Bytes of the labels of one resource's objects, as if none were equal. etcd limits them by 1.5 MB per object. */
const watchedLabelBytesLimit = 128 * 1024 * 1024;
/** Bytes of a label beside its text. */
const labelBytes = 40;
/** Milliseconds without a request until a watch ends. An HPA asks every 15 s. */
export const idleWatchMs = 3_600_000;
/** Milliseconds that a request waits for the first list. */
const firstListMs = 10_000;

export interface WatchedObjects extends DescribedObjects {
  /** Returns the paths of the resources that are watched. */
  watched(): readonly string[];
  /** Ends all watches when the signal aborts; then resolves. */
  run(signal: AbortSignal): Promise<void>;
}

export interface DescribedObjectsOptions {
  readonly rest: RestClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pods: Pick<PodLister, 'synced' | 'list'>;
  readonly nodes: Pick<NodeLister, 'synced' | 'list'>;
  /** For tests. */
  readonly labelBytesLimit?: number;
}

export function createDescribedObjects(options: DescribedObjectsOptions): WatchedObjects {
  return new MetadataWatches(options);
}

interface Watched {
  readonly informer: Informer<Labels>;
  readonly end: AbortController;
  readonly running: Promise<void>;
  /** Resolves when the first list is complete or has failed. */
  readonly tried: Promise<void>;
  /** Undefined once a list is complete. */
  failure: unknown;
  usedMs: number;
  /** Returns which limit the objects are above. */
  readonly excess: () => string | undefined;
}

class MetadataWatches implements WatchedObjects {
  readonly #options: DescribedObjectsOptions;
  /** By path, least recently used first. */
  readonly #watched = new Map<string, Watched>();

  constructor(options: DescribedObjectsOptions) {
    this.#options = options;
  }

  async names(
    resource: DescribedResource,
    namespace: string,
    selector: LabelSelector,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const { pods, nodes } = this.#options;
    if (resource.group === '' && resource.resource === 'pods') {
      if (!pods.synced()) throw cannotList(resource, new Error('the list of pods is not complete yet'));
      return matching(pods.list(namespace), selector);
    }
    if (resource.group === '' && resource.resource === 'nodes') {
      if (!nodes.synced()) throw cannotList(resource, new Error('the list of nodes is not complete yet'));
      return matching(nodes.list(), selector);
    }
    const within = await this.#objects(resource, namespace, signal);
    const found: string[] = [];
    for (const [name, labels] of within) if (selector.matches(labels)) found.push(name);
    return found.sort();
  }

  watched(): readonly string[] {
    return [...this.#watched.keys()];
  }

  async run(signal: AbortSignal): Promise<void> {
    await whenAborted(signal);
    const all = [...this.#watched.values()];
    for (const { end } of all) end.abort(signal.reason);
    this.#watched.clear();
    await Promise.all(all.map(({ running }) => running));
  }

  async #objects(
    resource: DescribedResource,
    namespace: string,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Labels>> {
    const path = pathOf(resource);
    const watched = this.#watched.get(path) ?? this.#watch(path);
    watched.usedMs = this.#options.clock.monotonicMs();
    this.#watched.delete(path);
    this.#watched.set(path, watched);
    this.#evict();
    if (!watched.informer.synced() && watched.failure === undefined) {
      const late = AbortSignal.any([signal, AbortSignal.timeout(firstListMs)]);
      await untilAborted(watched.tried, late).catch((error: unknown) => {
        throw cannotList(resource, error);
      });
    }
    const excess = watched.excess();
    if (excess !== undefined) throw cannotList(resource, new Error(excess));
    if (!watched.informer.synced()) throw cannotList(resource, watched.failure);
    return watched.informer.within(namespace) ?? new Map();
  }

  #watch(path: string): Watched {
    const { rest, clock, log, labelBytesLimit = watchedLabelBytesLimit } = this.#options;
    const end = new AbortController();
    const tried = Promise.withResolvers<void>();
    const labels = createLabelParser();
    const informer = createInformer({
      rest,
      clock,
      log,
      path,
      accept,
      message: { 1: { name: 'metadata', kind: 'message', message: objectMeta([]) } },
      parse: labels.parse,
      onListed: (error) => {
        watched.failure = error;
        tried.resolve();
      },
    });
    const excess = () => {
      if (informer.size > watchedObjectLimit) return `there are more than ${watchedObjectLimit} objects`;
      return labels.bytes() > labelBytesLimit ? `their labels have more than ${labelBytesLimit} bytes` : undefined;
    };
    informer.onChange(({ type, value }) => {
      if (type === 'delete') labels.deleted(value);
      const reason = end.signal.aborted ? undefined : excess();
      if (reason === undefined) return;
      log.warn({ code: 'TooManyObjects', path, reason }, 'too many objects of a resource to match them by labels');
      end.abort(new Error(reason));
    });
    const running = informer.run(end.signal);
    const watched: Watched = { informer, end, running, tried: tried.promise, failure: undefined, usedMs: 0, excess };
    this.#watched.set(path, watched);
    log.info({ path }, 'watches metadata to match objects of custom metrics');
    return watched;
  }

  /** Ends what was unused for long, and the oldest beyond the limit. */
  #evict(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const [path, { end, usedMs }] of this.#watched) {
      if (this.#watched.size <= watchedResourceLimit && nowMs - usedMs < idleWatchMs) return;
      end.abort(new Error('unused'));
      this.#watched.delete(path);
    }
  }
}

const partial = (kind: string) => `as=${kind};g=meta.k8s.io;v=v1`;
const eitherForm = (kind: string) => `${protobufType};${partial(kind)},application/json;${partial(kind)};q=0.9`;
const accept = { list: eitherForm('PartialObjectMetadataList'), watch: eitherForm('PartialObjectMetadata') };

interface LabelParser {
  /** Returns the labels of an object in place of its current ones; objects with equal labels share them. */
  readonly parse: (object: unknown, current: Labels | undefined) => Labels;
  /** Call it with the labels of an object that has gone. */
  readonly deleted: (labels: Labels) => void;
  /** Of the labels of all objects. */
  readonly bytes: () => number;
}

function createLabelParser(): LabelParser {
  const labelSets = createLabelSets();
  let bytes = 0;
  return {
    parse(object, current) {
      const labels = textMap(field(field(object, 'metadata'), 'labels'));
      if (current !== undefined && areEqual(labels, current)) return current;
      bytes += bytesOf(labels) - (current === undefined ? 0 : bytesOf(current));
      return labelSets.share(labels);
    },
    deleted: (labels) => void (bytes -= bytesOf(labels)),
    bytes: () => bytes,
  };
}

function bytesOf(labels: Labels): number {
  let bytes = 0;
  for (const [key, value] of labels) bytes += labelBytes + key.length + value.length;
  return bytes;
}

function pathOf({ group, version, resource }: DescribedResource): string {
  const parts = group === '' ? ['api', version, resource] : ['apis', group, version, resource];
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

function matching(
  objects: readonly { readonly name: string; readonly labels: Labels }[],
  selector: LabelSelector,
): readonly string[] {
  return objects.filter(({ labels }) => selector.matches(labels)).map(({ name }) => name);
}

/** Uses prometheus-adapter's words. The second cause is the reason. */
function cannotList(resource: DescribedResource, error: unknown): StatusError {
  const message = 'unable to list matching resources';
  const named = fullName(resource);
  const isDenied = error instanceof StatusError && error.code === 403;
  const why = isDenied
    ? `our ServiceAccount may not list ${named}; grant it list and watch`
    : `cannot list ${named}: ${describeError(error)}`;
  return new StatusError('InternalError', `Internal error occurred: ${message}`, {
    cause: error,
    details: { causes: [{ message }, { message: why }] },
  });
}
