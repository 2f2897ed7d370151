/** Turns two samples of one cgroup into a usage, or says why it cannot yet; pure. */
import type { Answer, ContainerPoint, Point, PodUsage, Usage } from '../point.ts';

/** The newest sample of one cgroup and what its rate is counted from. */
export interface Held<P extends Point = Point> {
  readonly last: P;
  /** The sample before, or why there is none. */
  readonly base: Base | 'one-sample' | 'restarted';
}

type Base = Pick<Point, 'timestampMs' | 'cpuSeconds'>;

/** Takes in a machine's newest sample. */
export function advanceMachine(held: Held | undefined, point: Point): Held {
  return held === undefined ? { last: point, base: 'one-sample' } : advance(held, point);
}

/**
 * Takes in a container's newest sample. Another container id is a restart: its counter began at zero, so nothing of the old one counts.
 * @param youngerThanMs a container younger than this at its first sample needs no second one; 0 where start times are not to be believed.
 */
export function advanceContainer(
  held: Held<ContainerPoint> | undefined,
  point: ContainerPoint,
  youngerThanMs: number,
): Held<ContainerPoint> {
  if (held === undefined) return { last: point, base: sinceStart(point, youngerThanMs) ?? 'one-sample' };
  if (held.last.containerId !== point.containerId) {
    return { last: point, base: sinceStart(point, youngerThanMs) ?? 'restarted' };
  }
  return advance(held, point);
}

/**
 * The rate between the two samples that are held.
 * @param hasSwap whether the node has swap: kubelets say 0 where there is none, and metrics-server's clients know of none.
 */
export function usageOf(held: Held, hasSwap: boolean): Answer<Usage> {
  const { last, base } = held;
  if (typeof base === 'string') return { kind: 'missing', reason: base };
  const windowMs = last.timestampMs - base.timestampMs;
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
  return Math.trunc(usedNanoseconds / (windowMs / 1000));
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

function advance<P extends Point>(held: Held<P>, point: P): Held<P> {
  const behindMs = held.last.timestampMs - point.timestampMs;
  // The node's clock was set back: to wait until it has caught up could take hours.
  if (behindMs > clockStepMs) return { last: point, base: 'restarted' };
  // Kubelets sample every 10 to 30 s whenever they are scraped: the same sample again, or one a little older, is no news.
  if (behindMs >= 0) return held;
  // The sample may be half a minute older than its guessed time, so that the distance to one with a true time may be next to nothing.
  if (point.isTimeGuessed !== held.last.isTimeGuessed) return { last: point, base: 'restarted' };
  if (point.cpuSeconds < held.last.cpuSeconds - counterJitterSeconds) return { last: point, base: 'restarted' };
  return { last: point, base: held.last };
}

/** Rows of one container never differ by that much in time. */
export const clockStepMs = 10_000;

/** cgroup v1 sums per-CPU counters without a lock, so a total may go back by some nanoseconds. */
export const counterJitterSeconds = 1e-6;

/**
 * metrics-server's rule for fresh containers: the counter was zero at the start, so one sample can be enough. Not before 10 s, because the
 * start time is only good to a second or so.
 */
function sinceStart(point: ContainerPoint, youngerThanMs: number): Base | undefined {
  if (point.startTimeMs === undefined) return undefined;
  const ageMs = point.timestampMs - point.startTimeMs;
  const isFresh = ageMs >= freshMinimumMs && ageMs < youngerThanMs;
  // More than a machine could do in that time: the start time has moved.
  if (!isFresh || point.cpuSeconds * 1000 > ageMs * mostCores) return undefined;
  return { timestampMs: point.startTimeMs, cpuSeconds: 0 };
}

const freshMinimumMs = 10_000;
const mostCores = 1_024;
