/** Where the write side and the read side meet: the last two samples of everything, and the usage that follows from them. */
import type { Clock } from '../clock.ts';
import { type NodeBatch, toPoints } from '../batch.ts';
import type { Answer, ContainerPoint, NodePoints, PodBatch, PodUsage, Usage } from '../point.ts';
import { countFirst, type HeldNode, type HeldPod, isSamePod, keyOf, spacingOf } from './held.ts';
import { keepServed, readServed, type Staleness } from './served.ts';
import { advanceServed, readServedPod } from './servedpod.ts';
import type { Snapshot } from './snapshot.ts';
import { advanceContainer, advanceMachine, type Held, usageOf } from './window.ts';

export interface StorageOptions {
  readonly clock: Clock;
  /** Distance of two scrapes of a node in milliseconds. */
  readonly resolutionMs: number;
  /** How long a usage is good in milliseconds, and longer on nodes that sample slowly. */
  readonly stalenessMs: number;
}

/** What a scrape has changed, for whoever plans the next one. */
export interface Stored {
  /** How many containers, and the machine, had their first sample now: without a second one they have no rate. */
  readonly waiting: number;
  /** How far apart the node's samples are in milliseconds; 0 as long as nobody knows. */
  readonly spacingMs: number;
}

/** What the API knows of a pod that tells which stored one it is. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Annotation kubernetes.io/config.hash: the cgroups of a static pod carry it instead of the UID. */
  readonly configHash: string | undefined;
}

export interface Storage {
  /** Publishes a scrape: replaces what its node told before. A pod that it does not mention keeps its last usage until that is stale. */
  store(batch: NodeBatch): Stored;
  /** Drops all that a node told; for nodes that left the cluster. */
  forget(node: string): void;
  nodeUsage(node: string): Answer<Usage>;
  podUsage(pod: PodIdentity): Answer<PodUsage>;
  /** Whether any usage was ever there; once true it stays so. */
  hasUsage(): boolean;
  /** All that is held, for a snapshot. */
  held(): Iterable<readonly [node: string, held: HeldNode]>;
  /** Takes in what a snapshot held of nodes that have not told anything yet. */
  restore(nodes: Snapshot['nodes']): void;
  /** How many nodes and containers have samples. */
  counts(): { readonly nodes: number; readonly containers: number };
}

