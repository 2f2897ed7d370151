/** Usage that was read while the program runs, where the server keeps no history. */
import { isSetBack } from '../view/setback.ts';
import type { PointView } from '../view/types.ts';
import { historySeconds, usageSeriesLimit } from './limits.ts';
import type { UsageSeries } from './routes.ts';

export interface SeriesQuery {
  readonly sinceSeconds: number;
  /** Thins out to the last point of each interval. */
  readonly stepSeconds?: number;
}

export interface CollectedPoint extends PointView {
  /** When it was read, by kube-apiserver's clock. */
  readonly readMs: number;
}

/** One hour of points by name, one per timestamp. */
export class UsageLog {
  readonly #points = new Map<string, PointColumns>();
  #isFull = false;

  /** Whether a name was left out, because there are as many as there may be. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /**
   * Takes a point, unless it is known or older than the latest that is not of the future. After a node's clock was set back,
   * points of before give way.
   * @param name of a node, or `namespace/pod/container`
   * @param nowMs by kube-apiserver's clock
   */
  add(name: string, point: PointView, nowMs: number): void {
    let points = this.#points.get(name);
    if (points === undefined) {
      if (this.#points.size >= usageSeriesLimit) {
        this.#isFull = true;
        return;
      }
      points = new PointColumns();
      this.#points.set(name, points);
    }
    points.add({ ...point, readMs: nowMs }, nowMs + futureLimitMs);
  }

  /** Removes points that are older than an hour. @param nowMs by kube-apiserver's clock. */
  expire(nowMs: number): void {
    for (const [name, points] of this.#points) {
      points.dropBefore(nowMs - historySeconds * 1000);
      if (points.isEmpty) this.#points.delete(name);
    }
    this.#isFull = this.#isFull && this.#points.size >= usageSeriesLimit;
  }

  /** Returns points, oldest first, by name. @param nowMs by kube-apiserver's clock. */
  read(
    { sinceSeconds, stepSeconds }: SeriesQuery,
    nowMs: number,
    isWanted: (name: string) => boolean,
  ): ReadonlyMap<string, readonly CollectedPoint[]> {
    const read = new Map<string, readonly CollectedPoint[]>();
    for (const [name, columns] of this.#points) {
      if (!isWanted(name)) continue;
      const points = columns.since(nowMs - sinceSeconds * 1000);
      if (points.length > 0) read.set(name, thinned(points, stepSeconds));
    }
    return read;
  }
}

/** Milliseconds that a node's clock may be ahead. A later timestamp must not keep true ones away until its time comes. */
const futureLimitMs = 60_000;

/** Numbers of a point: timestamp, window, CPU, memory, NaN where there is none, and when it was read. */
const width = 5;
const firstCapacity = 16;

/** Points as numbers in a row: 40 bytes each, a fifth of objects. */
class PointColumns {
  #numbers = new Float64Array(firstCapacity * width);
  /** Numbers in use. */
  #end = 0;

  get isEmpty(): boolean {
    return this.#end === 0;
  }

  get #latestMs(): number {
    return this.#numbers[this.#end - width] ?? Number.NEGATIVE_INFINITY;
  }

  /** @param latestMs Points after it give way to an older one. */
  add(point: CollectedPoint, latestMs: number): void {
    const { timestampMs, windowSeconds, cpu = Number.NaN, memory = Number.NaN, readMs } = point;
    if (isSetBack(timestampMs, this.#latestMs)) this.#dropAfter(timestampMs);
    else if (timestampMs < this.#latestMs) this.#dropAfter(Math.max(latestMs, timestampMs));
    if (timestampMs <= this.#latestMs) return;
    if (this.#end === this.#numbers.length) {
      const longer = new Float64Array(this.#end * 2);
      longer.set(this.#numbers);
      this.#numbers = longer;
    }
    this.#numbers.set([timestampMs, windowSeconds, cpu, memory, readMs], this.#end);
    this.#end += width;
  }

  #dropAfter(timestampMs: number): void {
    while (this.#latestMs > timestampMs) this.#end -= width;
  }

  dropBefore(timestampMs: number): void {
    const first = this.#indexOf(timestampMs);
    if (first === 0) return;
    this.#numbers.copyWithin(0, first, this.#end);
    this.#end -= first;
  }

  since(fromMs: number): CollectedPoint[] {
    const points: CollectedPoint[] = [];
    for (let at = this.#indexOf(fromMs); at < this.#end; at += width) {
      const numbers = this.#numbers.subarray(at, at + width);
      const [timestampMs = 0, windowSeconds = 0, cpu = Number.NaN, memory = Number.NaN, readMs = 0] = numbers;
      points.push({
        timestampMs,
        windowSeconds,
        ...(Number.isNaN(cpu) ? {} : { cpu }),
        ...(Number.isNaN(memory) ? {} : { memory }),
        readMs,
      });
    }
    return points;
  }

  /** Returns the index of the first point that is not older. */
  #indexOf(timestampMs: number): number {
    let at = 0;
    while (at < this.#end && (this.#numbers[at] ?? 0) < timestampMs) at += width;
    return at;
  }
}

function thinned(points: readonly CollectedPoint[], stepSeconds: number | undefined): readonly CollectedPoint[] {
  if (stepSeconds === undefined) return points;
  const intervalOf = ({ timestampMs }: PointView) => Math.floor(timestampMs / 1000 / stepSeconds);
  return points.filter((point, index) => {
    const next = points[index + 1];
    return next === undefined || intervalOf(next) !== intervalOf(point);
  });
}

/** Returns the columns of points. */
export function toUsageSeries(
  points: ReadonlyMap<string, readonly (PointView & Partial<CollectedPoint>)[]>,
): readonly UsageSeries[] {
  return [...points].map(([name, each]) => ({
    name,
    timeSeconds: each.map(({ timestampMs }) => timestampMs / 1000),
    windowSeconds: each.map(({ windowSeconds }) => windowSeconds),
    cpu: each.map(({ cpu }) => cpu ?? null),
    memory: each.map(({ memory }) => memory ?? null),
    ...(each[0]?.readMs !== undefined && { readSeconds: each.map(({ readMs = 0 }) => readMs / 1000) }),
  }));
}
