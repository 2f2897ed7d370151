/** Stores each node's last two samples, and serves the usages between them. The write side (nodeupdate.ts) and the read side (usagereader.ts) meet here. */
import { containersOf, type NodeBatch } from '../sample/batch.ts';
import type { ClockStep } from '../sample/clockstep.ts';
import { type UsageOrReason, isOtherNode, type PodUsage, type Usage } from '../sample/point.ts';
import type { Bindings } from './placement.ts';
import type { NodeState } from './nodestate.ts';
import { createNodeTable, type NodeTable } from './nodetable.ts';
import { updateNode } from './nodeupdate.ts';
import type { PodIdentity } from './podindex.ts';
import { isVerifiedContainer, matchPods, verifiedNodeOf } from './podmatch.ts';
import { limitsOf, type UpdateOptions } from './scrapeupdate.ts';
import type { Snapshot } from './snapshot.ts';
import { withinLimits } from './snapshotlimits.ts';
import { fromNodeState, isInRows, type StoredNode, toNodeState } from './storednode.ts';
import { createUsageReader } from './usagereader.ts';

export interface StorageOptions extends UpdateOptions {
  /** Returns a node's metadata.uid; undefined if unknown. */
  readonly nodeUid?: (node: string) => string | undefined;
}

/** What a scrape has changed, for the scheduler. */
export interface StoreResult {
  /** First samples, of containers and the machine: without a second one they have no rate. */
  readonly waiting: number;
  /** The longest interval between the node's samples in milliseconds; 0 until it is known. */
  readonly spacingMs: number;
}

export interface Storage extends Bindings {
  /**
   * Stores a scrape in place of the node's previous one. A pod that it does not report keeps its last usage until that is stale.
   * @param step of the node's clock since its previous scrape; no rate is counted over it.
   */
  store(batch: NodeBatch, step?: ClockStep): StoreResult;
  /** Drops a node that has left the cluster. */
  forget(node: string): void;
  /** Drops a stored node of that name with another UID, also one from a snapshot. */
  keepOnly(node: string, uid: string | undefined): void;
  nodeUsage(node: string): UsageOrReason<Usage>;
  podUsage(pod: PodIdentity): UsageOrReason<PodUsage>;
  /** Reports whether a node has reported the pod, even if it has no usage. */
  isReported(pod: PodIdentity): boolean;
  /** Reports whether there ever was a usage. */
  hasUsage(): boolean;
  /** Returns all that is stored, for a snapshot. */
  states(): Iterable<readonly [node: string, state: NodeState]>;
  /** Stores a snapshot's nodes, except those that were scraped since. */
  restore(nodes: Snapshot['nodes']): void;
  /** Counts nodes and containers that have samples. */
  counts(): { readonly nodes: number; readonly containers: number };
  /** Counts pods on the fast path; 0 if that is off. For tests. */
  podsInRows(): number;
}

export function createStorage(options: StorageOptions): Storage {
  const { clock, nodeUid = () => undefined, fastPath = true } = options;
  const table = createNodeTable();
  const reader = createUsageReader(table, options);
  /** Restored nodes whose capacity may have been unknown. */
  const unchecked = new Set<string>();
  let usageSeen = false;

  return {
    store,
    forget,
    keepOnly,
    nodeUsage: reader.nodeUsage,
    podUsage: reader.podUsage,
    isReported: reader.isReported,
    hasUsage: () => usageSeen,
    ...bindingsOf(table),
    states,
    restore,
    counts: () => countsOf(table),
    podsInRows: () => table.nodes.values().reduce((sum, { pods }) => sum + pods.filter(isInRows).length, 0),
  };

  function store(batch: NodeBatch, step?: ClockStep): StoreResult {
    const uid = nodeUid(batch.node);
    keepOnly(batch.node, uid);
    const { node, first } = updateNode(table, batch, uid, options, step);
    usageSeen ||= reader.hasUsage(node);
    return { waiting: first, spacingMs: node.spacingMs };
  }

  function forget(name: string): void {
    table.delete(name);
    unchecked.delete(name);
  }

  function keepOnly(name: string, uid: string | undefined): void {
    if (isOtherNode(table.nodes.get(name)?.uid, uid)) table.delete(name);
    const restored = table.nodes.get(name);
    // Usually the capacity was unknown when the snapshot was read.
    if (unchecked.delete(name) && restored !== undefined) restoreNode(name, toNodeState(restored));
  }

  function restoreNode(name: string, state: NodeState): StoredNode {
    const limits = limitsOf(name, undefined, clock.monotonicMs(), options);
    const node = fromNodeState(name, withinLimits(name, state, limits, options.onImplausible), fastPath);
    table.set(node);
    return node;
  }

  function restore(saved: Snapshot['nodes']): void {
    for (const [name, state] of saved) {
      if (table.nodes.has(name) || isOtherNode(state.uid, nodeUid(name))) continue;
      const node = restoreNode(name, state);
      unchecked.add(name);
      // It may be too old to be served.
      usageSeen ||= reader.hasUsage(node);
    }
  }

  function* states(): Generator<readonly [string, NodeState]> {
    for (const [name, node] of table.nodes) yield [name, toNodeState(node)];
  }
}

function bindingsOf({ index }: NodeTable): Bindings {
  return {
    verifiedNode: ({ namespace, name, uid }) => verifiedNodeOf(index.named(namespace, name), uid),
    isConflict: (pod) => matchPods(index.named(pod.namespace, pod.name), pod).isConflict,
    hasContainer: (node, { namespace, name, uid }, containerId) =>
      isVerifiedContainer(index.named(namespace, name), node, uid, containerId),
  };
}

function countsOf({ nodes }: NodeTable): ReturnType<Storage['counts']> {
  let containers = 0;
  for (const { layout, unreported } of nodes.values()) {
    containers += containersOf(layout);
    for (const pod of unreported) containers += pod.layout.containers.length;
  }
  return { nodes: nodes.size, containers };
}
