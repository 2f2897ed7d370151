/** The cluster's running pods, as far as their metadata tells; which node a pod is on is learned from that node. */
import type { Labels } from '../apimachinery/labels.ts';
import type { Clock } from '../clock.ts';
import { createInformer } from '../client/informer.ts';
import { field, text, textMap } from '../client/json.ts';
import type { RestClient } from '../client/rest.ts';
import type { Logger } from '../logging.ts';

export interface PodInfo {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
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
}

export interface Pods extends PodLister {
  /** Follows the cluster until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface PodsOptions {
  readonly rest: RestClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Metadata only: half the bytes of whole pods, and no specs to parse. */
const accept = {
  list: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  watch: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
};

export function createPods({ rest, clock, log }: PodsOptions): Pods {
  // Metadata does not tell the phase, so the server has to select; it reports a pod that leaves the phase as deleted.
  const query = { fieldSelector: 'status.phase=Running' };
  const informer = createInformer({ rest, clock, log, path: '/api/v1/pods', query, accept, parse: parsePod });
  const namespaces = new Map<string, Namespace>();
  let sorted: readonly PodInfo[] | undefined;
  informer.onChange(({ type, value }) => {
    if (type === 'set') put(value);
    else drop(value);
    sorted = undefined;
  });
  return {
    synced: () => informer.synced(),
    get: (namespace, name) => namespaces.get(namespace)?.pods.get(name),
    list,
    run: (signal) => informer.run(signal),
  };

  function put(pod: PodInfo): void {
    const held = namespaces.get(pod.namespace);
    if (held === undefined) {
      namespaces.set(pod.namespace, { pods: new Map([[pod.name, pod]]), sorted: undefined });
      return;
    }
    held.pods.set(pod.name, pod);
    held.sorted = undefined;
  }

  function drop(pod: PodInfo): void {
    const held = namespaces.get(pod.namespace);
    if (held === undefined) return;
    held.pods.delete(pod.name);
    held.sorted = undefined;
    if (held.pods.size === 0) namespaces.delete(pod.namespace);
  }

  function list(namespace?: string): readonly PodInfo[] {
    if (namespace !== undefined) return sortedPods(namespaces.get(namespace));
    // Only namespaces that changed are sorted again: of 150,000 pods some start or stop every second.
    sorted ??= [...namespaces.keys()].sort().flatMap((name) => sortedPods(namespaces.get(name)));
    return sorted;
  }
}

interface Namespace {
  readonly pods: Map<string, PodInfo>;
  /** By name; undefined after a change. */
  sorted: readonly PodInfo[] | undefined;
}

function sortedPods(namespace: Namespace | undefined): readonly PodInfo[] {
  if (namespace === undefined) return [];
  namespace.sorted ??= [...namespace.pods.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return namespace.sorted;
}

function parsePod(object: unknown): PodInfo | undefined {
  const metadata = field(object, 'metadata');
  const namespace = text(field(metadata, 'namespace'));
  const name = text(field(metadata, 'name'));
  const uid = text(field(metadata, 'uid'));
  if (namespace === undefined || name === undefined || uid === undefined) return undefined;
  return {
    namespace,
    name,
    uid,
    labels: textMap(field(metadata, 'labels')),
    configHash: text(field(field(metadata, 'annotations'), 'kubernetes.io/config.hash')),
  };
}
