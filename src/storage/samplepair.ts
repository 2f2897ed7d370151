/** Slow path: a cgroup's samples as objects; rows.ts is the fast path. Pure. */
import { mayPrecede } from '../sample/clockstep.ts';
import { mayBeSameContainer } from '../sample/containerid.ts';
import type { UsageOrReason, ContainerPoint, Point, PodUsage, Usage } from '../sample/point.ts';
import { gauges } from '../sample/quantities.ts';
import { combineUsages, type ContainerUsage, nanocores, setGauge } from './rate.ts';
import {
  believedStartMs,
  classifySample,
  hasStartedSince,
  isPossible,
  isTooMuchMemory,
  type SampleKind,
  type SampleLimits,
} from './samplerules.ts';

/** The newest sample of one cgroup, and what its rate is counted from. */
export interface SamplePair<P extends Point = Point> {
  readonly last: P;
  /** The previous sample, or why there is none. */
  readonly base: RateBase | 'one-sample' | 'restarted';
  /**
   * A later sample that cannot follow the last one: of another counter if the next sample follows it, else wrong.
   * After a restart: the sample before. If the next one follows it, there was no restart.
   */
  readonly rival?: P;
  /** While the kubelet reports no possible value; the last usage is served until it is stale. */
  readonly lacksValue?: true;
  /** The last sample may precede a clock step: the interval to the next one is unknown. */
  readonly isBeforeStep?: true;
}

type RateBase = PointTime & Pick<Point, 'cpuSeconds'>;

type PointTime = Pick<Point, 'timestampMs' | 'rawTimestampMs' | 'isUntimed'>;

/** Adds a machine's newest sample. */
export function addMachineSample(pair: SamplePair | undefined, sample: Point, limits: SampleLimits): SamplePair {
  const point = withPossibleMemory(sample, limits);
  if (pair !== undefined) return addSample(pair, point, Number.NaN, limits);
  return { last: point, base: 'one-sample', ...sideOfStep(point, false, limits) };
}

/**
 * Adds a container's newest sample. Another container ID is a restart from zero.
 * @param youngerThanMs a younger container needs no second sample; 0 if start times are not trusted.
 */
export function addContainerSample(
  pair: SamplePair<ContainerPoint> | undefined,
  sample: ContainerPoint,
  youngerThanMs: number,
  limits: SampleLimits,
): SamplePair<ContainerPoint> {
  const point = withPossibleMemory(sample, limits);
  if (pair === undefined || !mayBeSameContainer(pair.last.containerId, point.containerId)) {
    const base =
      sinceStart(point, point.startTimeMs, youngerThanMs, limits) ?? (pair === undefined ? 'one-sample' : 'restarted');
    return { last: point, base, ...sideOfStep(point, false, limits) };
  }
  const startTimeMs = point.startTimeMs ?? Number.NaN;
  const next = addSample(pair, point, startTimeMs, limits);
  // First reported now; the usage since the start is known.
  const isFirstCounter = next.base === 'restarted' && next.last === point && pair.last.cpuSeconds === 0;
  const startMs = isFirstCounter ? believedStartMs(startTimeMs, stampMs(point), limits) : Number.NaN;
  const base = sinceStart(point, startMs, youngerThanMs, limits);
  return base === undefined ? next : { last: point, base };
}

/** Drops a working set beyond the node's memory. */
function withPossibleMemory<P extends Point>(point: P, limits: SampleLimits): P {
  return isTooMuchMemory(point.memoryBytes, limits) ? { ...point, memoryBytes: Number.NaN } : point;
}

/** Returns the milliseconds between the two samples; 0 without a second one. */
export function windowMs({ last, base }: SamplePair): number {
  return typeof base === 'string' ? 0 : stampMs(last) - stampMs(base);
}

/** Returns the usage between the two samples. */
export function usageOf(pair: SamplePair, hasSwap: boolean): UsageOrReason<Usage> {
  const { last, base } = pair;
  if (typeof base === 'string') return { kind: 'missing', reason: base };
  if (pair.lacksValue === true) return { kind: 'missing', reason: 'stale' };
  const betweenMs = windowMs(pair);
  const value: Usage = {
    timestampMs: last.timestampMs,
    windowMs: betweenMs,
    cpuNanocores: nanocores(last.cpuSeconds, base.cpuSeconds, betweenMs),
    memoryBytes: Math.trunc(last.memoryBytes),
  };
  for (const gauge of gauges) setGauge(value, gauge, last[gauge.field], hasSwap);
  return { kind: 'ready', value };
}

