/** The write side of the storage: adds one scrape to the stored node. */
import type { Clock } from '../clock.ts';
import { containerPoints, machinePoint, type NodeBatch, type PodLayout } from '../sample/batch.ts';
import type { ClockStep } from '../sample/clockstep.ts';
import type { ContainerPoint, Point } from '../sample/point.ts';
import { unknownPodLimit } from './admission.ts';
import { stalenessMs as usageStalenessMs, updateLastUsage } from './lastusage.ts';
import {
  absentContainers,
  countInterval,
  countPodSamples,
  countSample,
  isSamePod,
  type NewSamples,
  noneAbsent,
  podKey,
  type PodState,
} from './nodestate.ts';
import type { NodeTable } from './nodetable.ts';
import { updatePodUsage } from './podusage.ts';
import { needsSlowPath, newestMs, updateRows } from './rows.ts';
import {
  addContainerSample,
  addMachineSample,
  addNoSample,
  isOtherClock,
  markBeforeStep,
  type SamplePair,
  stampMs,
  usageOf,
} from './samplepair.ts';
import { isTooMuchMemory, longestWindowMs, mostCoresOf, mostMemoryBytesOf, type SampleLimits } from './samplerules.ts';
import { longestPossibleIntervalMs, nextSpacingMs, type SpacedScrape } from './spacing.ts';
import {
  createStoredNode,
  isWaiting,
  nameOf,
  podStateOf,
  setPodState,
  type StoredNode,
  type StoredPod,
} from './storednode.ts';
import { readPod } from './usagereader.ts';

/** @param what the machine, or a container or pod by name. */
export type OnImplausible = (node: string, what: string, quantity: 'cpu' | 'memory') => void;

export interface UpdateOptions {
  readonly clock: Clock;
  /** The scrape interval in milliseconds. */
  readonly resolutionMs: number;
  /** How long a usage is served, in milliseconds; longer on nodes that sample slowly. */
  readonly stalenessMs: number;
  /** Returns a node's CPU cores by its Node object; undefined if unknown. */
  readonly capacityCores?: (node: string) => number | undefined;
  /** Returns a node's memory in bytes by its Node object; undefined if unknown. */
  readonly capacityMemoryBytes?: (node: string) => number | undefined;
  /** Reports whether a container has ended for good by the API; undefined if that does not know the pod. */
  readonly hasEnded?: (pod: PodLayout, container: string) => boolean | undefined;
  /** Called for each sample with more CPU or memory than its node has. */
  readonly onImplausible?: OnImplausible;
  /** Whether pods may be stored in rows; false takes the slow path for all, to diagnose. Default: true. */
  readonly fastPath?: boolean;
}

/** One scrape on its way into the table. */
interface ScrapeUpdate {
  readonly batch: NodeBatch;
  readonly options: UpdateOptions;
  /** The Node's; undefined if unknown. */
  readonly uid: string | undefined;
  /** The node's previous scrape. */
  readonly previous: (SpacedScrape & Pick<NodeBatch, 'source'> & Pick<StoredNode, 'sinceMs' | 'steppedMs'>) | undefined;
  readonly hasSwap: boolean;
  /** Monotonic. */
  readonly nowMs: number;
  readonly limits: SampleLimits;
  readonly sums: NewSamples;
}

/** A container that the previous scrape did not report is at most this old, in milliseconds; otherwise the kubelet has only now found it. */
const newContainerMs = 60_000;

/**
 * Adds a scrape to its node.
 * @param uid the Node's metadata.uid; undefined if unknown.
 * @param step of the node's clock since its previous scrape.
 * @returns the stored node, and the number of first samples.
 */
export function updateNode(
  table: NodeTable,
  batch: NodeBatch,
  uid: string | undefined,
  options: UpdateOptions,
  step?: ClockStep,
): { readonly node: StoredNode; readonly first: number } {
  const known = table.nodes.get(batch.node);
  const nowMs = options.clock.monotonicMs();
  const update: ScrapeUpdate = {
    batch,
    options,
    uid: uid ?? known?.uid,
    previous: known && {
      source: known.source,
      storedMs: known.storedMs,
      spacingMs: known.spacingMs,
      sinceMs: known.sinceMs,
      steppedMs: known.steppedMs,
    },
    // Older kubelets report swap only while some is in use.
    hasSwap: batch.hasSwap ?? known?.hasSwap ?? false,
    nowMs,
    limits: { ...limitsOf(batch.node, known, nowMs, options), step },
    sums: { first: 0, longestIntervalMs: 0 },
  };
  const isUnchanged = known?.layout.version === batch.layout.version && known.source === batch.source;
  const node = isUnchanged ? known : renewNode(table, known, update);
  // Hot: an iterator would allocate an object per pod.
  if (isUnchanged) for (let pod = 0; pod < node.pods.length; pod += 1) updatePod(node.pods[pod]!, update);
  updateMachine(node, known, update);
  if (step !== undefined) markStep(node, nowMs);
  dropUnreported(table, node, update);
  return { node, first: update.sums.first };
}

