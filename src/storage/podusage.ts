/** What is served of a pod while its containers come, wait for a second sample, and go; pure. */
import type { Answer, PodUsage } from '../sample/point.ts';
import { keepServed, readServed, type Served, type Staleness, stalenessMs } from './lastusage.ts';
import type { HeldPod } from './nodestate.ts';
import { type Held, podUsageOf, toPodUsage } from './window.ts';

export interface ServedPod extends Served<PodUsage> {
  /** The containers that have a usage, as long as another one has none; since when that one is waited for, monotonic. */
  readonly part?: { readonly served: Served<PodUsage>; readonly sinceMs: number };
  /** When a container was last there without a value, monotonic; as long as the pod has had no usage of all of them since. */
  readonly oddMs?: number;
}

/** When a scrape came, and what is known of its node. */
export interface Told extends Staleness {
  readonly hasSwap: boolean;
  readonly nowMs: number;
}

/**
 * Takes in what is known of a pod's containers now.
 * @param before what was served of the same pod, where there was any.
 * @param previous its containers by the previous scrape.
 */
export function advanceServed(
  before: ServedPod | undefined,
  { containers, absent }: Pick<HeldPod, 'containers' | 'absent'>,
  told: Told,
  previous: HeldPod['containers'] | undefined,
): ServedPod {
  const all = absent.size === 0 ? podUsageOf(containers, told.hasSwap) : unreported;
  if (all.kind === 'ready') return keepServed(before, all, told.nowMs);
  const reported = new Map([...containers].filter(([name]) => !absent.has(name)));
  const sampled = withoutEnded(reported, previous, stalenessMs(told));
  const ready = new Map([...sampled].filter(([, { base }]) => typeof base !== 'string'));
  // A container that is there without a value is no reason to serve the pod without it.
  const isOdd = sampled.values().some(({ last, lacksValue }) => lacksValue === true || Number.isNaN(last.memoryBytes));
  // Nor to serve less of the pod than a part that is served already.
  const isLess = before?.part?.served.last?.usage.containers.some(
    ({ name }) => containers.has(name) && !ready.has(name),
  );
  const last = before !== undefined && (isOdd || isLess === true) ? shown(before, told) : before;
  const usage = absent.size === 0 ? podUsageOf(sampled, told.hasSwap) : unreported;
  const whole = keepServed(last && standIn(last, containers), usage, told.nowMs);
  if (isOdd) return { ...whole, oddMs: told.nowMs };
  if (ready.size === sampled.size && absent.size === 0) return whole;
  const odd = before?.oddMs === undefined ? {} : { oddMs: before.oddMs };
  if (ready.size === 0) return { ...whole, ...odd };
  const part = isLess === true ? undefined : before?.part;
  const served = keepServed(part?.served, podUsageOf(ready, told.hasSwap), told.nowMs);
  const sinceMs = part?.sinceMs ?? Math.max(beganMs(whole, told), before?.oddMs ?? -Infinity);
  return { ...whole, ...odd, part: { served, sinceMs } };
}

/** A row that is away for one scrape is no end of its container. */
const unreported = { kind: 'missing', reason: 'stale' } as const;

/** Returns what is served now: the whole, or the part. */
function shown(served: ServedPod, told: Told): Served<PodUsage> {
  return isPartShown(served, told.nowMs, told) ? served.part.served : served;
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
  return readServed(isPartShown(served, nowMs, staleness) ? served.part.served : served, nowMs, staleness);
}

function isPartShown(
  served: ServedPod,
  nowMs: number,
  staleness: Staleness,
): served is ServedPod & Required<Pick<ServedPod, 'part'>> {
  if (served.part === undefined || nowMs - served.part.sinceMs <= stalenessMs(staleness)) return false;
  return readServed(served, nowMs, staleness).kind !== 'ready';
}

/**
 * A container whose first sample stays its only one, while others of its pod are sampled on, has ended: nothing waits for it. A sample that has just come has not
 * stayed, however old its time is, nor does the time count of one whose clock may have been set back.
 */
function withoutEnded(
  containers: ReadonlyMap<string, Held>,
  previous: ReadonlyMap<string, Held> | undefined,
  limitMs: number,
): ReadonlyMap<string, Held> {
  const sure = containers.values().filter(({ rival }) => rival === undefined);
  const newestMs = sure.reduce((newest, { last }) => Math.max(newest, last.timestampMs), -Infinity);
  const hasEnded = (name: string, { last, base }: Held) =>
    typeof base === 'string' && newestMs - last.timestampMs > limitMs && previous?.get(name)?.last === last;
  return new Map([...containers].filter(([name, held]) => !hasEnded(name, held)));
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
