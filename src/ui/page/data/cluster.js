/** What every page reads: the summary, nodes, pods and autoscalers. */
import { apiPath } from '../routes.js';
import { getJson } from './connection.js';
import { useAnswer, useReading } from './live.js';
import { createStore } from './store.js';

/** @import { AutoscalersAnswer, NodesAnswer, PodsAnswer, SummaryAnswer } from '../../routes.ts' */
/** @import { PodView } from '../../../view/types.ts' */

/** Pods that the page keeps; beyond, it asks to choose a namespace. */
export const podLimit = 20_000;
/** Pods a request, which is the server's limit. */
const pageSize = 500;

/** kube-apiserver's clock minus the browser's, in milliseconds. */
export const clockAhead = createStore(0);
/** The time by kube-apiserver's clock, in milliseconds. */
export const nowMs = () => Date.now() + clockAhead.get();

/** Seconds between two readings; the server says how many are useful. */
export const refresh = createStore(5);

/** @returns {import('./live.js').Live<SummaryAnswer>} */
export const useSummary = () => useReading(apiPath('summary'), refresh.get(), readSummary);
/** @returns {import('./live.js').Live<NodesAnswer>} */
export const useNodes = () => useAnswer(apiPath('nodes'), refresh.get());
/** @param {string} [namespace] @returns {import('./live.js').Live<AutoscalersAnswer>} */
export const useAutoscalers = (namespace) => useAnswer(apiPath('autoscalers', { namespace }), refresh.get());

/**
 * Follows its clock and its interval before the answer is shown.
 * @param {string} path @param {AbortSignal} signal @returns {Promise<SummaryAnswer>}
 */
async function readSummary(path, signal) {
  const answer = /** @type {SummaryAnswer} */ (await getJson(path, signal));
  clockAhead.set(answer.clockAheadMs);
  refresh.set(answer.refreshSeconds);
  return answer;
}

/**
 * @typedef {object} PodList
 * @property {readonly PodView[]} items
 * @property {boolean} isWhole False while pages are missing, and beyond the limit.
 */

/**
 * Reads all pods of a query, page by page; the first reading is shown as it grows.
 * @param {{ readonly namespace?: string, readonly node?: string }} query
 * @returns {import('./live.js').Live<PodList>}
 */
export function usePods({ namespace, node }) {
  return useReading(apiPath('pods', { namespace, node, limit: pageSize }), 2 * refresh.get(), readPods);
}

/** @param {string} path @param {AbortSignal} signal @param {(data: PodList) => void} show */
async function readPods(path, signal, show) {
  /** @type {PodView[]} */
  const items = [];
  let next = '';
  do {
    const page = /** @type {PodsAnswer} */ (await getJson(`${path}${next}`, signal));
    items.push(...page.items);
    next = page.continue === undefined ? '' : `&continue=${encodeURIComponent(page.continue)}`;
    if (next !== '') show({ items: items.slice(), isWhole: false });
  } while (next !== '' && items.length < podLimit);
  return { items, isWhole: next === '' };
}
