/** Restricts the paths that a Node's annotation may select: the node proxy reads them with kube-apiserver's rights. */

export const metricsPathAnnotation = 'metrics.k8s.io/resource-metrics-path';

/** Characters. */
const pathLimit = 256;

/** Returns the path to scrape; undefined if it may be something else than metrics. The leading slash is optional. */
export function metricsPath(annotated: string): string | undefined {
  const path = annotated.startsWith('/') ? annotated : `/${annotated}`;
  const [, first, ...others] = path.split('/');
  if (path.length > pathLimit || first !== 'metrics') return undefined;
  // No percent sign, question mark, hash, backslash or control character; no empty segment, and none of dots alone.
  return others.every((segment) => /^[\w.~-]+$/.test(segment) && !/^\.+$/.test(segment)) ? path : undefined;
}
