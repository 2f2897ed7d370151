/** Turns two samples of one cgroup into a usage, or says why it cannot yet; pure. */
import {
  type Answer,
  type ContainerPoint,
  mayBeSameContainer,
  type Point,
  type PodUsage,
  type Usage,
} from '../sample/point.ts';
import { hasStartedSince, isPossible, judge, type Judgement, mostCores, type Rules } from './samplerules.ts';

/** The newest sample of one cgroup and what its rate is counted from. */
export interface Held<P extends Point = Point> {
  readonly last: P;
  /** The sample before, or why there is none. */
  readonly base: Base | 'one-sample' | 'restarted';
  /**
   * A later sample that cannot follow the last one, or cannot be compared with it. Where the next one follows it, it was of another counter; otherwise it was
   * absurd. After a restart, the last sample before it: where the next one follows that, there was no restart, and the sample in between was absurd.
   */
  readonly rival?: P;
  /** Set while the kubelet reports the cgroup without a value that can be true: what was served before is served until it is stale. */
  readonly lacksValue?: true;
}

type Base = Time & Pick<Point, 'cpuSeconds'>;

type Time = Pick<Point, 'timestampMs' | 'toldMs' | 'isUntimed'>;

/** Takes in a machine's newest sample. */
export function advanceMachine(held: Held | undefined, point: Point, rules: Rules): Held {
  return held === undefined ? { last: point, base: 'one-sample' } : advance(held, point, Number.NaN, rules);
}

/**
 * Takes in a container's newest sample. Another container id is a restart: its counter began at zero, so nothing of the old one counts.
 * @param youngerThanMs a container younger than this at its first sample needs no second one; 0 where start times are not to be believed.
 */
export function advanceContainer(
  held: Held<ContainerPoint> | undefined,
  point: ContainerPoint,
  youngerThanMs: number,
  rules: Rules,
): Held<ContainerPoint> {
  if (held === undefined) return { last: point, base: sinceStart(point, youngerThanMs, rules) ?? 'one-sample' };
  if (!mayBeSameContainer(held.last.containerId, point.containerId)) {
    return { last: point, base: sinceStart(point, youngerThanMs, rules) ?? 'restarted' };
  }
  const now = advance(held, point, point.startTimeMs ?? Number.NaN, rules);
  // Its counter was not reported until now: what it has used since its start is known all the same.
  const isFirstCounter = now.base === 'restarted' && now.last === point && held.last.cpuSeconds === 0;
  const base = isFirstCounter ? sinceStart(point, youngerThanMs, rules) : undefined;
  return base === undefined ? now : { last: point, base };
}

/**
 * The rate between the two samples that are held.
 * @param hasSwap whether the node has swap: kubelets say 0 where there is none, and metrics-server's clients know of none.
 */
export function usageOf(held: Held, hasSwap: boolean): Answer<Usage> {
  const { last, base } = held;
  if (typeof base === 'string') return { kind: 'missing', reason: base };
  if (held.lacksValue === true) return { kind: 'missing', reason: 'stale' };
  const windowMs = stampMs(last) - stampMs(base);
  return {
    kind: 'ready',
    value: {
      timestampMs: last.timestampMs,
      windowMs,
      cpuNanocores: nanocores(last.cpuSeconds, base.cpuSeconds, windowMs),
      memoryBytes: Math.trunc(last.memoryBytes),
      swapBytes: hasSwap && last.swapBytes !== undefined ? Math.trunc(last.swapBytes) : undefined,
    },
  };
}

/** As metrics-server: whole nanoseconds first, then the rate, both cut towards zero. A counter that went back a little has used nothing. */
export function nanocores(lastSeconds: number, baseSeconds: number, windowMs: number): number {
  const usedNanoseconds = Math.max(0, Math.trunc(lastSeconds * 1e9) - Math.trunc(baseSeconds * 1e9));
  // A counter of millions of years is known to a minute or so, which may make more of what was possible.
  return Math.min(mostCores * 1e9, Math.trunc(usedNanoseconds / (windowMs / 1000)));
}

/** A pod has a usage if and only if each of its containers has: the HPA would take a pod with one left out for an idle one. */
export function podUsageOf(containers: ReadonlyMap<string, Held>, hasSwap: boolean): Answer<PodUsage> {
  const usages: (Usage & { readonly name: string })[] = [];
  for (const [name, held] of containers) {
    const usage = usageOf(held, hasSwap);
    if (usage.kind === 'missing') return usage;
    usages.push({ name, ...usage.value });
  }
  const value = toPodUsage(usages);
  return value === undefined ? { kind: 'missing', reason: 'never-scraped' } : { kind: 'ready', value };
}

