/** Decides what is served of a pod whose containers start, wait and end; pure. */
import type { UsageOrReason, PodUsage } from '../sample/point.ts';
import {
  isStale,
  type LastPodUsage,
  type LastUsage,
  readLastUsage,
  staleAfterSamples,
  type Staleness,
  stalenessMs,
  updateLastUsage,
} from './lastusage.ts';
import type { PodState } from './nodestate.ts';
import { combineUsages } from './rate.ts';
import { podUsageOf, type SamplePair, windowMs } from './samplepair.ts';

/** A scrape's time, and its node. */
export interface ScrapeTime extends Staleness {
  readonly hasSwap: boolean;
  readonly nowMs: number;
}

/** Updates a pod's usage by its containers' samples. */
export function updatePodUsage(
  previous: LastPodUsage | undefined,
  { containers, absent }: Pick<PodState, 'containers' | 'absent'>,
  scrape: ScrapeTime,
  previousContainers: PodState['containers'] | undefined,
): LastPodUsage {
  const all = absent.size === 0 ? podUsageOf(containers, scrape.hasSwap) : waiting;
  if (all.kind === 'ready') return updateLastUsage(previous, all, scrape.nowMs);
  const reported = new Map([...containers].filter(([name]) => !absent.has(name)));
  const sampled = withoutEnded(reported, previousContainers, stalenessMs(scrape));
  const ready = new Map([...sampled].filter(([, { base }]) => typeof base !== 'string'));
  // A container without a value still runs: the pod is not served without it.
  const lacksValue = sampled.values().some((pair) => pair.lacksValue === true || Number.isNaN(pair.last.memoryBytes));
  // A served part does not shrink.
  const isLess = previous?.part?.lastUsage.last?.usage.containers.some(
    ({ name }) => containers.has(name) && !ready.has(name),
  );
  const last = previous !== undefined && (lacksValue || isLess === true) ? servedUsage(previous, scrape) : previous;
  const usage = absent.size === 0 ? podUsageOf(sampled, scrape.hasSwap) : waiting;
  const whole = updateLastUsage(last && lastOfRemaining(last, containers), usage, scrape.nowMs);
  if (lacksValue) return { ...whole, valuelessMs: scrape.nowMs };
  if (ready.size === sampled.size && absent.size === 0) return whole;
  // All have started anew, as after a step of the clock or a change of endpoints: the slowest needs two samples.
  if (ready.size === 0) return { ...whole, valuelessMs: scrape.nowMs };
  const valueless = previous?.valuelessMs === undefined ? {} : { valuelessMs: previous.valuelessMs };
  const part = isLess === true ? undefined : previous?.part;
  const lastUsage = updateLastUsage(part?.lastUsage, podUsageOf(ready, scrape.hasSwap), scrape.nowMs);
  const sinceMs = part?.sinceMs ?? Math.max(waitStartMs(whole, scrape), previous?.valuelessMs ?? -Infinity);
  return { ...whole, ...valueless, part: { lastUsage, sinceMs } };
}

/** One missing row does not end a container. */
const waiting = { kind: 'missing', reason: 'stale' } as const;

function servedUsage(usage: LastPodUsage, scrape: ScrapeTime): LastUsage<PodUsage> {
  return isPartServed(usage, scrape.nowMs, scrape) ? usage.part.lastUsage : usage;
}

/** Waits since the usage that is served now: the part follows without a gap. */
function waitStartMs(whole: LastUsage<PodUsage>, scrape: ScrapeTime): number {
  const isServed = readLastUsage(whole, scrape.nowMs, scrape).kind === 'ready';
  return isServed && whole.last !== undefined ? whole.last.sinceMs : scrape.nowMs;
}

/**
 * Returns the whole pod's last usage until it is stale, then the part's. The HPA takes a pod that lacks a container
 * for an idle one, so it waits for a start. A crash before the second sample does not remove the pod.
 */
export function readPodUsage(usage: LastPodUsage, nowMs: number, staleness: Staleness): UsageOrReason<PodUsage> {
  return readLastUsage(isPartServed(usage, nowMs, staleness) ? usage.part.lastUsage : usage, nowMs, staleness);
}

function isPartServed(
  usage: LastPodUsage,
  nowMs: number,
  staleness: Staleness,
): usage is LastPodUsage & Required<Pick<LastPodUsage, 'part'>> {
  if (usage.part === undefined || !isStale(usage.part.sinceMs, nowMs, staleness)) return false;
  return readLastUsage(usage, nowMs, staleness).kind !== 'ready';
}

/**
 * Drops ended containers: their first sample stays while others go on. Neither a new sample counts, nor one whose
 * clock may have been set back.
 */
function withoutEnded(
  containers: ReadonlyMap<string, SamplePair>,
  previous: ReadonlyMap<string, SamplePair> | undefined,
  limitMs: number,
): ReadonlyMap<string, SamplePair> {
  const sure = containers.values().filter(({ rival }) => rival === undefined);
  const newestMs = sure.reduce((newest, { last }) => Math.max(newest, last.timestampMs), -Infinity);
  // A kubelet that samples slowly shows it here first: the intervals of others are learned later.
  const longestMs = Math.max(limitMs, ...Array.from(containers.values(), (pair) => staleAfterSamples * windowMs(pair)));
  const hasEnded = (name: string, { last, base, lacksValue, isBeforeStep }: SamplePair) =>
    typeof base === 'string' &&
    lacksValue === undefined &&
    isBeforeStep === undefined &&
    newestMs - last.timestampMs > longestMs &&
    previous?.get(name)?.last === last;
  return new Map([...containers].filter(([name, pair]) => !hasEnded(name, pair)));
}

/** Drops ended containers; everything if one is new: an init container's memory must not stand for the app's. */
function lastOfRemaining(
  { last, reason }: LastUsage<PodUsage>,
  now: ReadonlyMap<string, SamplePair>,
): LastUsage<PodUsage> {
  if (last === undefined) return { reason };
  const remaining = last.usage.containers.filter(({ name }) => now.has(name));
  if (remaining.length === last.usage.containers.length) return { reason, last };
  if (remaining.length !== now.size || remaining.length === 0) return { reason };
  return { reason, last: { ...last, usage: combineUsages(remaining) } };
}
