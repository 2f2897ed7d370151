/** Where the write side and the read side meet: the last two samples of everything, and the usage that follows from them. */
import { containerPoints, containersOf, machinePoint, type NodeBatch, type PodLayout } from '../sample/batch.ts';
import type { Clock } from '../clock.ts';
import {
  type Answer,
  type ContainerPoint,
  isOtherNode,
  type Missing,
  type PodUsage,
  type Usage,
} from '../sample/point.ts';
import { type Bindings, unknownPodLimit } from './admission.ts';
import { claimsOf, isVerifiedContainer, verifiedNodeOf } from './claims.ts';
import {
  absentOf,
  type HeldNode,
  type HeldPod,
  isSamePod,
  keyOf,
  noneAbsent,
  noteDistance,
  notePodProgress,
  noteProgress,
  type Progress,
} from './nodestate.ts';
import { longestWindowMs, mostCoresOf, type Rules } from './samplerules.ts';
import { createPodIndex, type PodIdentity } from './podindex.ts';
import { advanceRows, newestMs, notPlain } from './rows.ts';
import { keepServed, readServed, type Staleness, stalenessMs as usageStalenessMs } from './lastusage.ts';
import { advanceServed, readServedPod } from './podusage.ts';
import type { Snapshot } from './snapshot.ts';
import { nextSpacingMs, possibleDistanceMs, type Spaced } from './spacing.ts';
import {
  createStoredNode,
  fromHeldNode,
  heldOf,
  isWaiting,
  nameOf,
  settle,
  type StoredNode,
  type StoredPod,
  toHeldNode,
  usageInRows,
} from './storednode.ts';
import { advanceContainer, advanceMachine, type Held, isOtherClock, stampMs, usageOf } from './window.ts';

export interface StorageOptions {
  readonly clock: Clock;
  /** Distance of two scrapes of a node in milliseconds. */
  readonly resolutionMs: number;
  /** How long a usage is good in milliseconds, and longer on nodes that sample slowly. */
  readonly stalenessMs: number;
  /** CPU cores of a node by its Node object; undefined where they are unknown. */
  readonly capacityCores?: (node: string) => number | undefined;
  /** metadata.uid of a node; undefined where it is unknown. */
  readonly nodeUid?: (node: string) => string | undefined;
  /** Called for each sample with more CPU than its node can have used. */
  readonly onImplausible?: (node: string, what: string) => void;
}

/** What a scrape has changed, for whoever plans the next one. */
export interface Stored {
  /** How many containers, and the machine, had their first sample now: without a second one they have no rate. */
  readonly waiting: number;
  /** How far apart the node's samples are in milliseconds; 0 as long as nobody knows. */
  readonly spacingMs: number;
}

export interface Storage extends Bindings {
  /** Publishes a scrape: replaces what its node told before. A pod that it does not mention keeps its last usage until that is stale. */
  store(batch: NodeBatch): Stored;
  /** Drops all that a node told; for nodes that left the cluster. */
  forget(node: string): void;
  /** Drops all that another node of that name told: one with another UID, also where it is from a snapshot. */
  keepOnly(node: string, uid: string | undefined): void;
  nodeUsage(node: string): Answer<Usage>;
  podUsage(pod: PodIdentity): Answer<PodUsage>;
  /** Whether a node has told of the pod, even if its usage is not known yet, or not any more. */
  isToldOf(pod: PodIdentity): boolean;
  /** Whether any usage was ever there; once true it stays so. */
  hasUsage(): boolean;
  /** All that is held, for a snapshot. */
  held(): Iterable<readonly [node: string, held: HeldNode]>;
  /** Takes in what a snapshot held of nodes that have not told anything yet. */
  restore(nodes: Snapshot['nodes']): void;
  /** How many nodes and containers have samples. */
  counts(): { readonly nodes: number; readonly containers: number };
}

