/** A HorizontalPodAutoscaler (autoscaling/v2), as far as its failures depend on it. */
import { field, items, text } from '../../client/json.ts';
import { parseTimeMs } from '../times.ts';

export interface AutoscalerMetric {
  /** Resource, ContainerResource, Pods, Object or External. */
  readonly type: string;
  /** Name of the resource; undefined for metrics of other APIs. */
  readonly resource: string | undefined;
  readonly container: string | undefined;
  /** Whether the target is a percentage of requests. */
  readonly isUtilization: boolean;
}

export interface AutoscalerCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export interface Autoscaler {
  readonly namespace: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdMs: number | undefined;
  readonly target: { readonly apiVersion: string; readonly kind: string; readonly name: string };
  readonly minReplicas: number;
  readonly metrics: readonly AutoscalerMetric[];
  readonly conditions: readonly AutoscalerCondition[];
}

/** Returns undefined for an object without a name or target. */
export function parseAutoscaler(object: unknown): Autoscaler | undefined {
  const metadata = field(object, 'metadata');
  const spec = field(object, 'spec');
  const ref = field(spec, 'scaleTargetRef');
  const name = text(field(metadata, 'name'));
  const namespace = text(field(metadata, 'namespace'));
  const targetName = text(field(ref, 'name'));
  if (name === undefined || namespace === undefined || targetName === undefined) return undefined;
  const minReplicas = field(spec, 'minReplicas');
  return {
    namespace,
    name,
    createdMs: parseTimeMs(field(metadata, 'creationTimestamp')),
    target: {
      apiVersion: text(field(ref, 'apiVersion')) ?? '',
      kind: text(field(ref, 'kind')) ?? '',
      name: targetName,
    },
    minReplicas: typeof minReplicas === 'number' ? minReplicas : 1,
    metrics: items(field(spec, 'metrics')).map(parseMetric),
    conditions: items(field(field(object, 'status'), 'conditions')).map((condition) => ({
      type: text(field(condition, 'type')) ?? '',
      status: text(field(condition, 'status')) ?? '',
      reason: text(field(condition, 'reason')) ?? '',
      message: text(field(condition, 'message')) ?? '',
    })),
  };
}

function parseMetric(metric: unknown): AutoscalerMetric {
  const source = field(metric, 'resource') ?? field(metric, 'containerResource');
  return {
    type: text(field(metric, 'type')) ?? '',
    resource: text(field(source, 'name')),
    container: text(field(source, 'container')),
    isUtilization: field(field(source, 'target'), 'type') === 'Utilization',
  };
}

/** Returns the condition that says why the autoscaler does nothing; undefined if it works. */
export function failureOf({ conditions }: Autoscaler): AutoscalerCondition | undefined {
  return ['AbleToScale', 'ScalingActive'].flatMap(
    (type) => conditions.find((condition) => condition.type === type && condition.status === 'False') ?? [],
  )[0];
}
