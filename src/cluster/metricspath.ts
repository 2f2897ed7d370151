/** Which other paths of a kubelet an annotation of its Node may choose. By way of kube-apiserver it is read with the rights of kube-apiserver. */

export const metricsPathAnnotation = 'metrics.k8s.io/resource-metrics-path';

/** Characters of a path. */
const pathLimit = 256;

/** Returns the path to read; undefined where there is none, or one that could mean something other than metrics. People write it with and without the slash. */
export function metricsPath(annotated: string): string | undefined {
  const path = annotated.startsWith('/') ? annotated : `/${annotated}`;
  const [, first, ...others] = path.split('/');
  if (path.length > pathLimit || first !== 'metrics') return undefined;
  // No percent sign, question mark, hash, backslash or control character; no empty segment, and none of dots alone.
  return others.every((segment) => /^[\w.~-]+$/.test(segment) && !/^\.+$/.test(segment)) ? path : undefined;
}
