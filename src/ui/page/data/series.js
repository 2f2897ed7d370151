/** Columns of history, made ready for plots. */
import { counted } from '../format.js';
import { apiPath } from '../routes.js';
import { useAnswer } from './live.js';

/** @import { HistoryExtent, UsageHistoryAnswer, UsageSeries } from '../../routes.ts' */
/** @import { ContainerView, Measurement, PodView, ResourceView } from '../../../view/types.ts' */
/** @import { ResourceName } from '../format.js' */

/** Times in seconds since the epoch, and a value for each; null is a gap. @typedef {{ readonly times: number[], readonly values: (number | null)[] }} Line */

/** How far plots look back, in seconds. */
export const spanSeconds = 3600;
/** Points are made once a minute. */
const historyEverySeconds = 30;

/** Points of one answer: 4 MB of JSON. */
const pointLimit = 120_000;
/** Intervals between points, in seconds: kubegauge keeps one a minute, this program one in 15 s. */
const steps = [60, 120, 180, 300, 600, 900, 1800, 3600];

/**
 * Returns the interval in which an answer for so many lines has a point of each.
 * @param {number} lines
 */
export const stepFor = (lines) => steps.find((step) => (lines * spanSeconds) / step <= pointLimit) ?? spanSeconds;

/**
 * Of one node, or of all.
 * @param {{ readonly name: string } | { readonly count: number }} nodes
 * @returns {import('./live.js').Live<UsageHistoryAnswer>}
 */
export const useNodeHistory = (nodes) => {
  const query = 'name' in nodes ? { name: nodes.name } : { stepSeconds: stepFor(nodes.count) };
  return useAnswer(apiPath('history/nodes', { ...query, sinceSeconds: spanSeconds }), historyEverySeconds);
};

/** @param {string} namespace @param {string} name of a pod @returns {import('./live.js').Live<UsageHistoryAnswer>} */
export const usePodHistory = (namespace, name) =>
  useAnswer(apiPath('history/containers', { namespace, name, sinceSeconds: spanSeconds }), historyEverySeconds);

/**
 * @param {string} namespace
 * @param {number | undefined} step of stepFor; undefined reads nothing yet.
 * @param {string} [labelSelector] of the pods; only where the server keeps the history.
 * @returns {import('./live.js').Live<UsageHistoryAnswer>}
 */
export const useNamespaceHistory = (namespace, step, labelSelector) =>
  useAnswer(
    step === undefined
      ? undefined
      : apiPath('history/containers', { namespace, labelSelector, stepSeconds: step, sinceSeconds: spanSeconds }),
    historyEverySeconds,
  );

/** Seconds after a pod's creation for which metrics servers may serve a usage of the previous pod of its name. */
const lateSeconds = 120;

/**
 * Leaves out what was measured of a previous pod of the name, where this program collects: metrics-server does not say whose a usage is. A node's
 * clock may be wrong, so the time of the reading decides, beside the timestamp only while a usage may be late.
 * @param {UsageSeries} series
 * @param {number | undefined} createdMs of the pod
 * @returns {UsageSeries}
 */
export function ofPodSince(series, createdMs) {
  const { readSeconds, timeSeconds } = series;
  if (readSeconds === undefined || createdMs === undefined) return series;
  const created = createdMs / 1000;
  const first = readSeconds.findIndex(
    (read, at) => read >= created && ((timeSeconds[at] ?? 0) >= created || read >= created + lateSeconds),
  );
  if (first === 0) return series;
  const from = first === -1 ? readSeconds.length : first;
  return {
    name: series.name,
    timeSeconds: timeSeconds.slice(from),
    windowSeconds: series.windowSeconds.slice(from),
    cpu: series.cpu.slice(from),
    memory: series.memory.slice(from),
    readSeconds: readSeconds.slice(from),
  };
}

/**
 * `isNeeded`: while it has no point, a sum with it would look like a fall, and is a gap.
 * @typedef {UsageSeries & { readonly isNeeded?: boolean }} PodSeries
 */

/**
 * Returns the series as those of the pods: without what was measured of previous pods of the same names, as `ofPodSince`, and with what sums need.
 * @param {readonly UsageSeries[]} series of containers
 * @param {readonly PodView[]} pods
 * @returns {readonly PodSeries[]}
 */
export function ofPods(series, pods) {
  const named = new Map(pods.map((pod) => [pod.name, pod]));
  return series.map((one) => {
    const [, podName = '', containerName] = one.name.split('/');
    const pod = named.get(podName);
    const container = pod?.containers.find(({ name }) => name === containerName);
    return { ...ofPodSince(one, pod?.createdMs), isNeeded: container !== undefined && goesOn(container) };
  });
}

/** Debuggers come and go, and containers that ended well stay away. @param {ContainerView} container */
function goesOn({ kind, state, reason = 'Completed' }) {
  return kind !== 'ephemeral' && (state !== 'terminated' || reason !== 'Completed');
}

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
 * Returns the indices of points that no line reaches: before and after each is a gap or the end. Such a point needs a mark to be seen.
 * @param {ArrayLike<number | null | undefined>} values of a column of uPlot: undefined is the time of another line, null a gap
 */