/** Returns the limits of a node's samples. @param known the stored node. */
export function limitsOf(
  node: string,
  known: StoredNode | undefined,
  nowMs: number,
  { resolutionMs, stalenessMs, capacityCores, capacityMemoryBytes }: UpdateOptions,
): SampleLimits {
  const spacingMs = known?.spacingMs ?? 0;
  return {
    mostCores: mostCoresOf(capacityCores?.(node)),
    mostMemoryBytes: mostMemoryBytesOf(capacityMemoryBytes?.(node)),
    longestWindowMs: longestWindowMs(resolutionMs, spacingMs),
    stalenessMs: usageStalenessMs({ atLeastMs: stalenessMs, spacingMs }),
    sinceScrapeMs: known && nowMs - known.storedMs,
  };
}

function updateMachine(node: StoredNode, known: StoredNode | undefined, update: ScrapeUpdate): void {
  const { batch, uid, previous, hasSwap, nowMs, limits, sums } = update;
  const point = machinePoint(batch.numbers);
  const machine =
    point === undefined
      ? known?.machine && addNoSample(known.machine, limits)
      : addMachineSample(known?.machine, point, limits);
  if (machine !== undefined) {
    reportImplausible('the machine', point, known?.machine, machine, update);
    countSample(sums, known?.machine, machine, possibleMsOf(update, known?.lastUsage.last?.sinceMs));
  }
  const usage = machine === undefined ? neverScraped : usageOf(machine, hasSwap);
  node.lastUsage = updateLastUsage(known?.lastUsage, usage, nowMs);
  node.uid = uid;
  node.machine = machine;
  node.hasSwap = hasSwap;
  node.spacingMs = nextSpacingMs(previous, nowMs, sums.longestIntervalMs, update.options.resolutionMs);
  node.storedMs = nowMs;
}

const neverScraped = { kind: 'missing', reason: 'never-scraped' } as const;

/** Adds a scrape to a pod whose containers have not changed. */
function updatePod(pod: StoredPod, update: ScrapeUpdate): void {
  // Fast path: newer numbers only, as in nearly all scrapes. test/unit/storage/inplace.test.ts holds it to the slow path.
  if (pod.state === undefined && update.limits.step === undefined) {
    const { nowMs, batch, limits, sums } = update;
    const { rows } = pod.node;
    const { firstRow, containers } = pod.layout;
    const newestBeforeMs = newestMs(rows, firstRow, containers.length);
    const possibleMs = possibleMsOf(update, isWaiting(pod) ? undefined : pod.sinceMs);
    const intervalMs = updateRows(rows, firstRow, containers.length, batch.numbers, limits, possibleMs);
    if (intervalMs !== needsSlowPath) {
      countInterval(sums, intervalMs, possibleMs);
      // Otherwise a kubelet that repeats its samples would never be stale.
      if (newestMs(rows, firstRow, containers.length) !== newestBeforeMs) pod.sinceMs = nowMs;
      return;
    }
  }
  // Slow path.
  updatePodState(pod, podStateOf(pod), update);
}

function updatePodState(pod: StoredPod, previous: PodState | undefined, update: ScrapeUpdate): void {
  const state = nextPodState(previous, pod.layout, update);
  countPodSamples(update.sums, previous, state, possibleMsOf(update, previous?.lastUsage.last?.sinceMs));
  setPodState(pod, state, update.options.fastPath ?? true);
}

function nextPodState(previous: PodState | undefined, layout: PodLayout, update: ScrapeUpdate): PodState {
  const { batch, hasSwap, nowMs, limits, options } = update;
  const points = containerPoints(layout, batch.numbers);
  // Containers of a node, or an endpoint, that is new here may be old whatever their start times are: cAdvisor moves these forward at times.
  const youngerThanMs = update.previous?.source === batch.source && !hasStepped(update) ? newContainerMs : 0;
  const containers = new Map<string, SamplePair<ContainerPoint>>();
  for (const point of points) {
    const last = previous?.containers.get(point.name);
    const next = addContainerSample(last, point, youngerThanMs, limits);
    reportImplausible(`container ${point.name} of pod ${nameOf(layout)}`, point, last, next, update);
    containers.set(point.name, next);
  }
  const hasEnded = (container: string) => options.hasEnded?.(layout, container);
  const same = previous !== undefined && isSamePod(previous, layout.uid, points) ? previous : undefined;
  const absent = same === undefined ? noneAbsent : absentContainers(same, points, nowMs, limits.stalenessMs, hasEnded);
  for (const name of absent.keys()) containers.set(name, addNoSample(same!.containers.get(name)!, limits));
  const scrape = { hasSwap, nowMs, atLeastMs: options.stalenessMs, spacingMs: update.previous?.spacingMs ?? 0 };
  const lastUsage = updatePodUsage(same?.lastUsage, { containers, absent }, scrape, same?.containers);
  return { node: batch.node, name: nameOf(layout), uid: layout.uid, containers, absent, lastUsage };
}

