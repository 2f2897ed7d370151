/** A store that has two scrapes of every node of a large cluster, and what its API knows of the pods; no network is involved. */
import type { Clock } from '../../src/clock.ts';
import type { PodInfo } from '../../src/cluster/pods.ts';
import { type NodeBatch, toBatch } from '../../src/sample/batch.ts';
import type { ContainerPoint } from '../../src/sample/point.ts';
import { createStorage, type Storage } from '../../src/storage/storage.ts';
import { hexId, uuid } from '../fakes/kubeletmodel.ts';

export interface FullStore {
  readonly storage: Storage;
  readonly pods: PodReader;
}

interface PodReader {
  get(namespace: string, name: string): PodInfo | undefined;
  list(namespace?: string): readonly PodInfo[];
}

export const podsPerNode = 30;
export const podsPerNamespace = 400;

/** Every pod of a namespace has the label app=web. */
export function fillStore(nodes: number): FullStore {
  const storage = createStorage({ clock: stopped, resolutionMs: spacingMs, stalenessMs: 3 * spacingMs });
  const pods = Array.from({ length: nodes * podsPerNode }, (_, index) => podInfo(index));
  for (let node = 0; node < nodes; node += 1) {
    const own = pods.slice(node * podsPerNode, (node + 1) * podsPerNode);
    storage.store(batchOf(node, own, 0));
    storage.store(batchOf(node, own, 1));
  }
  return { storage, pods: readerOf(pods) };
}

const spacingMs = 15_000;
const startMs = Date.UTC(2026, 0, 1);

/** Nothing becomes stale while it is measured. */
const stopped: Clock = { wallMs: () => startMs, monotonicMs: () => 0, sleep: async () => {} };

/** With labels as a Deployment's pods have them. */
function podInfo(index: number): PodInfo {
  const hash = hexId(`hash ${index}`).slice(0, 10);
  return {
    namespace: `team-${String(Math.floor(index / podsPerNamespace)).padStart(3, '0')}`,
    name: `web-${hash}-${String(index).padStart(6, '0')}`,
    uid: uuid(`pod ${index}`),
    configHash: undefined,
    node: `node-${Math.floor(index / podsPerNode)}`,
    createdSeconds: Math.trunc(startMs / 1000) - 3_600,
    endedContainers: '',
    hostNetwork: false,
    labels: new Map([
      ['app', 'web'],
      ['app.kubernetes.io/part-of', 'shop'],
      ['pod-template-hash', hash],
      ['version', 'v1'],
    ]),
  };
}

function batchOf(node: number, pods: readonly PodInfo[], tick: number): NodeBatch {
  const timestampMs = startMs + tick * spacingMs;
  const point = { timestampMs };
  return toBatch({
    node: `node-${node}`,
    source: 'cadvisor',
    machine: { ...point, cpuSeconds: 1_000 + tick * 60, memoryBytes: 20 * 1024 ** 3 },
    hasSwap: false,
    pods: pods.map(({ namespace, name, uid }, index) => ({
      namespace,
      name,
      uid,
      containers: ['app', 'istio-proxy'].map(
        (container): ContainerPoint => ({
          ...point,
          name: container,
          containerId: hexId(`${uid} ${container}`),
          startTimeMs: startMs - 3_600_000,
          cpuSeconds: 12.5 + index + tick * (0.123457 + index / 100),
          memoryBytes: (64 + index) * 1024 ** 2 + index * 4096,
        }),
      ),
    })),
  });
}

function readerOf(pods: readonly PodInfo[]): PodReader {
  const sorted = pods.toSorted((a, b) => (a.namespace + a.name < b.namespace + b.name ? -1 : 1));
  const namespaces = Map.groupBy(sorted, ({ namespace }) => namespace);
  const byName = new Map(pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
  return {
    get: (namespace, name) => byName.get(`${namespace}/${name}`),
    list: (namespace) => (namespace === undefined ? sorted : (namespaces.get(namespace) ?? [])),
  };
}
