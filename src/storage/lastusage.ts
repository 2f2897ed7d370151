/** The last usage there was of one object, and how long it is good; pure. */
import type { Answer, Missing, PodUsage, Usage } from '../sample/point.ts';

export interface Served<U> {
  /** Absent as long as there never was any; sinceMs is when it came, monotonic. */
  readonly last?: { readonly usage: U; readonly sinceMs: number };
  /** What to say when there is none or it is too old. */
  readonly reason: Missing;
}

/** What decides how long a usage is good. */
export interface Staleness {
  /** At least so long, in milliseconds; see defaultStalenessMs. */
  readonly atLeastMs: number;
  /** How far apart the node's samples are, in milliseconds. */
  readonly spacingMs: number;
}

/** A usage is stale when no newer one came for this many scrapes, ... */
const staleAfterScrapes = 3;
/** ... and not sooner than this: an idle container is sampled each 30 s, and one scrape may fail on top. */
const defaultAtLeastMs = 45_000;
/** Where a kubelet samples more slowly than we scrape, it may miss one sample, whatever was chosen. */
const staleAfterSamples = 2;

/** How long a usage is good where nobody has chosen, on nodes that sample as usual. */
export function defaultStalenessMs(resolutionMs: number): number {
  return Math.max(defaultAtLeastMs, staleAfterScrapes * resolutionMs);
}

/** How long a usage is good on a node. */
export function stalenessMs({ atLeastMs, spacingMs }: Staleness): number {
  return Math.max(atLeastMs, staleAfterSamples * spacingMs);
}

/** A usage that cannot be told right now (a restart, a first sample) does not take away the one that was there. */
export function keepServed<U extends Usage | PodUsage>(
  before: Served<U> | undefined,
  now: Answer<U>,
  nowMs: number,
): Served<U> {
  if (now.kind === 'missing') return before === undefined ? { reason: now.reason } : { ...before, reason: now.reason };
  // The same samples again are no news, or a kubelet that repeats itself would never be stale.
  const repeated = before?.last !== undefined && newestMs(before.last.usage) === newestMs(now.value);
  return { reason: 'stale', last: { usage: now.value, sinceMs: repeated ? before.last.sinceMs : nowMs } };
}

/** The last usage, or why it is not to be told any more. */
export function readServed<U extends Usage | PodUsage>(
  served: Served<U>,
  nowMs: number,
  staleness: Staleness,
): Answer<U> {
  if (served.last === undefined) return { kind: 'missing', reason: served.reason };
  const { usage, sinceMs } = served.last;
  const isGood = nowMs - sinceMs <= stalenessMs(staleness);
  return isGood ? { kind: 'ready', value: usage } : { kind: 'missing', reason: served.reason };
}

/** Of a pod, its freshest container: one that ended may linger with its last sample while the others go on. */
function newestMs(usage: Usage | PodUsage): number {
  if (!('containers' in usage)) return usage.timestampMs;
  return usage.containers.reduce((newest, { timestampMs }) => Math.max(newest, timestampMs), -Infinity);
}
