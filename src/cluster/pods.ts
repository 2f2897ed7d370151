/** The cluster's running pods: their names, UIDs and labels, and the node that each is bound to. */
import type { Labels } from '../apimachinery/labels.ts';
import type { Clock } from '../clock.ts';
import { createInformer } from '../client/informer.ts';
import { field, text, textMap } from '../client/json.ts';
import { creationTimestamp, objectMeta, secondsOf } from '../client/kubernetesmessages.ts';
import { type Message, protobufType } from '../client/protobufreader.ts';
import type { RestClient } from '../client/rest.ts';
import type { Logger } from '../logging.ts';
import { endedContainers, includesContainer, specFields, statusField } from './endedcontainers.ts';
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
  /** Its spec.nodeName, which never changes; the same string for all pods of a node. Undefined where the API does not name it. */
  readonly node: string | undefined;
  /** Its creationTimestamp in whole seconds since the epoch. */
  readonly createdSeconds: number | undefined;
  /** See endedContainers; the same string for all pods where it is equal. */
  readonly endedContainers: string;
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
  /** Calls the listener with the node of each pod that comes, goes or changes. */
  onNodeChange(listener: (node: string) => void): void;
  /** Reports whether a container of the running pod has ended for good; undefined if the API does not know the pod. */
  hasEnded(
    pod: Pick<PodInfo, 'namespace' | 'name'> & { readonly uid: string | undefined },
    container: string,
  ): boolean | undefined;
  /** Follows the cluster until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface PodsOptions {
  readonly rest: RestClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Whole pods, since metadata does not name the node. In protobuf, what is not kept costs its length only, and kube-apiserver shares the bytes of
 * an event with all its other watches of pods. Every kube-apiserver knows protobuf; what stands between it and us may not.
 */
const accept = { list: `${protobufType},application/json;q=0.9`, watch: `${protobufType},application/json;q=0.9` };

const configHash = 'kubernetes.io/config.hash';

/** What is read of a Pod in protobuf; field numbers are those of k8s.io/api's core/v1/generated.proto. */
const message: Message = {
  1: { name: 'metadata', kind: 'message', message: { ...objectMeta([configHash]), 8: creationTimestamp } },
  2: { name: 'spec', kind: 'message', message: { ...specFields, 10: { name: 'nodeName', kind: 'word' } } },
  3: statusField,
};

/** Names of nodes and of ended containers that pods share; a cluster has 5,000 nodes at most. Beyond this all are dropped. */
const sharedTextLimit = 20_000;

export function createPods({ rest, clock, log }: PodsOptions): Pods {
  // The server selects, so that pods that have ended cost nothing; it reports a pod that leaves the phase as deleted.
  const query = { fieldSelector: 'status.phase=Running' };
  const labelSets = createLabelSets();
  const sharedTexts = new Map<string, string>();
  const informer = createInformer({ rest, clock, log, path: '/api/v1/pods', query, accept, message, parse });
  /** Of the namespaces that somebody has asked for. */
  const sortedByNamespace = new Map<string, SortedList<PodInfo>>();
  let sorted: readonly PodInfo[] | undefined;
  const nodeListeners: ((node: string) => void)[] = [];
  informer.onChange(({ value: { namespace, name, node } }) => {
    tellOfNode(node);
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
    onNodeChange: (listener) => void nodeListeners.push(listener),
    hasEnded,
    get: (namespace, name) => informer.get(name, namespace),
    list: (namespace) => (namespace === undefined ? listAll() : listWithin(namespace)),
    values: () => informer.values(),
    run: (signal) => informer.run(signal),
  };

  function hasEnded({ namespace, name, uid }: Parameters<Pods['hasEnded']>[0], container: string): boolean | undefined {
    const pod = informer.get(name, namespace);
    if (pod === undefined || uid === undefined || (uid !== pod.uid && uid !== pod.configHash)) return undefined;
    return includesContainer(pod.endedContainers, container);
  }

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
    // kube-apiserver writes an empty name in JSON, too, where a pod was never bound.
    const node = text(field(field(object, 'spec'), 'nodeName')) || undefined;
    const ended = endedContainers(object);
    // Most changes of a pod are of the rest of its status.
    const isSame =
      held?.uid === uid && held.node === node && held.configHash === hash && held.endedContainers === ended;
    if (isSame && areEqual(held.labels, labels)) return held;
    // One that was made anew under its name since the last list: nothing else says that the one before is gone.
    if (held?.node !== node) tellOfNode(held?.node);
    return {
      namespace,
      name,
      uid,
      labels: labelSets.share(labels),
      configHash: hash,
      node: node === undefined ? undefined : share(node),
      createdSeconds: secondsOf(field(metadata, 'creationTimestamp')),
      endedContainers: share(ended),
    };
  }

  function tellOfNode(node: string | undefined): void {
    if (node !== undefined) for (const listener of nodeListeners) listener(node);
  }

  function share(value: string): string {
    const shared = sharedTexts.get(value);
    if (shared !== undefined) return shared;
    if (sharedTexts.size >= sharedTextLimit) sharedTexts.clear();
    sharedTexts.set(value, value);
    return value;
  }
}
