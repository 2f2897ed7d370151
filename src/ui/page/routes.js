/** Reads and writes the page's own addresses, which are in the hash: `#/pods/shop/web-0`. */

/** @typedef {{ readonly path: readonly string[] }} Place */

/**
 * Returns the decoded parts of a hash; a part that is no valid escape stays as it is.
 * @param {string} hash
 * @returns {Place}
 */
export function placeOf(hash) {
  const parts = hash.replace(/^#?\/?/, '').split('/');
  return { path: parts.filter((part) => part !== '').map(decoded) };
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * Returns the hash of a place.
 * @param {...string} parts
 */
export const linkTo = (...parts) => `#/${parts.map((part) => encodeURIComponent(part)).join('/')}`;

/** @param {{ readonly namespace: string, readonly name: string }} pod */
export const podLink = ({ namespace, name }) => linkTo('pods', namespace, name);
/** @param {string} name */
export const nodeLink = (name) => linkTo('nodes', name);
/** @param {string} namespace @param {{ readonly kind: string, readonly name: string }} workload */
export const workloadLink = (namespace, { kind, name }) => linkTo('namespaces', namespace, kind, name);
/** @param {{ readonly namespace: string, readonly name: string }} autoscaler */
export const autoscalerLink = ({ namespace, name }) => linkTo('autoscalers', namespace, name);

/**
 * Returns the path of a request, relative to the page, without parameters that are undefined.
 * @param {string} path
 * @param {Readonly<Record<string, string | number | undefined>>} [parameters]
 */
export function apiPath(path, parameters = {}) {
  const query = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return `api/${path}${query.length === 0 ? '' : `?${query.join('&')}`}`;
}
