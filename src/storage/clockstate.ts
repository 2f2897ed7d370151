/** Tracks a stored node's clock: its steps, and start times from before them; pure. */
import { column, columns, machineRow, newestSampleMs, type NodeBatch } from '../sample/batch.ts';
import { type ClockStep, clockStep, dateResolutionMs, readClock, type ResponseTimes } from '../sample/clockstep.ts';
import { latestMs } from '../sample/point.ts';
import { type ClockState, podKey } from './nodestate.ts';
import { isPlainTime } from './rows.ts';
import { isLastReported, type SamplePair } from './samplepair.ts';
import { podStateOf, type StoredNode } from './storednode.ts';

/** Milliseconds; a later start after its sample shows a clock that was set back. */
const futureStartMs = 2_000;

/**
 * Returns the clock after a batch, and its step since the previous batch, which may be of an earlier process. Failed
 * scrapes in between change nothing.
 * @param known the stored node before the batch.
 * @param times undefined if unknown: no step is seen.
 */
export function nextClock(
  known: StoredNode | undefined,
  batch: NodeBatch,
  times: ResponseTimes | undefined,
  nowMs: number,
): { readonly clock: ClockState; readonly step: ClockStep | undefined } {
  const { reading: previous, steppedMs, startsAfterMs } = known?.clock ?? noClock;
  const reading = times === undefined ? previous : readClock(times, sampleTimesOf(known, batch, times), previous);
  const step = times && previous && reading && clockStep(previous, reading);
  const beforeStepMs = Math.max(
    startsAfterMs ?? -Infinity,
    Math.min(step?.latestMs ?? -Infinity, latestMs),
    newestFutureStartMs(batch.numbers),
  );
  const clock: ClockState = {
    reading,
    steppedMs: step === undefined ? steppedMs : nowMs,
    startsAfterMs: beforeStepMs === -Infinity ? undefined : beforeStepMs,
  };
  return { clock, step };
}

/**
 * Reports whether a node's clock was set back shortly before its first scrape: no sample is from after its response.
 * Call it for the first scrape only: if another program writes the Date header, there would never be a usage.
 */
export function wasSetBack({ numbers }: NodeBatch, times: ResponseTimes | undefined): boolean {
  return times?.dateMs !== undefined && newestSampleMs(numbers) > times.dateMs + dateResolutionMs;
}

const noClock: ClockState = {};

const noSampleTimes = { newestMs: -Infinity, oldestNewMs: Infinity };

/** Returns times that only a response without a Date header needs. */
function sampleTimesOf(known: StoredNode | undefined, batch: NodeBatch, { dateMs }: ResponseTimes) {
  if (dateMs !== undefined) return noSampleTimes;
  return { newestMs: newestSampleMs(batch.numbers), oldestNewMs: oldestNewMs(known, batch) };
}

/** Compares with samples of the previous response: where another one is kept, the sample may be in both. */
function oldestNewMs(known: StoredNode | undefined, { layout, source, numbers }: NodeBatch): number {
  if (known === undefined || known.source !== source) return Infinity;
  const before = new Map(known.pods.map((pod) => [podKey(pod.layout), pod]));
  let oldest = newerMs(known.machine, numbers, machineRow);
  for (const pod of layout.pods) {
    const previous = before.get(podKey(pod));
    const state = previous && podStateOf(previous);
    for (const [index, { name, containerId }] of pod.containers.entries()) {
      const pair = state?.absent.has(name) === false ? state.containers.get(name) : undefined;
      if (pair?.last.containerId !== containerId) continue;
      oldest = Math.min(oldest, newerMs(pair, numbers, pod.firstRow + index));
    }
  }
  return oldest;
}

/** Returns the row's time if the kubelet wrote a newer one than the pair's; otherwise Infinity. */
function newerMs(pair: SamplePair | undefined, numbers: NodeBatch['numbers'], row: number): number {
  if (pair === undefined || !isLastReported(pair)) return Infinity;
  const timestampMs = numbers[row * columns + column.timestampMs]!;
  return isPlainTime(numbers, row) && timestampMs > pair.last.timestampMs ? timestampMs : Infinity;
}

/** Returns the latest start time that is long after its sample; -Infinity without one. Hot. */
function newestFutureStartMs(numbers: NodeBatch['numbers']): number {
  let newest = -Infinity;
  for (let at = 0; at < numbers.length; at += columns) {
    const startMs = numbers[at + column.startTimeMs]!;
    if (startMs > newest && startMs > numbers[at + column.timestampMs]! + futureStartMs) newest = startMs;
  }
  return Math.min(newest, latestMs);
}
