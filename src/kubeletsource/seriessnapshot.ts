/**
 * Writes and reads the served values of custom metrics across a restart: they stand until the second samples come. Kept
 * samples are not written: they are ten times as long, and a rate is there again after one interval.
 */
import { canBeId, valueLimit } from '../sample/point.ts';
import { isPossibleTime, longestMs } from '../storage/snapshotchecks.ts';
import { emptyNode, type StoredSeries } from './nodeseries.ts';
import { type LastNumber, ObjectSeries } from './podseries.ts';

/** Rejects what no process writes, or what cannot be served. */
export class SavedSeriesError extends Error {
  override readonly name = 'SavedSeriesError';
}

/** One node's values. */
export interface SavedSeries {
  readonly node: string;
  /** The Node's UID; undefined if unknown. */
  readonly uid?: string | undefined;
  readonly spacingMs: number;
  readonly metrics: readonly string[];
  /** By podKey; the machine's is empty. */
  readonly objects: readonly (readonly [key: string, numbers: readonly SavedNumber[]])[];
}

/** As short as can be: there is one per pod and metric. */
type SavedNumber = readonly [
  metric: number,
  value: number,
  timestampMs: number,
  windowMs: number,
  ageMs: number,
  newestMs: number,
  ready: number,
];

/** A node has fewer containers. */
const readyLimit = 1e6;

/** Returns the values that are served now. */
export function saveSeries(
  name: string,
  uid: string | undefined,
  node: StoredSeries,
  { nowMs, stalenessMs }: { readonly nowMs: number; readonly stalenessMs: number },
): SavedSeries {
  const metrics = new Map<string, number>();
  const indexOf = (metric: string) => {
    const index = metrics.get(metric) ?? metrics.size;
    metrics.set(metric, index);
    return index;
  };
  const save = (key: string, series: ObjectSeries): SavedSeries['objects'] => {
    const numbers: SavedNumber[] = [];
    for (const [metric, { value, timestampMs, windowMs, sinceMs, newestMs, ready }] of series.served(
      nowMs,
      stalenessMs,
    )) {
      // A sum may be above what one sample may be.
      if (value > valueLimit) continue;
      const ageMs = Math.max(0, nowMs - sinceMs);
      numbers.push([indexOf(metric), value, timestampMs, windowMs, ageMs, newestMs, ready]);
    }
    return numbers.length === 0 ? [] : [[key, numbers]];
  };
  const objects = [...save('', node.machine), ...Array.from(node.pods, ([key, series]) => save(key, series)).flat()];
  return { node: name, uid, spacingMs: node.spacingMs, metrics: [...metrics.keys()], objects };
}

/** Returns a node with the values, and no samples. @param thenMs when they were saved, monotonic. */
export function loadSeries(
  { uid, spacingMs, metrics, objects }: SavedSeries,
  thenMs: number,
  nowMs: number,
): StoredSeries {
  const node = emptyNode('cadvisor', nowMs);
  node.uid = uid;
  node.spacingMs = spacingMs;
  for (const [key, numbers] of objects) {
    const series = key === '' ? node.machine : new ObjectSeries(thenMs);
    if (key !== '') node.pods.set(key, series);
    for (const [metric, value, timestampMs, windowMs, ageMs, newestMs, ready] of numbers) {
      const number: LastNumber = { value, timestampMs, windowMs, sinceMs: thenMs - ageMs, newestMs, ready };
      series.restore(metrics[metric]!, number);
    }
  }
  return node;
}

/** @throws SavedSeriesError for a line that cannot be. */
export function checkSavedSeries(value: unknown): SavedSeries {
  const { node, uid, spacingMs, metrics, objects } = fieldsOf(value);
  check(isText(node) && (uid === undefined || isText(uid)), 'names');
  check(isBetween(spacingMs, 0, longestMs), 'spacing');
  check(Array.isArray(metrics) && metrics.every(isText) && Array.isArray(objects), 'lists');
  for (const object of objects as readonly unknown[]) {
    check(Array.isArray(object) && object.length === 2, 'objects');
    const [key, numbers] = object as readonly unknown[];
    check(
      typeof key === 'string' && (key === '' || key.split('/').every(isText)) && Array.isArray(numbers),
      'an object',
    );
    for (const number of numbers as readonly unknown[]) checkNumber(number, (metrics as readonly unknown[]).length);
  }
  return value as SavedSeries;
}

/** @throws SavedSeriesError as checkSavedSeries. */
export function checkSavedDemand(value: unknown): readonly (readonly [string, number])[] {
  check(Array.isArray(value), 'demand');
  for (const each of value as readonly unknown[]) {
    check(Array.isArray(each) && each.length === 2 && isText(each[0]) && isBetween(each[1], 0, longestMs), 'demand');
  }
  return value as readonly (readonly [string, number])[];
}

function checkNumber(number: unknown, metrics: number): void {
  check(Array.isArray(number) && number.length === 7, 'a number');
  const [metric, value, timestampMs, windowMs, ageMs, newestMs, ready] = number as readonly unknown[];
  check(isBetween(metric, 0, metrics - 1) && Number.isInteger(metric), 'a metric');
  check(isBetween(value, 0, valueLimit), 'a value');
  check(typeof timestampMs === 'number' && isPossibleTime(timestampMs), 'a time');
  check(typeof newestMs === 'number' && isPossibleTime(newestMs), 'a newest time');
  check(isBetween(windowMs, 0, longestMs) && isBetween(ageMs, 0, longestMs), 'a window or age');
  check(isBetween(ready, 0, readyLimit), 'parts');
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  check(typeof value === 'object' && value !== null && !Array.isArray(value), 'series');
  return value as Readonly<Record<string, unknown>>;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && canBeId(value);
}

function isBetween(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most;
}

function check(isPossible: boolean, what: string): void {
  if (!isPossible) throw new SavedSeriesError(`the saved ${what} of custom metrics cannot be`);
}