export function lonePoints(values) {
  const known = Array.from(values, (value, index) => ({ value, index })).filter(({ value }) => value !== undefined);
  const isGap = (/** @type {number} */ at) => typeof known[at]?.value !== 'number';
  return known.flatMap(({ index }, at) => (!isGap(at) && isGap(at - 1) && isGap(at + 1) ? index : []));
}

/**
 * Returns why a plot has no points: they could not be read, are being read, or do not come.
 * @param {import('./live.js').Live<unknown>} history
 * @param {string} [reason] Why there is no usage.
 */
export function whyEmpty({ data, error }, reason) {
  if (data === undefined)
    return error === undefined ? 'Reading …' : `The last hour could not be read: ${error.message}`;
  return reason === undefined ? 'No points yet: the first comes within a minute.' : `No points: ${reason}`;
}

/** Says who keeps the history, and how much. @param {HistoryExtent} extent */
export function historyText({ keptBy, seconds, reason }) {
  if (keptBy === 'server')
    return `kubegauge keeps up to the last ${counted(Math.round(seconds / 60), 'minute')}, less if it has just started.`;
  if (keptBy === 'unknown') return 'Who keeps the history is not known: the metrics server could not be asked.';
  return `The metrics server keeps no history: plots begin with this program. ${reason ?? ''}`;
}

/**
 * Adds up lines whose points are not at the same times: each counts with its last value for two more minutes, or one more step.
 * @param {readonly Line[]} lines
 * @param {number} [step] Seconds between points.
 * @param {number} [newest] Time of the newest point: that of a step that is not over. Its end would be right of the plot.
 * @param {ReadonlySet<Line>} [needed] Lines without which there is no sum.
 * @returns {Line}
 */
export function sumOf(lines, step = 60, newest = newestOf(lines), needed = new Set()) {
  const buckets = lines.map((line) => byStep(line, step));
  const all = [...new Set(buckets.flatMap((bucket) => [...bucket.keys()]))].toSorted((a, b) => a - b);
  const values = all.map((at) => {
    const present = buckets.map(
      (bucket) => bucket.get(at) ?? bucket.get(at - 1) ?? (step > 60 ? undefined : bucket.get(at - 2)),
    );
    const known = present.filter((value) => value !== undefined);
    if (lines.some((line, index) => needed.has(line) && present[index] === undefined)) return null;
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
  });
  return withGaps({ times: all.map((at) => Math.min(at * step, newest)), values });
}

/** Steps that a value may be older than the newest point of its plot and still count as the latest: points of parts do not come at the same time. */
const latestSteps = 2;

/**
 * Returns a line's last value; undefined if it is older than that: the part has ended.
 * @param {Line} line
 * @param {number} newest Time of the newest point of all lines.
 * @param {number} [step] Seconds between points.
 */
export function latestOf({ times, values }, newest, step = 60) {
  const last = values.findLastIndex((value) => value !== null);
  return (times[last] ?? 0) < newest - latestSteps * step ? undefined : (values[last] ?? undefined);
}

/** Returns the time of the newest point. @param {readonly Line[]} lines */
export function newestOf(lines) {
  const times = lines.map(({ times, values }) => times[values.findLastIndex((value) => value !== null)] ?? 0);
  return times.reduce((newest, time) => Math.max(newest, time), 0);
}

/** Returns the time of the newest point; 0 without one. @param {readonly UsageSeries[]} series */
export function newestIn(series) {
  return series.reduce((newest, { timeSeconds }) => Math.max(newest, timeSeconds.at(-1) ?? 0), 0);
}

/** A longer step is that of its last point, at its end. @param {Line} line @param {number} step @returns {ReadonlyMap<number, number>} */
function byStep({ times, values }, step) {
  const indexOf = step > 60 ? Math.ceil : Math.round;
  /** @type {Map<number, number>} */
  const bucket = new Map();
  for (const [index, time] of times.entries()) {
    const value = values[index];
    if (value !== null && value !== undefined) bucket.set(indexOf(time / step), value);
  }
  return bucket;
}

/**
 * Adds up the containers of each part, the part that uses most now first.
 * @param {readonly PodSeries[]} series of containers, by `namespace/pod/container`
 * @param {ResourceName} resource
 * @param {ReadonlyMap<string, string>} parts the part of each pod, by its name; other pods are left out
 * @param {number} [step] Seconds between points.
 * @param {number} [newestOfAll] Time of the newest point, also of series that were not read: a part without one near it has ended.
 * @returns {readonly { readonly label: string, readonly line: Line }[]}
 */
export function partsOf(series, resource, parts, step, newestOfAll = newestIn(series)) {
  const members = series.flatMap((one) => {
    const label = parts.get(one.name.split('/')[1] ?? '');
    return label === undefined ? [] : { label, line: lineOf(one, resource), isNeeded: one.isNeeded };
  });
  const newest = newestOf(members.map(({ line }) => line));
  return [...Map.groupBy(members, ({ label }) => label)]
    .map(([label, each]) => {
      const lines = each.map(({ line }) => line);
      const needed = new Set(each.flatMap(({ line, isNeeded }) => (isNeeded === true ? line : [])));
      return { label, line: sumOf(lines, step, newest, needed) };
    })
    .map((part) => ({ ...part, latest: latestOf(part.line, newestOfAll, step) ?? -1 }))
    .toSorted((a, b) => b.latest - a.latest)
    .map(({ label, line }) => ({ label, line }));
}
