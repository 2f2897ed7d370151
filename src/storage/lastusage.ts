/** Keeps an object's last known good usage until it is stale; pure. */
import type { UsageOrReason, Missing, PodUsage, Usage } from '../sample/point.ts';

export interface LastUsage<U> {
  /** Absent before the first. `sinceMs` is when its newest sample came, monotonic. */
  readonly last?: { readonly usage: U; readonly sinceMs: number };
  /** Why there is none, or it is stale. */
  readonly reason: Missing;
}

export interface LastPodUsage extends LastUsage<PodUsage> {
  /** Containers with a usage, while others have none since `sinceMs`, monotonic. */
  readonly part?: { readonly lastUsage: LastUsage<PodUsage>; readonly sinceMs: number };
  /** When a container last lacked a value, monotonic; until the pod has a usage. */
  readonly valuelessMs?: number;
}

/** Decides how long a usage is served. */
export interface Staleness {
  /** See defaultStalenessMs. */
  readonly atLeastMs: number;
  /** The longest between the node's samples, in milliseconds. */
  readonly spacingMs: number;
}

/** Scrapes without a newer usage. */
const staleAfterScrapes = 3;
/** Milliseconds; an idle container is sampled every 30 s, and one scrape may fail. */
const defaultAtLeastMs = 45_000;
/** Intervals between samples: a slow kubelet may miss one. */
export const staleAfterSamples = 2;

/** Returns the default of --metrics-staleness in milliseconds. */
export function defaultStalenessMs(resolutionMs: number): number {
  return Math.max(defaultAtLeastMs, staleAfterScrapes * resolutionMs);
}

/** Returns how long a usage is served, in milliseconds. */
export function stalenessMs({ atLeastMs, spacingMs }: Staleness): number {
  return Math.max(atLeastMs, staleAfterSamples * spacingMs);
}

/** Decides for the fast path (pods in rows) and the slow path. */
export function isStale(sinceMs: number, nowMs: number, staleness: Staleness): boolean {
  return nowMs - sinceMs > stalenessMs(staleness);
}

/** Replaces the usage by a newer one; a missing one (a restart, a first sample) does not. */
export function updateLastUsage<U extends Usage | PodUsage>(
  previous: LastUsage<U> | undefined,
  now: UsageOrReason<U>,
  nowMs: number,
): LastUsage<U> {
  if (now.kind === 'missing')
    return previous === undefined ? { reason: now.reason } : { ...previous, reason: now.reason };
  // Otherwise a kubelet that repeats its samples would never be stale.
  const repeated = previous?.last !== undefined && newestMs(previous.last.usage) === newestMs(now.value);
  return { reason: 'stale', last: { usage: now.value, sinceMs: repeated ? previous.last.sinceMs : nowMs } };
}

/** Returns the last usage, or why it is not served. */
export function readLastUsage<U extends Usage | PodUsage>(
  { last, reason }: LastUsage<U>,
  nowMs: number,
  staleness: Staleness,
): UsageOrReason<U> {
  const isServed = last !== undefined && !isStale(last.sinceMs, nowMs, staleness);
  return isServed ? { kind: 'ready', value: last.usage } : { kind: 'missing', reason };
}

/** A container that ended may keep its last sample while the others go on. */
function newestMs(usage: Usage | PodUsage): number {
  if (!('containers' in usage)) return usage.timestampMs;
  return usage.containers.reduce((newest, { timestampMs }) => Math.max(newest, timestampMs), -Infinity);
}
