/** Restricts the kubelet paths that an annotation of a Node may select: through the node proxy they are read with kube-apiserver's rights. */

export const metricsPathAnnotation = 'metrics.k8s.io/resource-metrics-path';

/** In characters. */
const pathLimit = 256;

/** Returns the path to scrape; undefined if there is none, or if it may be something other than metrics. The leading slash is optional. */
export function metricsPath(annotated: string): string | undefined {
  const path = annotated.startsWith('/') ? annotated : `/${annotated}`;
  const [, first, ...others] = path.split('/');
  if (path.length > pathLimit || first !== 'metrics') return undefined;
  // No percent sign, question mark, hash, backslash or control character; no empty segment, and none of dots alone.
  return others.every((segment) => /^[\w.~-]+$/.test(segment) && !/^\.+$/.test(segment)) ? path : undefined;
}
