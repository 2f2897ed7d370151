/** Where the write side and the read side meet: the last two samples of everything, and the usage that follows from them. */
import type { Clock } from '../clock.ts';
import type { Answer, ContainerPoint, Missing, NodeBatch, PodBatch, PodUsage, Usage } from '../point.ts';
import { advanceContainer, advanceMachine, type Held, podUsageOf, usageOf } from './window.ts';

export interface StorageOptions {
  readonly clock: Clock;
  /** Distance of two scrapes of a node in milliseconds. */
  readonly resolutionMs: number;
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
  store(batch: NodeBatch): void;
  /** Drops all that a node told; for nodes that left the cluster. */
  forget(node: string): void;
  nodeUsage(node: string): Answer<Usage>;
  podUsage(pod: PodIdentity): Answer<PodUsage>;
  /** Whether any usage was ever there; once true it stays so. */
  hasUsage(): boolean;
  /** How many nodes and containers have samples. */
  counts(): { readonly nodes: number; readonly containers: number };
}

/** A usage is stale when no newer one came for this many scrapes, or for twice its own window if that is longer. */
const staleAfterScrapes = 3;
const staleAfterWindows = 2;

export function createStorage({ clock, resolutionMs }: StorageOptions): Storage {
  const nodes = new Map<string, HeldNode>();
  /** By namespace/name. Several where a pod was made anew under its name, or two nodes report it. */
  const podsByName = new Map<string, Set<HeldPod>>();
  let usageSeen = false;

  return { store, forget, nodeUsage, podUsage, hasUsage: () => usageSeen, counts };

  function store(batch: NodeBatch): void {
    const before = nodes.get(batch.node);
    const nowMs = clock.monotonicMs();
    const machine = batch.machine === undefined ? before?.machine : advanceMachine(before?.machine, batch.machine);
    const node: HeldNode = {
      machine,
      served: keepServed(before?.served, machine === undefined ? neverScraped : usageOf(machine), nowMs),
      pods: new Map(),
    };
    for (const pod of batch.pods) {
      const key = podKey(pod);
      node.pods.set(key, advancePod(before?.pods.get(key), pod, nowMs));
    }
    for (const [key, pod] of before?.pods ?? []) {
      unindex(pod);
      // A kubelet that just started has no samples yet for pods that run on: silence about a pod is not its end. The API tells the end.
      if (!node.pods.has(key) && read(pod.served, nowMs).kind === 'ready') node.pods.set(key, pod);
    }
    for (const pod of node.pods.values()) index(pod);
    nodes.set(batch.node, node);
  }

  function advancePod(before: HeldPod | undefined, batch: PodBatch, nowMs: number): HeldPod {
    const containers = new Map<string, Held<ContainerPoint>>();
    for (const point of batch.containers) {
      containers.set(point.name, advanceContainer(before?.containers.get(point.name), point, resolutionMs));
    }
    return {
      name: `${batch.namespace}/${batch.name}`,
      uid: batch.uid,
      containers,
      served: keepServed(before?.served, podUsageOf(containers), nowMs),
    };
  }

  /** A usage that cannot be told right now (a restart, a first sample) does not take away the one that was there. */
  function keepServed<U extends Usage | PodUsage>(
    before: Served<U> | undefined,
    now: Answer<U>,
    nowMs: number,
  ): Served<U> {
    if (now.kind === 'missing')
      return before === undefined ? { reason: now.reason } : { ...before, reason: now.reason };
    usageSeen = true;
    const sameSample = before?.last !== undefined && before.last.usage.timestampMs === now.value.timestampMs;
    return { reason: 'stale', last: { usage: now.value, sinceMs: sameSample ? before.last.sinceMs : nowMs } };
  }

  function read<U extends Usage | PodUsage>(served: Served<U>, nowMs: number): Answer<U> {
    if (served.last === undefined) return { kind: 'missing', reason: served.reason };
    const { usage, sinceMs } = served.last;
    const limitMs = Math.max(staleAfterScrapes * resolutionMs, staleAfterWindows * usage.windowMs);
    return nowMs - sinceMs <= limitMs ? { kind: 'ready', value: usage } : { kind: 'missing', reason: served.reason };
  }

  function nodeUsage(name: string): Answer<Usage> {
    const node = nodes.get(name);
    return node === undefined ? neverScraped : read(node.served, clock.monotonicMs());
  }

  function podUsage(identity: PodIdentity): Answer<PodUsage> {
    const held = podsByName.get(`${identity.namespace}/${identity.name}`);
    if (held === undefined) return neverScraped;
    const nowMs = clock.monotonicMs();
    let best: Answer<PodUsage> = { kind: 'missing', reason: 'other-uid' };
    for (const pod of held) {
      if (!isPod(pod, identity)) continue;
      const answer = read(pod.served, nowMs);
      const newer =
        answer.kind === 'ready' && (best.kind === 'missing' || answer.value.timestampMs > best.value.timestampMs);
      if (newer || (best.kind === 'missing' && best.reason === 'other-uid')) best = answer;
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

interface HeldNode {
  readonly machine: Held | undefined;
  readonly served: Served<Usage>;
  /** By namespace, name and UID. */
  readonly pods: Map<string, HeldPod>;
}

interface HeldPod {
  /** namespace/name */
  readonly name: string;
  readonly uid: string | undefined;
  readonly containers: ReadonlyMap<string, Held<ContainerPoint>>;
  readonly served: Served<PodUsage>;
}

/** The last usage there was, when it came (monotonic), and what to say when it is too old or there is none. */
interface Served<U> {
  readonly last?: { readonly usage: U; readonly sinceMs: number };
  readonly reason: Missing;
}

const neverScraped = { kind: 'missing', reason: 'never-scraped' } as const;

function podKey(pod: PodBatch): string {
  return `${pod.namespace}/${pod.name}/${pod.uid ?? ''}`;
}

function isPod(held: HeldPod, identity: PodIdentity): boolean {
  // /metrics/resource does not tell UIDs; then the name has to do.
  return held.uid === undefined || held.uid === identity.uid || held.uid === identity.configHash;
}
