/** The cluster's running pods, as far as their metadata tells; which node a pod is on is learned from that node. */
import type { Labels } from '../apimachinery/labels.ts';
import type { Clock } from '../clock.ts';
import { createInformer } from '../client/informer.ts';
import { field, text, textMap } from '../client/json.ts';
import { objectMeta } from '../client/messages.ts';
import { type Message, protobufType } from '../client/protobuf.ts';
import type { RestClient } from '../client/rest.ts';
import type { Logger } from '../logging.ts';
import { areEqual, createLabelSets } from './labelsets.ts';
import { createSortedList, type SortedList } from './sortedlist.ts';

/** The same object until something of it changes. */
export interface PodInfo {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** The same object for all pods whose labels are equal. */
  readonly labels: Labels;
  /** The annotation kubernetes.io/config.hash: what kubelets call a static pod instead of its UID. */
  readonly configHash: string | undefined;
}

export interface PodLister {
  /** Whether all running pods were seen once. */
  synced(): boolean;
  get(namespace: string, name: string): PodInfo | undefined;
  /** Sorted by namespace, then name; of all namespaces if none is given. */
  list(namespace?: string): readonly PodInfo[];
  /** All in no order, without making a list; goes on over changes that are made meanwhile. */
  values(): IterableIterator<PodInfo>;
}

export interface Pods extends PodLister {
  /** Calls the listener with each pod that is new or has changed. */
  onSet(listener: (pod: PodInfo) => void): void;
  /** Follows the cluster until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface PodsOptions {
  readonly rest: RestClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Metadata only: half the bytes of whole pods, and no specs to parse. In protobuf, what is not kept of it costs next to nothing, where JSON.parse
 * would make objects of it; every kube-apiserver knows that, but what stands between it and us may not.
 */
const accept = {
  list: acceptedAs('PartialObjectMetadataList'),
  watch: acceptedAs('PartialObjectMetadata'),
};

function acceptedAs(kind: string): string {
  const as = `as=${kind};v=v1;g=meta.k8s.io`;
  return `${protobufType};${as},application/json;${as};q=0.9`;
}

const configHash = 'kubernetes.io/config.hash';

/** What is read of a PartialObjectMetadata in protobuf. */
const message: Message = { 1: { name: 'metadata', kind: 'message', message: objectMeta([configHash]) } };

export function createPods({ rest, clock, log }: PodsOptions): Pods {
  // Metadata does not tell the phase, so the server has to select; it reports a pod that leaves the phase as deleted.
  const query = { fieldSelector: 'status.phase=Running' };
  const labelSets = createLabelSets();
  const informer = createInformer({ rest, clock, log, path: '/api/v1/pods', query, accept, message, parse });
  /** Of the namespaces that somebody has asked for. */
  const sortedByNamespace = new Map<string, SortedList<PodInfo>>();
  let sorted: readonly PodInfo[] | undefined;
  informer.onChange(({ value: { namespace, name } }) => {
    sorted = undefined;
    sortedByNamespace.get(namespace)?.changed(name);
    if (informer.within(namespace) === undefined) sortedByNamespace.delete(namespace);
  });
  return {
    synced: () => informer.synced(),
    onSet: (listener) =>
      informer.onChange(({ type, value }) => {
        if (type === 'set') listener(value);
      }),
    get: (namespace, name) => informer.get(name, namespace),
    list: (namespace) => (namespace === undefined ? listAll() : listWithin(namespace)),
    values: () => informer.values(),
    run: (signal) => informer.run(signal),
  };

  function listWithin(namespace: string): readonly PodInfo[] {
    if (informer.within(namespace) === undefined) return [];
    const held = sortedByNamespace.get(namespace);
    if (held !== undefined) return held.list();
    const created = createSortedList(() => informer.within(namespace));
    sortedByNamespace.set(namespace, created);
    return created.list();
  }

  function listAll(): readonly PodInfo[] {
    // Only namespaces that changed are merged again: of 150,000 pods some start or stop every second.
    sorted ??= [...informer.namespaces()].sort().flatMap(listWithin);
    return sorted;
  }

  function parse(object: unknown, held: PodInfo | undefined): PodInfo | undefined {
    const metadata = field(object, 'metadata');
    const namespace = text(field(metadata, 'namespace'));
    const name = text(field(metadata, 'name'));
    const uid = text(field(metadata, 'uid'));
    if (namespace === undefined || name === undefined || uid === undefined) return undefined;
    const labels = textMap(field(metadata, 'labels'));
    const hash = textMap(field(metadata, 'annotations')).get(configHash);
    // Most changes of a pod are of its status, and nothing to us.
    if (held?.uid === uid && held.configHash === hash && areEqual(held.labels, labels)) return held;
    return { namespace, name, uid, labels: labelSets.share(labels), configHash: hash };
  }
}
