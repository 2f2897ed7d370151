/** A HorizontalPodAutoscaler (autoscaling/v2), as far as its failures depend on it. */
import { type StatusCondition, conditionsOf } from '../../client/conditions.ts';
import { field, items, text } from '../../client/json.ts';
import { parseTimeMs } from '../times.ts';

export interface AutoscalerMetric {
  /** Undefined for a metric that is not of one container. */
  readonly container: string | undefined;
}

export interface Autoscaler {
  readonly namespace: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdMs: number | undefined;
  readonly target: { readonly apiVersion: string; readonly kind: string; readonly name: string };
  readonly minReplicas: number;
  readonly metrics: readonly AutoscalerMetric[];
  readonly conditions: readonly StatusCondition[];
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
    metrics: items(field(spec, 'metrics')).map((metric) => ({
      container: text(field(field(metric, 'containerResource'), 'container')),
    })),
    conditions: conditionsOf(object),
  };
}

/** Returns the condition that says why the autoscaler does nothing; undefined if it works. */
export function failureOf({ conditions }: Autoscaler): StatusCondition | undefined {
  return ['AbleToScale', 'ScalingActive'].flatMap(
    (type) => conditions.find((condition) => condition.type === type && condition.status === 'False') ?? [],
  )[0];
}