/** Returns a usage if all containers have one, for the HPA: see readPodUsage. */
export function podUsageOf(containers: ReadonlyMap<string, SamplePair>, hasSwap: boolean): UsageOrReason<PodUsage> {
  const usages: ContainerUsage[] = [];
  for (const [name, pair] of containers) {
    const usage = usageOf(pair, hasSwap);
    if (usage.kind === 'missing') return usage;
    usages.push({ name, ...usage.value });
  }
  return usages.length === 0
    ? { kind: 'missing', reason: 'never-scraped' }
    : { kind: 'ready', value: combineUsages(usages) };
}

/** @param startTimeMs NaN if unknown, and for machines. */
function addSample<P extends Point>(
  pair: SamplePair<P>,
  point: P,
  startTimeMs: number,
  limits: SampleLimits,
): SamplePair<P> {
  if (limits.step !== undefined || pair.isBeforeStep === true) return addAcrossStep(pair, point, startTimeMs, limits);
  const kind = classify(pair.last, point, startTimeMs, limits);
  // A sample without a value is no base.
  const hasNoBase = Number.isNaN(pair.last.memoryBytes) && followingNoValue.has(kind);
  if (hasNoBase) return { last: point, base: pair.base === 'one-sample' ? 'one-sample' : 'restarted' };
  if (kind === 'no value') return withoutValue(pair, point);
  const isSetBack = pair.rival !== undefined && isOfSetBackClock(pair.last, pair.rival, point, startTimeMs, limits);
  if (isSetBack) return { last: point, base: pair.rival };
  if (isOtherClock(pair.last, point)) return addToRival(pair, point, startTimeMs, limits);
  switch (kind) {
    case 'repeated':
      return pair.lacksValue === undefined ? pair : { last: pair.last, base: pair.base };
    case 'ended':
      return { last: point, base: { ...pair.last, cpuSeconds: 0 } };
    case 'newer':
      return { last: point, base: isAfterWrongSample(pair, point, startTimeMs, limits) ? pair.rival : pair.last };
    case 'restart':
      return isAfterWrongSample(pair, point, startTimeMs, limits)
        ? { last: point, base: pair.rival }
        : { last: point, base: 'restarted', ...(!Number.isNaN(pair.last.memoryBytes) && { rival: pair.last }) };
    case 'implausible':
    case 'other clock':
      return addToRival(pair, point, startTimeMs, limits);
  }
}

/** Adds a scrape without the cgroup: it has no value. */
export function addNoSample<P extends Point>(pair: SamplePair<P>, { step }: SampleLimits): SamplePair<P> {
  const lacking = pair.lacksValue === true ? pair : { ...pair, lacksValue: true as const };
  return step === undefined ? lacking : markBeforeStep(lacking);
}

/** Marks a pair as from before a clock step. */
export function markBeforeStep<P extends Point>({ last, base, lacksValue }: SamplePair<P>): SamplePair<P> {
  return { last, base, ...(lacksValue && { lacksValue }), isBeforeStep: true };
}

/** Adds a sample after a clock step. Times across it cannot be compared: it is a restart. */
function addAcrossStep<P extends Point>(
  pair: SamplePair<P>,
  point: P,
  startTimeMs: number,
  limits: SampleLimits,
): SamplePair<P> {
  const { last, base } = pair;
  // Checks values as if the last sample were as old as the previous scrape.
  const kind = classify(last, point, startTimeMs, limits, stampMs(point) - (limits.sinceScrapeMs ?? 0));
  if (kind === 'no value') return markBeforeStep(withoutValue(pair, point));
  if (stampMs(point) === stampMs(last) && !isOtherClock(last, point)) return markBeforeStep({ last, base });
  return { last: point, base: 'restarted', ...sideOfStep(point, true, limits) };
}

/** @param isNew taken after the previous scrape. */
function sideOfStep(point: Point, isNew: boolean, { step, isSetBack }: SampleLimits): Pick<SamplePair, 'isBeforeStep'> {
  const isBefore = isSetBack === true || (step !== undefined && mayPrecede(step, stampMs(point), isNew));
  // Without a time it has its response's, after the step.
  return isBefore && point.isUntimed !== true ? { isBeforeStep: true } : {};
}

/** Kinds that make a first sample after one without a value. */
const followingNoValue: ReadonlySet<SampleKind> = new Set(['newer', 'implausible', 'other clock']);

/**
 * Reports whether the clock was set back: the sample follows a rival far before the last one. If it also follows the
 * last one, as after one wrong time, the interval closer to the scrapes' decides; two have passed since the last
 * sample.
 */
