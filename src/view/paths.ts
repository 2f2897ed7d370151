/** Paths of what is read, and its name in errors, which is also that of the right. */
import { isNamespaceName } from '../apimachinery/names.ts';
import { foreignText } from '../foreigntext.ts';
import { ViewError } from './viewerror.ts';

export const metricsPath = '/apis/metrics.k8s.io/v1beta1';

export interface ListPath {
  readonly path: string;
  /** See toViewError. */
  readonly what: string;
}

export const nodeMetrics: ListPath = { path: `${metricsPath}/nodes`, what: 'list nodes.metrics.k8s.io' };

/** @param namespace undefined for all. @throws ViewError for a name that no namespace can have. */
export function podMetrics(namespace: string | undefined): ListPath {
  return listIn(namespace, metricsPath, 'pods', 'pods.metrics.k8s.io');
}

/** @param namespace undefined for all. @throws ViewError for a name that no namespace can have. */
export function podList(namespace: string | undefined): ListPath {
  return listIn(namespace, '/api/v1', 'pods', 'pods');
}

/** @param namespace undefined for all. @throws ViewError for a name that no namespace can have. */
export function autoscalerList(namespace: string | undefined): ListPath {
  const resource = 'horizontalpodautoscalers';
  return listIn(namespace, '/apis/autoscaling/v2', resource, `${resource}.autoscaling`);
}

/** Returns the path of one object of a list of a namespace. */
export function objectPath({ path }: ListPath, name: string): string {
  return `${path}/${encodeURIComponent(name)}`;
}

/** URLs resolve `..`, and the list would be that of all. */
function listIn(namespace: string | undefined, api: string, resource: string, right: string): ListPath {
  if (namespace === undefined) return { path: `${api}/${resource}`, what: `list ${right}` };
  if (!isNamespaceName(namespace))
    throw new ViewError(`no namespace can be named ${foreignText(namespace, { limit: 64 })}`, undefined);
  return { path: `${api}/namespaces/${namespace}/${resource}`, what: `list ${right} in namespace ${namespace}` };
}
