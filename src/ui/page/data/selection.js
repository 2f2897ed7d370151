/** Selects the pods of a group by labels, so that only their history is read. */

/** @import { PodView } from '../../../view/types.ts' */

/**
 * @typedef {object} PodSelection
 * @property {string | undefined} labelSelector Undefined selects all pods of the namespace.
 * @property {readonly PodView[]} pods Those that it selects: the group, and others with the same labels.
 */

/** Labels of a selector at most: more select hardly fewer pods. */
const labelLimit = 3;
/** Others change with each rollout, or are of one pod. */
const changingLabels = new Set([
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
]);
/** The API accepts no others; the values of a made-up cluster may be anything. */
const labelPattern = /^[\w./-]{1,317}=[\w.-]{0,63}$/;

/**
 * Returns the fewest labels, in the order of their keys, that all pods of a group have and that select fewest others.
 * @param {readonly PodView[]} group
 * @param {readonly PodView[]} all pods of the namespace
 * @returns {PodSelection}
 */
export function selectionOf(group, all) {
  const [first, ...rest] = group;
  const common = Object.entries(first?.labels ?? {})
    .filter(([key, value]) => !changingLabels.has(key) && labelPattern.test(`${key}=${value}`))
    .filter(([key, value]) => rest.every(({ labels }) => labels[key] === value))
    .map(([key, value]) => ({ key, value, count: all.filter(({ labels }) => labels[key] === value).length }))
    .toSorted((a, b) => a.count - b.count || compareKeys(a, b));
  /** @type {{ readonly key: string, readonly value: string }[]} */
  const chosen = [];
  let pods = all;
  for (const { key, value } of common) {
    if (chosen.length === labelLimit || pods.length === group.length) break;
    const fewer = pods.filter(({ labels }) => labels[key] === value);
    if (fewer.length === pods.length) continue;
    chosen.push({ key, value });
    pods = fewer;
  }
  const texts = chosen.toSorted(compareKeys).map(({ key, value }) => `${key}=${value}`);
  return { labelSelector: texts.length === 0 ? undefined : texts.join(','), pods };
}

/** @param {{ readonly key: string }} a @param {{ readonly key: string }} b */
function compareKeys(a, b) {
  return a.key < b.key ? -1 : 1;
}