/** A pod's time is that of its oldest container. Undefined without containers. */
export function toPodUsage(usages: PodUsage['containers']): PodUsage | undefined {
  const [first, ...rest] = usages;
  if (first === undefined) return undefined;
  const { timestampMs, windowMs } = rest.reduce(
    (old, usage) => (usage.timestampMs < old.timestampMs ? usage : old),
    first,
  );
  return { timestampMs, windowMs, containers: usages.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
}

/** @param startTimeMs of the container by the point; NaN where it is unknown, and of machines. */
function advance<P extends Point>(held: Held<P>, point: P, startTimeMs: number, rules: Rules): Held<P> {
  const judgement = judgeAfter(held.last, point, startTimeMs, rules);
  // Nothing is counted from a sample without a value.
  const startsAnew = Number.isNaN(held.last.memoryBytes) && startingAnew.has(judgement);
  if (startsAnew) return { last: point, base: held.base === 'one-sample' ? 'one-sample' : 'restarted' };
  const setBack = held.rival !== undefined && isOfSetBackClock(held.last, held.rival, point, startTimeMs, rules);
  if (setBack) return { last: point, base: held.rival };
  if (isOtherClock(held.last, point) && judgement !== 'no value') return afterRival(held, point, startTimeMs, rules);
  switch (judgement) {
    case 'repeated':
      return held.lacksValue === undefined ? held : { last: held.last, base: held.base };
    case 'no value':
      return withoutValue(held, point);
    case 'ended':
      return { last: point, base: { ...held.last, cpuSeconds: 0 } };
    case 'news':
      return { last: point, base: isAfterAbsurd(held, point, startTimeMs, rules) ? held.rival : held.last };
    case 'restart':
      return isAfterAbsurd(held, point, startTimeMs, rules)
        ? { last: point, base: held.rival }
        : { last: point, base: 'restarted', ...(!Number.isNaN(held.last.memoryBytes) && { rival: held.last }) };
    case 'implausible':
    case 'other clock':
      return afterRival(held, point, startTimeMs, rules);
  }
}

/** Of a sample after one without a value. */
const startingAnew: ReadonlySet<Judgement> = new Set(['news', 'implausible', 'other clock']);

/**
 * Reports whether a sample follows one with a time far before the last one's, and so shows that the node's clock was set back. It may follow the last one, too, as
 * after one odd time: then the intervals decide by which of them fits the time between scrapes, of which two have passed since the last sample.
 */
function isOfSetBackClock(last: Point, rival: Point, point: Point, startTimeMs: number, rules: Rules): boolean {
  if (rules.sinceScrapeMs === undefined || isOtherClock(last, rival)) return false;
  const [lastMs, rivalMs, nowMs] = [stampMs(last), stampMs(rival), stampMs(point)];
  const isRepeated = nowMs === lastMs && point.cpuSeconds === last.cpuSeconds;
  if (rivalMs >= lastMs || isRepeated || isOtherClock(rival, point)) return false;
  if (judgeAfter(rival, point, startTimeMs, rules) !== 'news') return false;
  const misfit = (intervalMs: number, expectedMs: number) =>
    intervalMs > 0 ? Math.abs(Math.log(intervalMs / expectedMs)) : Infinity;
  return misfit(nowMs - rivalMs, rules.sinceScrapeMs) < misfit(nowMs - lastMs, 2 * rules.sinceScrapeMs);
}

/** Reports whether a sample follows the one from before a restart: then the last one was odd, and nothing has restarted. */
function isAfterAbsurd<P extends Point>(
  held: Held<P>,
  point: P,
  startTimeMs: number,
  rules: Rules,
): held is Held<P> & Required<Pick<Held<P>, 'rival'>> {
  const { base, rival } = held;
  if (base !== 'restarted' || rival === undefined || isOtherClock(rival, point)) return false;
  if (hasStartedSince(stampMs(rival), startTimeMs)) return false;
  return judgeAfter(rival, point, startTimeMs, rules) === 'news';
}

/**
 * A machine exchanged under its node's name goes on from its own counter, and a kubelet that stops writing times from its own samples; one odd sample is
 * followed by samples that fit the last one.
 */
function afterRival<P extends Point>(held: Held<P>, point: P, startTimeMs: number, rules: Rules): Held<P> {
  const { last, base, rival } = held;
  const follows = rival !== undefined && judgeAfter(rival, point, startTimeMs, rules) === 'news';
  if (follows && !isOtherClock(rival, point)) return { last: point, base: rival };
  return { last, base, rival: point };
}

function judgeAfter(last: Point, point: Point, startTimeMs: number, rules: Rules): Judgement {
  return judge(
    stampMs(last),
    last.cpuSeconds,
    last.memoryBytes,
    stampMs(point),
    point.cpuSeconds,
    point.memoryBytes,
    startTimeMs,
    rules,
  );
}

/** A sample without a time may be half a minute older than its answer, so that the interval to one with a time may be next to nothing. */
export function isOtherClock(last: Time, point: Time): boolean {
  return point.isUntimed !== last.isUntimed;
}

/** Returns the time by which a sample is told from others and its intervals are counted: what the kubelet wrote, also where that is not believed. */
export function stampMs({ timestampMs, toldMs }: Time): number {
  return toldMs ?? timestampMs;
}

/** Reports whether a sample's time is what the kubelet wrote. */
export function hasPlainTime({ toldMs, isUntimed }: Time): boolean {
  return toldMs === undefined && isUntimed === undefined;
}

/** The last value stays what is counted from. Where there never was one, the newest sample shows that the container is still there. */
function withoutValue<P extends Point>(held: Held<P>, point: P): Held<P> {
  if (Number.isNaN(held.last.memoryBytes)) return { last: point, base: held.base };
  return held.lacksValue === true ? held : { ...held, lacksValue: true };
}

/**
 * metrics-server's rule for fresh containers: the counter was zero at the start, so one sample can be enough. Not before 10 s, because the
 * start time is only good to a second or so.
 */
function sinceStart(point: ContainerPoint, youngerThanMs: number, rules: Rules): Base | undefined {
  if (point.startTimeMs === undefined || Number.isNaN(point.memoryBytes)) return undefined;
  const ageMs = stampMs(point) - point.startTimeMs;
  // A container of that age has used some CPU: a counter of 0 is one that is not reported.
  const isFresh = ageMs >= freshMinimumMs && ageMs < youngerThanMs && point.cpuSeconds > 0;
  // More than a machine could do in that time: the start time has moved.
  if (!isFresh || !isPossible(point.cpuSeconds, ageMs, rules)) return undefined;
  return { timestampMs: point.startTimeMs, cpuSeconds: 0 };
}

const freshMinimumMs = 10_000;