export function createStorage({
  clock,
  resolutionMs,
  stalenessMs,
  capacityCores = () => undefined,
  nodeUid = () => undefined,
  onImplausible = () => undefined,
}: StorageOptions): Storage {
  const nodes = new Map<string, StoredNode>();
  const index = createPodIndex();
  let usageSeen = false;

  return {
    store,
    forget,
    keepOnly,
    nodeUsage,
    podUsage,
    isToldOf,
    verifiedNode: ({ namespace, name, uid }) => verifiedNodeOf(index.named(namespace, name), uid),
    isDisputed: (pod) => claimsOf(index.named(pod.namespace, pod.name), pod).isDisputed,
    hasContainer: (node, { namespace, name, uid }, containerId) =>
      isVerifiedContainer(index.named(namespace, name), node, uid, containerId),
    hasUsage: () => usageSeen,
    held,
    restore,
    counts,
  };

  function store(batch: NodeBatch): Stored {
    const uid = nodeUid(batch.node);
    keepOnly(batch.node, uid);
    const known = nodes.get(batch.node);
    const before = known && {
      source: known.source,
      storedMs: known.storedMs,
      spacingMs: known.spacingMs,
      sinceMs: known.sinceMs,
    };
    // Older kubelets tell of swap only while some is in use.
    const hasSwap = batch.hasSwap ?? known?.hasSwap ?? false;
    const nowMs = clock.monotonicMs();
    const rules = rulesOf(batch.node, known, nowMs);
    const scrape: Scrape = {
      batch,
      uid: uid ?? known?.uid,
      before,
      hasSwap,
      nowMs,
      rules,
      progress: { first: 0, largestDistanceMs: 0 },
    };
    const node =
      known?.layout.version === batch.layout.version && before?.source === batch.source ? known : renew(known, scrape);
    if (node === known) {
      // Hot: an iterator would make an object for each pod.
      for (let pod = 0; pod < node.pods.length; pod += 1) advance(node.pods[pod]!, scrape);
    }
    advanceNode(node, known, scrape);
    dropSilent(node, nowMs);
    noteUsage(node, nowMs);
    return { waiting: scrape.progress.first, spacingMs: node.spacingMs };
  }

  function advanceNode(node: StoredNode, known: StoredNode | undefined, scrape: Scrape): void {
    const { batch, uid, before, hasSwap, nowMs, rules, progress } = scrape;
    const point = machinePoint(batch.numbers);
    const machine = point === undefined ? known?.machine : advanceMachine(known?.machine, point, rules);
    if (machine !== undefined) noteImplausible(batch.node, 'the machine', known?.machine, machine);
    const possibleMs = possibleMsOf(scrape, known?.served.last?.sinceMs);
    if (machine !== undefined) noteProgress(progress, known?.machine, machine, possibleMs);
    node.served = keepServed(known?.served, machine === undefined ? neverScraped : usageOf(machine, hasSwap), nowMs);
    node.uid = uid;
    node.machine = machine;
    node.hasSwap = hasSwap;
    node.spacingMs = nextSpacingMs(before, nowMs, progress.largestDistanceMs, resolutionMs);
    node.storedMs = nowMs;
  }

  /** In nearly all scrapes there is nothing to say of a pod but newer numbers. */
  function advance(pod: StoredPod, scrape: Scrape): void {
    const { batch, nowMs, progress } = scrape;
    if (pod.odd === undefined) {
      const { rows } = pod.node;
      const { firstRow, containers } = pod.layout;
      const isFirst = isWaiting(pod);
      const newestBeforeMs = newestMs(rows, firstRow, containers.length);
      const possibleMs = possibleMsOf(scrape, isFirst ? undefined : pod.sinceMs);
      const distanceMs = advanceRows(rows, firstRow, containers.length, batch.numbers, scrape.rules, possibleMs);
      if (distanceMs !== notPlain) {
        noteDistance(progress, distanceMs, possibleMs);
        // The same samples again are no news, or a kubelet that repeats itself would never be stale.
        if (newestMs(rows, firstRow, containers.length) !== newestBeforeMs) pod.sinceMs = nowMs;
        return;
      }
    }
    advanceHeld(pod, heldOf(pod), scrape);
  }

  function advanceHeld(pod: StoredPod, before: HeldPod | undefined, scrape: Scrape): void {
    const now = advancePod(before, pod.layout, scrape);
    notePodProgress(scrape.progress, before, now, possibleMsOf(scrape, before?.served.last?.sinceMs));
    settle(pod, now);
  }

  function advancePod(before: HeldPod | undefined, layout: PodLayout, scrape: Scrape): HeldPod {
    const { batch, hasSwap, nowMs } = scrape;
    const points = containerPoints(layout, batch.numbers);
    // What runs when a node, or an endpoint of it, is first seen may be old, whatever the start time says: cAdvisor's moves forward at times.
    const youngerThanMs = scrape.before?.source === batch.source ? newContainerMs : 0;
    const containers = new Map<string, Held<ContainerPoint>>();
    for (const point of points) {
      const held = before?.containers.get(point.name);
      const now = advanceContainer(held, point, youngerThanMs, scrape.rules);
      noteImplausible(batch.node, `container ${point.name} of pod ${nameOf(layout)}`, held, now);
      containers.set(point.name, now);
    }
    const kept = before !== undefined && isSamePod(before, layout.uid, points) ? before : undefined;
    const staleness = { atLeastMs: stalenessMs, spacingMs: scrape.before?.spacingMs ?? 0 };
    const absent = kept === undefined ? noneAbsent : absentOf(kept, points, nowMs, scrape.rules.stalenessMs);
    for (const name of absent.keys()) containers.set(name, kept!.containers.get(name)!);
    const told = { hasSwap, nowMs, ...staleness };
    const served = advanceServed(kept?.served, { containers, absent }, told, kept?.containers);
    return { node: batch.node, name: nameOf(layout), uid: layout.uid, containers, absent, served };
  }

  /** @param cameMs when the last sample came, monotonic; undefined where only its node's first one is known. */
  function possibleMsOf({ before, nowMs }: Scrape, cameMs: number | undefined): number {
    return possibleDistanceMs(nowMs - (cameMs ?? before?.sinceMs ?? nowMs), resolutionMs);
  }

  function rulesOf(node: string, known: StoredNode | undefined, nowMs: number): Rules {
    const spacingMs = known?.spacingMs ?? 0;
    return {
      mostCores: mostCoresOf(capacityCores(node)),
      longestWindowMs: longestWindowMs(resolutionMs, spacingMs),
      stalenessMs: usageStalenessMs({ atLeastMs: stalenessMs, spacingMs }),
      sinceScrapeMs: known && nowMs - known.storedMs,
    };
  }

  function noteImplausible(node: string, what: string, before: Held | undefined, now: Held): void {
    const { last, rival } = now;
    if (rival === undefined || rival === before?.rival) return;
    // The sample from before a restart, or of another clock, is none of too much CPU.
    if (rival === before?.last || stampMs(rival) < stampMs(last)) return;
    if (!isOtherClock(last, rival)) onImplausible(node, what);
  }

  /** A node on which something came or went, or that is read from the other endpoint. */
  function renew(known: StoredNode | undefined, scrape: Scrape): StoredNode {
    const { batch, uid, hasSwap, nowMs } = scrape;
    const { node: name, source, layout } = batch;
    const own = { name, uid, source, hasSwap, machine: undefined, served: { reason: 'never-scraped' } as const };
    const node = createStoredNode(layout, { ...own, spacingMs: 0, storedMs: nowMs, sinceMs: known?.sinceMs ?? nowMs });
    const left = new Map([...(known?.pods ?? []), ...(known?.silent ?? [])].map((pod) => [keyOf(pod.layout), pod]));
    for (const pod of node.pods) {
      const key = keyOf(pod.layout);
      const before = left.get(key) ?? sameNameWithoutUid(name, pod.layout);
      left.delete(key);
      advanceHeld(pod, before && heldOf(before), scrape);
    }
    node.silent = Array.from(left.values(), (pod) => ({ ...pod, node, sinceMs: 0, odd: heldOf(pod) }));
    if (known !== undefined) unindex(known);
    hold(node);
    return node;
  }

  /** A pod whose UID was not known a moment ago, or is not known now. */
  function sameNameWithoutUid(node: string, { namespace, name, uid }: PodLayout): StoredPod | undefined {
    return index
      .named(namespace, name)
      .find((pod) => pod.node.name === node && (pod.layout.uid === undefined || uid === undefined));
  }

  /** A kubelet that just started has no samples yet for pods that run on: its silence about a pod is not the pod's end; the API tells that. */
  function dropSilent(node: StoredNode, nowMs: number): void {
    if (node.silent.length === 0) return;
    let unverified = 0;
    node.silent = node.silent.filter((pod) => {
      // Without a UID, what is under this name by now may be another pod.
      let isKept = pod.layout.uid !== undefined && readPod(pod, nowMs).kind === 'ready';
      // A kubelet that makes up other pods at each scrape must not fill the memory. The newest are first.
      if (isKept && !pod.isVerified) isKept = ++unverified <= unknownPodLimit;
      if (!isKept) index.remove(pod);
      return isKept;
    });
  }

  function hold(node: StoredNode): void {
    nodes.set(node.name, node);
    for (const pod of [...node.pods, ...node.silent]) index.add(pod);
  }

  function unindex(node: StoredNode): void {
    for (const pod of [...node.pods, ...node.silent]) index.remove(pod);
  }

  function noteUsage(node: StoredNode, nowMs: number): void {
    // What was restored may be too old to be served, and then nothing was ever there.
    usageSeen ||=
      readServed(node.served, nowMs, stalenessOf(node)).kind === 'ready' ||
      node.pods.some((pod) => readPod(pod, nowMs).kind === 'ready');
  }

  function restore(saved: Snapshot['nodes']): void {
    for (const [name, held] of saved) {
      if (nodes.has(name) || isOtherNode(held.uid, nodeUid(name))) continue;
      const node = fromHeldNode(name, held);
      hold(node);
      noteUsage(node, clock.monotonicMs());
    }
  }

  function* held(): Generator<readonly [string, HeldNode]> {
    for (const [name, node] of nodes) yield [name, toHeldNode(node)];
  }

  function stalenessOf({ spacingMs }: StoredNode): Staleness {
    return { atLeastMs: stalenessMs, spacingMs };
  }

  function nodeUsage(name: string): Answer<Usage> {
    const node = nodes.get(name);
    if (node === undefined) return neverScraped;
    return toldBy(name, readServed(node.served, clock.monotonicMs(), stalenessOf(node)));
  }

  function podUsage(identity: PodIdentity): Answer<PodUsage> {
    const only = index.only(identity.namespace, identity.name);
    if (only !== undefined && only.layout.uid === identity.uid && isOn(only, identity))
      return toldBy(only.node.name, readPod(only, clock.monotonicMs()));
    const named = index.named(identity.namespace, identity.name);
    const { pods, isDisputed } = claimsOf(named, identity);
    const nowMs = clock.monotonicMs();
    let best: Answer<PodUsage> = { kind: 'missing', reason: reasonWithout(named, identity) };
    for (const pod of pods) {
      const answer = toldBy(pod.node.name, readPod(pod, nowMs));
      if (isBetter(answer, best)) best = answer;
    }
    return isDisputed && best.kind === 'missing' ? conflict : best;
  }

  function isToldOf(identity: PodIdentity): boolean {
    const { pods, isDisputed } = claimsOf(index.named(identity.namespace, identity.name), identity);
    return isDisputed || pods.length > 0;
  }

  function readPod(pod: StoredPod, nowMs: number): Answer<PodUsage> {
    const staleness = stalenessOf(pod.node);
    if (pod.odd !== undefined) return readServedPod(pod.odd.served, nowMs, staleness);
    if (isWaiting(pod)) return oneSample;
    if (nowMs - pod.sinceMs > usageStalenessMs(staleness)) return { kind: 'missing', reason: 'stale' };
    return { kind: 'ready', value: usageInRows(pod) };
  }

  function forget(name: string): void {
    const node = nodes.get(name);
    if (node !== undefined) unindex(node);
    nodes.delete(name);
  }

  function keepOnly(name: string, uid: string | undefined): void {
    if (isOtherNode(nodes.get(name)?.uid, uid)) forget(name);
  }

  function counts(): { nodes: number; containers: number } {
    let containers = 0;
    for (const { layout, silent } of nodes.values()) {
      containers += containersOf(layout);
      for (const pod of silent) containers += pod.layout.containers.length;
    }
    return { nodes: nodes.size, containers };
  }
}

