/** The history of a namespace, or of one workload of it. */
import { useMemo } from 'preact/hooks';
import { podLimit, useSummary } from './cluster.js';
import { selectionOf } from './selection.js';
import { newestIn, spanSeconds, stepFor, useNamespaceHistory } from './series.js';

/** @import { UsageHistoryAnswer } from '../../routes.ts' */
/** @import { PodView } from '../../../view/types.ts' */
/** @import { PodList } from './cluster.js' */
/** @import { Live } from './live.js' */

/**
 * @typedef {object} GroupHistory
 * @property {Live<UsageHistoryAnswer>} history Of the group's containers, and of others.
 * @property {number | undefined} step Seconds between points; undefined until it is known.
 * @property {number} newest Time of the namespace's newest point, in seconds since the epoch: a part without one near it has ended.
 */

/**
 * Reads the history of the pods that the group's labels select where the server keeps it, of all pods of the namespace otherwise.
 * @param {string} namespace
 * @param {PodList} list all pods of the namespace
 * @param {readonly PodView[]} group
 * @returns {GroupHistory}
 */
export function useGroupHistory(namespace, list, group) {
  const { data: summary, error } = useSummary();
  const isKeeperKnown = summary !== undefined || error !== undefined;
  // This program collects without labels.
  const isSelectable = summary?.history.keptBy === 'server';
  const { pods, labelSelector } = useMemo(
    () => (isSelectable ? selectionOf(group, list.items) : { pods: list.items, labelSelector: undefined }),
    [isSelectable, list],
  );
  const step = useMemo(() => (isKeeperKnown ? stepOf(list, pods) : undefined), [isKeeperKnown, pods]);
  const history = useNamespaceHistory(namespace, step, labelSelector);
  // The longest step has two points of a container at most.
  const isPartial = step !== undefined && labelSelector !== undefined;
  const newestOfAll = useNamespaceHistory(namespace, isPartial ? spanSeconds : undefined);
  const isWaiting = isPartial && newestOfAll.data === undefined && newestOfAll.error === undefined;
  const newest = [history, newestOfAll].map(({ data }) => newestIn(data?.series ?? []));
  return {
    history: isWaiting ? { data: undefined, error: history.error } : history,
    step,
    newest: Math.max(...newest),
  };
}

/**
 * Returns undefined until all pods are there: their number decides how many points are read.
 * @param {PodList} list
 * @param {readonly PodView[]} pods whose history is read
 */
function stepOf({ items, isWhole }, pods) {
  if (!isWhole && items.length < podLimit) return undefined;
  return stepFor(pods.reduce((sum, { containers }) => sum + containers.length, 0));
}