export function createStorage({ clock, resolutionMs, stalenessMs }: StorageOptions): Storage {
  const nodes = new Map<string, HeldNode>();
  /** By namespace/name. Several where a pod was made anew under its name, or two nodes report it. */
  const podsByName = new Map<string, Set<HeldPod>>();
  let usageSeen = false;

  return { store, forget, nodeUsage, podUsage, hasUsage: () => usageSeen, held: () => nodes, restore, counts };

  function store(packed: NodeBatch): Stored {
    const batch = toPoints(packed);
    const before = nodes.get(batch.node);
    const nowMs = clock.monotonicMs();
    // Older kubelets tell of swap only while some is in use.
    const hasSwap = batch.hasSwap ?? before?.hasSwap ?? false;
    const pods = new Map<string, HeldPod>();
    for (const pod of batch.pods) pods.set(keyOf(pod), advancePod(before, batch, pod, hasSwap, nowMs));
    const machine = batch.machine === undefined ? before?.machine : advanceMachine(before?.machine, batch.machine);
    const spacingMs = spacingOf(before, { machine, pods, storedMs: nowMs }, resolutionMs);
    for (const [key, pod] of before?.pods ?? []) {
      unindex(pod);
      if (!pods.has(key) && outlivesSilence(pod, nowMs, spacingMs)) pods.set(key, pod);
    }
    const served = keepServed(before?.served, machine === undefined ? neverScraped : usageOf(machine, hasSwap), nowMs);
    hold(batch.node, { source: batch.source, machine, hasSwap, served, pods, spacingMs, storedMs: nowMs });
    return { waiting: countFirst(before, { machine, pods }), spacingMs };
  }

  function hold(name: string, node: HeldNode): void {
    nodes.set(name, node);
    for (const pod of node.pods.values()) index(pod);
    // What was restored may be too old to be served, and then nothing was ever there.
    const staleness = stalenessOf(node);
    const nowMs = clock.monotonicMs();
    usageSeen ||=
      readServed(node.served, nowMs, staleness).kind === 'ready' ||
      node.pods.values().some((pod) => readServedPod(pod.served, nowMs, staleness).kind === 'ready');
  }

  function restore(saved: Snapshot['nodes']): void {
    for (const [name, node] of saved) if (!nodes.has(name)) hold(name, node);
  }

  function advancePod(
    before: HeldNode | undefined,
    { node, source }: NodePoints,
    batch: PodBatch,
    hasSwap: boolean,
    nowMs: number,
  ): HeldPod {
    const name = `${batch.namespace}/${batch.name}`;
    const held = before?.pods.get(keyOf(batch)) ?? sameNameWithoutUid(node, name, batch.uid);
    // What runs when a node, or an endpoint of it, is first seen may be old, whatever the start time says: cAdvisor's moves forward at times.
    const youngerThanMs = before?.source === source ? newContainerMs : 0;
    const containers = new Map<string, Held<ContainerPoint>>();
    for (const point of batch.containers) {
      containers.set(point.name, advanceContainer(held?.containers.get(point.name), point, youngerThanMs));
    }
    const kept = held !== undefined && isSamePod(held, batch) ? held.served : undefined;
    const served = advanceServed(kept, containers, { hasSwap, nowMs, ...stalenessOf(before) });
    return { node, name, uid: batch.uid, containers, served };
  }

  /** A pod whose UID was not known a moment ago, or is not known now. */
  function sameNameWithoutUid(node: string, name: string, uid: string | undefined): HeldPod | undefined {
    return podsByName
      .get(name)
      ?.values()
      .find((pod) => pod.node === node && (pod.uid === undefined || uid === undefined));
  }

  /** A kubelet that just started has no samples yet for pods that run on: its silence about a pod is not the pod's end; the API tells that. */
  function outlivesSilence(pod: HeldPod, nowMs: number, spacingMs: number): boolean {
    // Without a UID, what is under this name by now may be another pod.
    return (
      pod.uid !== undefined && readServedPod(pod.served, nowMs, { atLeastMs: stalenessMs, spacingMs }).kind === 'ready'
    );
  }

  function stalenessOf(node: HeldNode | undefined): Staleness {
    return { atLeastMs: stalenessMs, spacingMs: node?.spacingMs ?? 0 };
  }

  function nodeUsage(name: string): Answer<Usage> {
    const node = nodes.get(name);
    if (node === undefined) return neverScraped;
    return toldBy(name, readServed(node.served, clock.monotonicMs(), stalenessOf(node)));
  }

  function podUsage(identity: PodIdentity): Answer<PodUsage> {
    const held = podsByName.get(`${identity.namespace}/${identity.name}`);
    if (held === undefined) return neverScraped;
    const nowMs = clock.monotonicMs();
    let best: Answer<PodUsage> = { kind: 'missing', reason: 'other-uid' };
    for (const pod of matching(held, identity)) {
      const answer = toldBy(pod.node, readServedPod(pod.served, nowMs, stalenessOf(nodes.get(pod.node))));
      if (isBetter(answer, best)) best = answer;
    }
    return best;
  }

  function forget(name: string): void {
    for (const pod of nodes.get(name)?.pods.values() ?? []) unindex(pod);
    nodes.delete(name);
  }

  function counts(): { nodes: number; containers: number } {
    let containers = 0;
    for (const node of nodes.values()) for (const pod of node.pods.values()) containers += pod.containers.size;
    return { nodes: nodes.size, containers };
  }

  function index(pod: HeldPod): void {
    const same = podsByName.get(pod.name);
    if (same === undefined) podsByName.set(pod.name, new Set([pod]));
    else same.add(pod);
  }

  function unindex(pod: HeldPod): void {
    const same = podsByName.get(pod.name);
    same?.delete(pod);
    if (same?.size === 0) podsByName.delete(pod.name);
  }
}

/** A container that is not among those of the scrape before is at most this old, or the kubelet has only now found it. */
const newContainerMs = 60_000;

const neverScraped = { kind: 'missing', reason: 'never-scraped' } as const;

function toldBy<T>(node: string, answer: Answer<T>): Answer<T> {
  return answer.kind === 'ready' ? answer : { ...answer, node };
}

/** Those of the pod's UID. One without a UID counts by its name, unless the pod is known to be on another node. */
function matching(held: ReadonlySet<HeldPod>, { uid, configHash }: PodIdentity): readonly HeldPod[] {
  const exact = [...held].filter((pod) => pod.uid === uid || (pod.uid !== undefined && pod.uid === configHash));
  const named = [...held].filter((pod) => pod.uid === undefined && exact.every(({ node }) => node === pod.node));
  return [...exact, ...named];
}

function isBetter(answer: Answer<PodUsage>, best: Answer<PodUsage>): boolean {
  if (answer.kind === 'missing') return best.kind === 'missing' && best.reason === 'other-uid';
  return best.kind === 'missing' || answer.value.timestampMs > best.value.timestampMs;
}