/** One batch on its way in. */
interface Scrape {
  readonly batch: NodeBatch;
  /** Of the node; undefined where it is not known. */
  readonly uid: string | undefined;
  /** What was known of the node before. */
  readonly before: (Spaced & Pick<NodeBatch, 'source'> & Pick<StoredNode, 'sinceMs'>) | undefined;
  readonly hasSwap: boolean;
  /** Monotonic. */
  readonly nowMs: number;
  readonly rules: Rules;
  readonly progress: Progress;
}

/** A container that is not among those of the scrape before is at most this old, or the kubelet has only now found it. */
const newContainerMs = 60_000;

const oneSample = { kind: 'missing', reason: 'one-sample' } as const;
const neverScraped = { kind: 'missing', reason: 'never-scraped' } as const;
const conflict = { kind: 'missing', reason: 'conflict' } as const;

/** Reports whether the pod may be there; where the API names no node, a pod that only one node reports may. */
function isOn({ node }: StoredPod, identity: PodIdentity): boolean {
  return identity.node === undefined || identity.node === node.name;
}

/** Returns what to say of a pod that none of the stored ones of its name is. */
function reasonWithout(named: readonly StoredPod[], { uid }: PodIdentity): Missing {
  const isOther = named.some(({ layout }) => layout.uid !== undefined && layout.uid !== uid);
  return isOther ? 'other-uid' : 'never-scraped';
}

function toldBy<T>(node: string, answer: Answer<T>): Answer<T> {
  return answer.kind === 'ready' ? answer : { ...answer, node };
}

function isBetter(answer: Answer<PodUsage>, best: Answer<PodUsage>): boolean {
  if (answer.kind === 'missing')
    return best.kind === 'missing' && (best.reason === 'other-uid' || best.reason === 'never-scraped');
  return best.kind === 'missing' || answer.value.timestampMs > best.value.timestampMs;
}