function isOfSetBackClock(last: Point, rival: Point, point: Point, startTimeMs: number, limits: SampleLimits): boolean {
  if (limits.sinceScrapeMs === undefined || isOtherClock(last, rival)) return false;
  const [lastMs, rivalMs, nowMs] = [stampMs(last), stampMs(rival), stampMs(point)];
  const isRepeated = nowMs === lastMs && point.cpuSeconds === last.cpuSeconds;
  if (rivalMs >= lastMs || isRepeated || isOtherClock(rival, point)) return false;
  if (classify(rival, point, startTimeMs, limits) !== 'newer') return false;
  const misfit = (intervalMs: number, expectedMs: number) =>
    intervalMs > 0 ? Math.abs(Math.log(intervalMs / expectedMs)) : Infinity;
  return misfit(nowMs - rivalMs, limits.sinceScrapeMs) < misfit(nowMs - lastMs, 2 * limits.sinceScrapeMs);
}

/** Reports whether the last sample was wrong: this one follows the one before a restart. */
function isAfterWrongSample<P extends Point>(
  pair: SamplePair<P>,
  point: P,
  startTimeMs: number,
  limits: SampleLimits,
): pair is SamplePair<P> & Required<Pick<SamplePair<P>, 'rival'>> {
  const { base, rival } = pair;
  if (base !== 'restarted' || rival === undefined || isOtherClock(rival, point)) return false;
  if (hasStartedSince(stampMs(rival), believedStartMs(startTimeMs, stampMs(point), limits))) return false;
  return classify(rival, point, startTimeMs, limits) === 'newer';
}

/**
 * Adds a sample that may follow the rival: another machine has the node's name, or the kubelet stopped writing times.
 */
function addToRival<P extends Point>(
  pair: SamplePair<P>,
  point: P,
  startTimeMs: number,
  limits: SampleLimits,
): SamplePair<P> {
  const { last, base, rival } = pair;
  const follows = rival !== undefined && classify(rival, point, startTimeMs, limits) === 'newer';
  if (follows && !isOtherClock(rival, point)) return { last: point, base: rival };
  return { last, base, rival: point };
}

/** @param lastMs when the last sample was taken. */
function classify(
  last: Point,
  point: Point,
  startTimeMs: number,
  limits: SampleLimits,
  lastMs = stampMs(last),
): SampleKind {
  return classifySample(
    lastMs,
    last.cpuSeconds,
    last.memoryBytes,
    stampMs(point),
    point.cpuSeconds,
    point.memoryBytes,
    startTimeMs,
    limits,
  );
}

/** Reports whether times cannot be compared: a sample without one may be half a minute older than its response. */
export function isOtherClock(last: PointTime, point: PointTime): boolean {
  return point.isUntimed !== last.isUntimed;
}

/** Returns what the kubelet wrote, believed or not, for identity and intervals. */
export function stampMs({ timestampMs, rawTimestampMs }: PointTime): number {
  return rawTimestampMs ?? timestampMs;
}

/** Reports whether the kubelet wrote the time. */
export function hasPlainTime({ rawTimestampMs, isUntimed }: PointTime): boolean {
  return rawTimestampMs === undefined && isUntimed === undefined;
}

/** Reports whether the last sample is of the previous response, at a time that the kubelet wrote. */
export function isLastReported({ last, rival, lacksValue, isBeforeStep }: SamplePair): boolean {
  return hasPlainTime(last) && rival === undefined && lacksValue === undefined && isBeforeStep === undefined;
}

/** Keeps the last value; without one, the newest sample: it shows that the container exists. */
function withoutValue<P extends Point>(pair: SamplePair<P>, point: P): SamplePair<P> {
  if (Number.isNaN(pair.last.memoryBytes)) return { last: point, base: pair.base };
  return pair.lacksValue === true ? pair : { ...pair, lacksValue: true };
}

/**
 * Returns a container's start as the base, as metrics-server: the counter was zero. Not before 10 s: start times are
 * exact to a second or so.
 */
function sinceStart(
  point: ContainerPoint,
  startTimeMs: number | undefined,
  youngerThanMs: number,
  limits: SampleLimits,
): RateBase | undefined {
  if (startTimeMs === undefined || Number.isNaN(point.memoryBytes)) return undefined;
  const ageMs = stampMs(point) - startTimeMs;
  // At that age a counter of 0 was not reported.
  const isFresh = ageMs >= freshMinimumMs && ageMs < youngerThanMs && point.cpuSeconds > 0;
  // An impossible rate: the start time has moved.
  if (!isFresh || !isPossible(point.cpuSeconds, ageMs, limits)) return undefined;
  return { timestampMs: startTimeMs, cpuSeconds: 0 };
}

const freshMinimumMs = 10_000;
