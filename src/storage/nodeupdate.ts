/** The write side of the storage: adds a scrape to the stored node. */
import { machinePoint, type NodeBatch, type PodLayout } from '../sample/batch.ts';
import type { ResponseTimes } from '../sample/clockstep.ts';
import { unknownPodLimit } from './admission.ts';
import { nextClock, wasSetBack } from './clockstate.ts';
import { updateLastUsage } from './lastusage.ts';
import { countSample, podKey } from './nodestate.ts';
import type { NodeTable } from './nodetable.ts';
import { updatePod, updatePodState } from './podupdate.ts';
import { addMachineSample, addNoSample, markBeforeStep, usageOf } from './samplepair.ts';
import { limitsOf, possibleMsOf, reportImplausible, type ScrapeUpdate, type UpdateOptions } from './scrapeupdate.ts';
import { nextSpacingMs, steadySince } from './spacing.ts';
import { createStoredNode, podStateOf, type StoredNode, type StoredPod } from './storednode.ts';
import { readPod } from './usagereader.ts';

/**
 * Adds a scrape to its node.
 * @param times see Storage.store.
 */
export function updateNode(
  table: NodeTable,
  batch: NodeBatch,
  uid: string | undefined,
  options: UpdateOptions,
  times?: ResponseTimes,
): { readonly node: StoredNode; readonly first: number; readonly hasStepped: boolean } {
  const known = table.nodes.get(batch.node);
  const nowMs = options.clock.monotonicMs();
  const { clock, step } = nextClock(known, batch, times, nowMs);
  const limits = limitsOf(batch.node, known, nowMs, options, {
    step,
    isSetBack: known === undefined && wasSetBack(batch, times),
    startsAfterMs: clock.startsAfterMs,
  });
  const update: ScrapeUpdate = {
    batch,
    options,
    uid: uid ?? known?.uid,
    previous: known && {
      source: known.source,
      storedMs: known.storedMs,
      spacingMs: known.spacingMs,
      sinceMs: known.sinceMs,
    },
    steadySinceMs: steadySince(known, nowMs, limits),
    steppedMs: clock.steppedMs,
    // Older kubelets report swap only while it is in use.
    hasSwap: batch.hasSwap ?? known?.hasSwap ?? false,
    nowMs,
    limits,
    sums: { first: 0, longestIntervalMs: 0 },
  };
  const isUnchanged = known?.layout.version === batch.layout.version && known.source === batch.source;
  const node = isUnchanged ? known : renewNode(table, known, update);
  // Hot: an iterator would allocate an object per pod.
  if (isUnchanged) for (let pod = 0; pod < node.pods.length; pod += 1) updatePod(node.pods[pod]!, update);
  updateMachine(node, known, update);
  node.clock = clock;
  if (step !== undefined) markStep(node);
  dropUnreported(table, node, update);
  return { node, first: update.sums.first, hasStepped: step !== undefined };
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
  node.steadySinceMs = update.steadySinceMs;
}

const neverScraped = { kind: 'missing', reason: 'never-scraped' } as const;

/** Marks what is not reported as from before the step. */
function markStep(node: StoredNode): void {
  for (const pod of node.unreported) {
    const { containers, ...rest } = podStateOf(pod);
    pod.state = {
      ...rest,
      containers: new Map(Array.from(containers, ([name, pair]) => [name, markBeforeStep(pair)])),
    };
  }
}

function renewNode(table: NodeTable, known: StoredNode | undefined, update: ScrapeUpdate): StoredNode {
  const { batch, uid, hasSwap, nowMs } = update;
  const { node: name, source, layout } = batch;
  const own = { name, uid, source, hasSwap, machine: undefined, lastUsage: { reason: 'never-scraped' } as const };
  const node = createStoredNode(layout, {
    ...own,
    spacingMs: 0,
    storedMs: nowMs,
    sinceMs: known?.sinceMs ?? nowMs,
    steadySinceMs: update.steadySinceMs,
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
 * Drops unreported pods without a usage. Others may run on: a restarted kubelet has no samples yet, and the API
 * reports a pod's end.
 */
function dropUnreported({ index }: NodeTable, node: StoredNode, { nowMs, options }: ScrapeUpdate): void {
  if (node.unreported.length === 0) return;
  let unverified = 0;
  node.unreported = node.unreported.filter((pod) => {
    // Without a UID, another pod may have the name by now.
    let isKept = pod.layout.uid !== undefined && readPod(pod, nowMs, options.stalenessMs).kind === 'ready';
    // A kubelet that invents pods must not fill the memory. The newest are first.
    if (isKept && !pod.isVerified) isKept = ++unverified <= unknownPodLimit;
    if (!isKept) index.remove(pod);
    return isKept;
  });
}
