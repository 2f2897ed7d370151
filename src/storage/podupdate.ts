/** Adds a scrape to a stored pod. */
import { containerPoints, type PodLayout } from '../sample/batch.ts';
import type { ContainerPoint } from '../sample/point.ts';
import { absentContainers, countInterval, countPodSamples, isSamePod, noneAbsent, type PodState } from './nodestate.ts';
import { updatePodUsage } from './podusage.ts';
import { needsSlowPath, newestMs, updateRows } from './rows.ts';
import { addContainerSample, addNoSample, type SamplePair } from './samplepair.ts';
import { possibleMsOf, reportImplausible, type ScrapeUpdate } from './scrapeupdate.ts';
import { isWaiting, nameOf, podStateOf, setPodState, type StoredPod } from './storednode.ts';

/** Milliseconds; an older container is newly found, not new. */
const newContainerMs = 60_000;

/** Adds a scrape with the same containers. */
export function updatePod(pod: StoredPod, update: ScrapeUpdate): void {
  // Fast path: newer numbers only, as in nearly all scrapes. test/unit/storage/inplace.test.ts holds it to the slow
  // path.
  if (pod.state === undefined && update.limits.step === undefined) {
    const { nowMs, batch, limits, sums } = update;
    const { rows } = pod.node;
    const { firstRow, containers } = pod.layout;
    const newestBeforeMs = newestMs(rows, firstRow, containers.length);
    const possibleMs = possibleMsOf(update, isWaiting(pod) ? undefined : pod.sinceMs);
    const intervalMs = updateRows(rows, firstRow, containers.length, batch.numbers, limits, possibleMs);
    if (intervalMs !== needsSlowPath) {
      countInterval(sums, intervalMs, possibleMs);
      // As in updateLastUsage.
      if (newestMs(rows, firstRow, containers.length) !== newestBeforeMs) pod.sinceMs = nowMs;
      return;
    }
  }
  // Slow path.
  updatePodState(pod, podStateOf(pod), update);
}

/**
 * Updates by the slow path.
 * @param previous also under another layout.
 */
export function updatePodState(pod: StoredPod, previous: PodState | undefined, update: ScrapeUpdate): void {
  const state = nextPodState(previous, pod.layout, update);
  countPodSamples(update.sums, previous, state, possibleMsOf(update, previous?.lastUsage.last?.sinceMs));
  setPodState(pod, state, update.options.fastPath ?? true);
}

function nextPodState(previous: PodState | undefined, layout: PodLayout, update: ScrapeUpdate): PodState {
  const { batch, hasSwap, nowMs, limits, options } = update;
  const points = containerPoints(layout, batch.numbers);
  // Containers of a new node or endpoint may be old: cAdvisor can move start times forward.
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

/**
 * Reports whether a new container may precede a step: its start time and samples cannot be compared. A scrape long
 * after the step would have reported it.
 */
function hasStepped({ previous, steppedMs }: ScrapeUpdate): boolean {
  return steppedMs !== undefined && (previous?.storedMs ?? -Infinity) - steppedMs <= newContainerMs;
}