/** @param cameMs when the last sample came, monotonic; undefined if only its node's first one is known. */
function possibleMsOf({ previous, nowMs, limits, options }: ScrapeUpdate, cameMs: number | undefined): number {
  // No interval over a step is one between samples.
  if (limits.step !== undefined) return 0;
  return longestPossibleIntervalMs(nowMs - (cameMs ?? previous?.sinceMs ?? nowMs), options.resolutionMs);
}

/** Reports whether a new container may have started before a step, so that its start time and its samples cannot be compared. */
function hasStepped({ previous, nowMs, limits }: ScrapeUpdate): boolean {
  return (
    limits.step !== undefined || (previous?.steppedMs !== undefined && nowMs - previous.steppedMs <= newContainerMs)
  );
}

/** Marks what the scrape does not report as from before the step. */
function markStep(node: StoredNode, nowMs: number): void {
  node.steppedMs = nowMs;
  for (const pod of node.unreported) {
    const { containers, ...rest } = podStateOf(pod);
    pod.state = {
      ...rest,
      containers: new Map(Array.from(containers, ([name, pair]) => [name, markBeforeStep(pair)])),
    };
  }
}

function reportImplausible(
  what: string,
  point: Point | undefined,
  previous: SamplePair | undefined,
  { last, rival }: SamplePair,
  { batch, options, limits }: ScrapeUpdate,
): void {
  if (point !== undefined && isTooMuchMemory(point.memoryBytes, limits)) {
    options.onImplausible?.(batch.node, what, 'memory');
  }
  if (rival === undefined || rival === previous?.rival) return;
  // Neither the sample from before a restart nor one of another clock has too much CPU.
  if (rival === previous?.last || stampMs(rival) < stampMs(last)) return;
  if (!isOtherClock(last, rival)) options.onImplausible?.(batch.node, what, 'cpu');
}

/** Stores a node whose pods, containers or endpoint have changed. */
function renewNode(table: NodeTable, known: StoredNode | undefined, update: ScrapeUpdate): StoredNode {
  const { batch, uid, hasSwap, nowMs } = update;
  const { node: name, source, layout } = batch;
  const own = { name, uid, source, hasSwap, machine: undefined, lastUsage: { reason: 'never-scraped' } as const };
  const node = createStoredNode(layout, {
    ...own,
    spacingMs: 0,
    storedMs: nowMs,
    sinceMs: known?.sinceMs ?? nowMs,
    steppedMs: known?.steppedMs,
  });
  const left = new Map([...(known?.pods ?? []), ...(known?.unreported ?? [])].map((pod) => [podKey(pod.layout), pod]));
  for (const pod of node.pods) {
    const key = podKey(pod.layout);
    const previous = left.get(key) ?? sameNameWithoutUid(table, name, pod.layout);
    left.delete(key);
    updatePodState(pod, previous && podStateOf(previous), update);
  }
  node.unreported = Array.from(left.values(), (pod) => ({ ...pod, node, sinceMs: 0, state: podStateOf(pod) }));
  table.set(node);
  return node;
}

/** Finds the node's pod of that name if the UID of either is unknown. */
function sameNameWithoutUid(
  { index }: NodeTable,
  node: string,
  { namespace, name, uid }: PodLayout,
): StoredPod | undefined {
  return index
    .named(namespace, name)
    .find((pod) => pod.node.name === node && (pod.layout.uid === undefined || uid === undefined));
}

/**
 * Drops pods that the scrape does not report, unless they have a usage: a kubelet that has just started has no samples yet of pods that run on. The API says when a
 * pod has ended.
 */
function dropUnreported({ index }: NodeTable, node: StoredNode, { nowMs, options }: ScrapeUpdate): void {
  if (node.unreported.length === 0) return;
  let unverified = 0;
  node.unreported = node.unreported.filter((pod) => {
    // Without a UID, another pod may have the name by now.
    let isKept = pod.layout.uid !== undefined && readPod(pod, nowMs, options.stalenessMs).kind === 'ready';
    // A kubelet that invents other pods in each scrape must not fill the memory. The newest are first.
    if (isKept && !pod.isVerified) isKept = ++unverified <= unknownPodLimit;
    if (!isKept) index.remove(pod);
    return isKept;
  });
}
