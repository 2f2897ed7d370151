/** What is served of a pod while its containers come, wait for a second sample, and go; pure. */
import type { Answer, PodUsage } from '../point.ts';
import { keepServed, readServed, type Served, type Staleness, stalenessMs } from './served.ts';
import { type Held, podUsageOf, toPodUsage } from './window.ts';

export interface ServedPod extends Served<PodUsage> {
  /** The containers that have a usage, as long as another one has none; since when that one is waited for, monotonic. */
  readonly part?: { readonly served: Served<PodUsage>; readonly sinceMs: number };
}

/** When a scrape came, and what is known of its node. */
export interface Told extends Staleness {
  readonly hasSwap: boolean;
  readonly nowMs: number;
}

/** @param before what was served of the same pod, where there was any. */
export function advanceServed(
  before: ServedPod | undefined,
  containers: ReadonlyMap<string, Held>,
  told: Told,
): ServedPod {
  const all = podUsageOf(containers, told.hasSwap);
  if (all.kind === 'ready') return keepServed(before, all, told.nowMs);
  const sampled = withoutEnded(containers, stalenessMs(told));
  const whole = keepServed(before && standIn(before, containers), podUsageOf(sampled, told.hasSwap), told.nowMs);
  const ready = new Map([...sampled].filter(([, { base }]) => typeof base !== 'string'));
  // A container that is there without a value is no reason to serve the pod without it.
  const isOdd = sampled.values().some(({ last, lacksValue }) => lacksValue === true || Number.isNaN(last.memoryBytes));
  if (isOdd || ready.size === 0 || ready.size === sampled.size) return whole;
  const part = keepServed(before?.part?.served, podUsageOf(ready, told.hasSwap), told.nowMs);
  return { ...whole, part: { served: part, sinceMs: before?.part?.sinceMs ?? beganMs(whole, told) } };
}

/** From when on a container is waited for: the usage that is served meanwhile came a little earlier, and the part follows it without a gap. */
function beganMs(whole: Served<PodUsage>, told: Told): number {
  const isServed = readServed(whole, told.nowMs, told).kind === 'ready';
  return isServed && whole.last !== undefined ? whole.last.sinceMs : told.nowMs;
}

/**
 * The last usage of the whole pod while that is good, and then the part that there is. The HPA takes a pod with one container left out for
 * an idle one, so a container that has just started is waited for: as long as a usage is good, which is long enough for a second sample. But
 * one that crashes before it, again and again, does not take away its pod.
 */
export function readServedPod(served: ServedPod, nowMs: number, staleness: Staleness): Answer<PodUsage> {
  const answer = readServed(served, nowMs, staleness);
  const { part } = served;
  if (answer.kind === 'ready' || part === undefined || nowMs - part.sinceMs <= stalenessMs(staleness)) return answer;
  return readServed(part.served, nowMs, staleness);
}

/** A container whose first sample stays its only one, while others of its pod are sampled on, has ended: nothing waits for it. */
function withoutEnded(containers: ReadonlyMap<string, Held>, limitMs: number): ReadonlyMap<string, Held> {
  const newestMs = containers.values().reduce((newest, { last }) => Math.max(newest, last.timestampMs), -Infinity);
  return new Map(
    [...containers].filter(([, { last, base }]) => typeof base !== 'string' || newestMs - last.timestampMs <= limitMs),
  );
}

/**
 * What may stand for what is there now until that has a usage of its own: the last one without the containers that have ended. But nothing
 * where another one has come for them: an init container's gigabytes are not those of the pod that runs, nor is its sidecar all of it.
 */
function standIn({ last, reason }: Served<PodUsage>, now: ReadonlyMap<string, Held>): Served<PodUsage> {
  if (last === undefined) return { reason };
  const left = last.usage.containers.filter(({ name }) => now.has(name));
  if (left.length === last.usage.containers.length) return { reason, last };
  const usage = left.length === now.size ? toPodUsage(left) : undefined;
  return usage === undefined ? { reason } : { reason, last: { ...last, usage } };
}
