/** The page's filter: words that a name must contain, or labels as `app=web`. */
import { createStore } from '../data/store.js';

/** @import { AutoscalerView, PodView } from '../../../view/types.ts' */

/** @type {import('../data/store.js').Store<string>} */
export const filterText = createStore('');

/**
 * Reports whether each word of the filter is found in one of the texts, or is a label that the object has.
 * @param {string} filter
 * @param {readonly (string | undefined)[]} texts
 * @param {Readonly<Record<string, string>>} [labels]
 */
export function matches(filter, texts, labels = {}) {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return words.every((word) => {
    const [key = '', ...value] = word.split('=');
    if (value.length > 0)
      return Object.entries(labels).some(
        ([name, own]) => name.toLowerCase() === key && own.toLowerCase() === value.join('='),
      );
    return texts.some((text) => text?.toLowerCase().includes(word));
  });
}

/** @param {string} filter @param {PodView} pod */
export const matchesPod = (filter, { namespace, name, node, workload, labels, status }) =>
  matches(filter, [name, namespace, node, workload?.name, status], labels);

/** @param {string} filter @param {AutoscalerView} autoscaler */
export const matchesAutoscaler = (filter, { namespace, name, target }) =>
  matches(filter, [namespace, name, target.name]);
