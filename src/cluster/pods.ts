/** The cluster's running pods. */
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
import { createPodLists, type PodPages } from './podlists.ts';
import { createSharedStrings } from './sharedstrings.ts';

/** The same object until one of its fields changes. */
export interface PodInfo {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Shared by pods with equal labels. */
  readonly labels: Labels;
  /** The annotation kubernetes.io/config.hash, a static pod's UID in kubelets. */
  readonly configHash: string | undefined;
  /** Pods of a node share the string. Undefined before the pod is bound. */
  readonly node: string | undefined;
  /** Since the epoch. */
  readonly createdSeconds: number | undefined;
  /** See endedContainers; equal ones are the same string. */
  readonly endedContainers: string;
  /** Whether its network is the node's (spec.hostNetwork). */
  readonly hostNetwork: boolean;
}

export interface PodLister {
  /** Reports whether the first list is complete. */
  synced(): boolean;
  get(namespace: string, name: string): PodInfo | undefined;
  /** Sorted by namespace, then name. */
  list(namespace?: string): readonly PodInfo[];
  /** The same pods from any position on. */
  readonly pages: PodPages<PodInfo>;
  /** In no order, without allocating; pods may change meanwhile. */
  values(): IterableIterator<PodInfo>;
}

export interface Pods extends PodLister {
  onSet(listener: (pod: PodInfo) => void): void;
  /** Calls the listener with the node of each changed pod, also of new and deleted ones. */
  onNodeChange(listener: (node: string) => void): void;
  /** Calls the listener with each pod that was deleted or has ended. */
  onGone(listener: (pod: PodInfo) => void): void;
  /** Reports whether a container of the pod ended for good; undefined for an unknown pod. */
  hasEnded(
    pod: Pick<PodInfo, 'namespace' | 'name'> & { readonly uid: string | undefined },
    container: string,
  ): boolean | undefined;
  run(signal: AbortSignal): Promise<void>;
}

export interface PodsOptions {
  readonly rest: RestClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Whole pods, since metadata has no node. kube-apiserver shares an event's protobuf among watches. JSON is for proxies
 * before kube-apiserver without protobuf.
 */
const accept = { list: `${protobufType},application/json;q=0.9`, watch: `${protobufType},application/json;q=0.9` };

const configHash = 'kubernetes.io/config.hash';

const ownSpecFields: Message = { 10: { name: 'nodeName', kind: 'word' }, 11: { name: 'hostNetwork', kind: 'integer' } };

/** Field numbers are those of k8s.io/api's core/v1/generated.proto. */
const message: Message = {
  1: { name: 'metadata', kind: 'message', message: { ...objectMeta([configHash]), 8: creationTimestamp } },
  2: { name: 'spec', kind: 'message', message: { ...specFields, ...ownSpecFields } },
  3: statusField,
};

/** Node names and ended containers; a cluster has 5,000 nodes at most. */
const sharedStringLimit = 20_000;

export function createPods({ rest, clock, log }: PodsOptions): Pods {
  // Filtered by the server, so ended pods cost nothing; a pod that ends comes as deleted.
  const query = { fieldSelector: 'status.phase=Running' };
  const nodeListeners: ((node: string) => void)[] = [];
  const parse = createPodParser(notifyNode);
  const informer = createInformer({ rest, clock, log, path: '/api/v1/pods', query, accept, message, parse });
  const lists = createPodLists(informer);
  informer.onChange(({ value }) => {
    notifyNode(value.node);
    lists.changed(value);
  });
  return {
    synced: () => informer.synced(),
    onSet: (listener) =>
      informer.onChange(({ type, value }) => {
        if (type === 'set') listener(value);
      }),
    onGone: (listener) =>
      informer.onChange(({ type, value }) => {
        if (type === 'delete') listener(value);
      }),
    onNodeChange: (listener) => void nodeListeners.push(listener),
    hasEnded,
    get: (namespace, name) => informer.get(name, namespace),
    list: lists.list,
    pages: lists,
    values: () => informer.values(),
    run: (signal) => informer.run(signal),
  };

  function hasEnded({ namespace, name, uid }: Parameters<Pods['hasEnded']>[0], container: string): boolean | undefined {
    const pod = informer.get(name, namespace);
    if (pod === undefined || uid === undefined || (uid !== pod.uid && uid !== pod.configHash)) return undefined;
    return includesContainer(pod.endedContainers, container);
  }

  function notifyNode(node: string | undefined): void {
    if (node !== undefined) for (const listener of nodeListeners) listener(node);
  }
}

/** Returns a parser that returns the previous object if nothing changed. @param onLeft called with the previous node of a pod re-created elsewhere. */
function createPodParser(
  onLeft: (node: string | undefined) => void,
): (object: unknown, previous: PodInfo | undefined) => PodInfo | undefined {
  const labelSets = createLabelSets();
  const share = createSharedStrings(sharedStringLimit);
  return (object, previous) => {
    const metadata = field(object, 'metadata');
    const namespace = text(field(metadata, 'namespace'));
    const name = text(field(metadata, 'name'));
    const uid = text(field(metadata, 'uid'));
    if (namespace === undefined || name === undefined || uid === undefined) return undefined;
    const labels = textMap(field(metadata, 'labels'));
    const hash = textMap(field(metadata, 'annotations')).get(configHash);
    // In JSON the name of a pod without a node is empty.
    const node = text(field(field(object, 'spec'), 'nodeName')) || undefined;
    const ended = endedContainers(object);
    // A number in protobuf; it never changes.
    const hostNetwork = Boolean(field(field(object, 'spec'), 'hostNetwork'));
    // Most changes are of the rest of the status.
    const isSame =
      previous?.uid === uid &&
      previous.node === node &&
      previous.configHash === hash &&
      previous.endedContainers === ended;
    if (isSame && areEqual(previous.labels, labels)) return previous;
    // Re-created since the last list, without an event for the deletion.
    if (previous?.node !== node) onLeft(previous?.node);
    return {
      namespace,
      name,
      uid,
      labels: labelSets.share(labels),
      configHash: hash,
      node: node === undefined ? undefined : share(node),
      createdSeconds: secondsOf(field(metadata, 'creationTimestamp')),
      endedContainers: share(ended),
      hostNetwork,
    };
  };
}
