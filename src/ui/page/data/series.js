/** Columns of history, made ready for plots. */
import { apiPath } from '../routes.js';
import { useAnswer } from './live.js';

/** @import { UsageHistoryAnswer, UsageSeries } from '../../routes.ts' */
/** @import { Measurement, ResourceView } from '../../../view/types.ts' */
/** @import { ResourceName } from '../format.js' */

/** Times in seconds since the epoch, and a value for each; null is a gap. @typedef {{ readonly times: number[], readonly values: (number | null)[] }} Line */

/** How far plots look back, in seconds. */
export const spanSeconds = 3600;
/** Points are made once a minute. */
const historyEverySeconds = 30;

/** @param {string} [name] of a node @returns {import('./live.js').Live<UsageHistoryAnswer>} */
export const useNodeHistory = (name) =>
  useAnswer(apiPath('history/nodes', { name, sinceSeconds: spanSeconds }), historyEverySeconds);

/** @param {string} namespace @param {string} [name] of a pod @returns {import('./live.js').Live<UsageHistoryAnswer>} */
export const useContainerHistory = (namespace, name) =>
  useAnswer(apiPath('history/containers', { namespace, name, sinceSeconds: spanSeconds }), historyEverySeconds);

/**
 * Returns one resource's points, with the current usage as the last one. A hole of three intervals or more is a gap.
 * @param {UsageSeries | undefined} series
 * @param {ResourceName} resource
 * @param {Measurement & Readonly<Record<ResourceName, ResourceView>>} [current]
 * @returns {Line}
 */
export function lineOf(series, resource, current) {
  const times = [...(series?.timeSeconds ?? [])];
  const values = [...(series?.[resource] ?? [])];
  const used = current?.[resource].used;
  const seconds = (current?.timestampMs ?? 0) / 1000;
  if (used !== undefined && seconds > (times.at(-1) ?? 0)) {
    times.push(seconds);
    values.push(used);
  }
  return withGaps({ times, values });
}

/** @param {Line} line @returns {Line} */
export function withGaps({ times, values }) {
  const intervals = times.slice(1).map((time, index) => time - (times[index] ?? time));
  const usual = intervals.toSorted((a, b) => a - b)[Math.floor(intervals.length / 2)] ?? 0;
  /** @type {number[]} */
  const gapTimes = [];
  /** @type {(number | null)[]} */
  const gapValues = [];
  for (const [index, time] of times.entries()) {
    const before = times[index - 1];
    if (before !== undefined && time - before > Math.max(3 * usual, 120)) {
      gapTimes.push((before + time) / 2);
      gapValues.push(null);
    }
    gapTimes.push(time);
    gapValues.push(values[index] ?? null);
  }
  return { times: gapTimes, values: gapValues };
}

/**
 * Adds up lines whose points are not at the same times: each counts with its last value until its next point, for three minutes at most.
 * @param {readonly Line[]} lines
 * @returns {Line}
 */
export function sumOf(lines) {
  const buckets = lines.map(byMinute);
  const all = [...new Set(buckets.flatMap((bucket) => [...bucket.keys()]))].toSorted((a, b) => a - b);
  const values = all.map((minute) => {
    const present = buckets.map((bucket) => bucket.get(minute) ?? bucket.get(minute - 1) ?? bucket.get(minute - 2));
    const known = present.filter((value) => value !== undefined);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
  });
  return withGaps({ times: all.map((minute) => minute * 60), values });
}

/** @param {Line} line @returns {ReadonlyMap<number, number>} */
function byMinute({ times, values }) {
  /** @type {Map<number, number>} */
  const bucket = new Map();
  for (const [index, time] of times.entries()) {
    const value = values[index];
    if (value !== null && value !== undefined) bucket.set(Math.round(time / 60), value);
  }
  return bucket;
}
