/** Stores each node's last two samples (nodeupdate.ts) and serves their usages (usagereader.ts). */
import { containersOf, type NodeBatch } from '../sample/batch.ts';
import type { ResponseTimes } from '../sample/clockstep.ts';
import { type UsageOrReason, isOtherNode, type PodUsage, type Usage } from '../sample/point.ts';
import { type CurrentSamples, currentSamples } from './currentsamples.ts';
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
import { createWarmUp } from './warmup.ts';

export interface StorageOptions extends UpdateOptions {
  /** Returns undefined if unknown. */
  readonly nodeUid?: (node: string) => string | undefined;
}

/** The changes of a scrape that the scheduler needs. */
export interface StoreResult {
  /** First samples. */
  readonly waiting: number;
  /** Longest between the node's samples, in milliseconds; 0 until known. */
  readonly spacingMs: number;
  /** The node's clock was set since its previous batch. */
  readonly hasStepped: boolean;
}

export interface Storage extends Bindings {
  /**
   * Replaces the node's scrape. An unreported pod keeps its last usage until it is stale.
   * @param times show steps of the node's clock, over which no rate is counted; undefined shows none.
   */
  store(batch: NodeBatch, times?: ResponseTimes): StoreResult;
  /** For a node that has left the cluster. */
  forget(node: string): void;
  /** Drops the node if it has another UID, also from a snapshot. */
  keepOnly(node: string, uid: string | undefined): void;
  nodeUsage(node: string): UsageOrReason<Usage>;
  podUsage(pod: PodIdentity): UsageOrReason<PodUsage>;
  /** Returns undefined for a node that is not stored. Valid until its next scrape is stored. */
  currentSamples(node: string): CurrentSamples | undefined;
  /** Also for a pod without a usage. */
  isReported(pod: PodIdentity): boolean;
  /**
   * Reports whether there was a usage, and each node that was scraped had one of all its pods, except new ones. Once
   * true, it stays.
   */
  isWarm(): boolean;
  states(): Iterable<readonly [node: string, state: NodeState]>;
  /** Skips nodes that were scraped since. */
  restore(nodes: Snapshot['nodes']): void;
  counts(): { readonly nodes: number; readonly containers: number };
  /** On the fast path; for tests. */
  podsInRows(): number;
}

export function createStorage(options: StorageOptions): Storage {
  const { clock, nodeUid = () => undefined, fastPath = true } = options;
  const table = createNodeTable();
  const reader = createUsageReader(table, options);
  const unchecked = new Set<string>();
  const warmUp = createWarmUp({ clock, resolutionMs: options.resolutionMs, reader });

  return {
    store,
    forget,
    keepOnly,
    nodeUsage: reader.nodeUsage,
    podUsage: reader.podUsage,
    currentSamples: samplesOf,
    isReported: reader.isReported,
    isWarm: warmUp.isOver,
    ...bindingsOf(table),
    states,
    restore,
    counts: () => countsOf(table),
    podsInRows: () => table.nodes.values().reduce((sum, { pods }) => sum + pods.filter(isInRows).length, 0),
  };

  function store(batch: NodeBatch, times?: ResponseTimes): StoreResult {
    const uid = nodeUid(batch.node);
    keepOnly(batch.node, uid);
    const { node, first, hasStepped } = updateNode(table, batch, uid, options, times);
    warmUp.scraped(node);
    return { waiting: first, spacingMs: node.spacingMs, hasStepped };
  }

  function samplesOf(name: string): CurrentSamples | undefined {
    const node = table.nodes.get(name);
    return node && currentSamples(node);
  }

  function forget(name: string): void {
    table.delete(name);
    unchecked.delete(name);
    warmUp.forget(name);
  }

  function keepOnly(name: string, uid: string | undefined): void {
    if (isOtherNode(table.nodes.get(name)?.uid, uid)) table.delete(name);
    const restored = table.nodes.get(name);
    // The capacity may have been unknown until now.
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
      warmUp.restored(node);
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
