/** Makes views of HorizontalPodAutoscalers: current values and targets as kubectl shows them, and why one does not scale. */
import { parseQuantity } from '../apimachinery/quantity.ts';
import { conditionOf } from '../client/conditions.ts';
import { field, items, text } from '../client/json.ts';
import { type Autoscaler, parseAutoscaler } from '../doctor/autoscalers/autoscaler.ts';
import { foreignText } from '../foreigntext.ts';
import { defined } from './nodeviews.ts';
import type { AutoscalerMetricView, AutoscalerView } from './types.ts';

export interface AutoscalerObject {
  readonly facts: Autoscaler;
  /** Its reason is that of a limit, if one is reached. */
  readonly view: AutoscalerView;
}

/** Returns undefined for an object without a name or target. */
export function parseAutoscalerObject(object: unknown): AutoscalerObject | undefined {
  const facts = parseAutoscaler(object);
  if (facts === undefined) return undefined;
  const spec = field(object, 'spec');
  const status = field(object, 'status');
  const lastScaleMs = Date.parse(text(field(status, 'lastScaleTime')) ?? '');
  const { namespace, name, target, minReplicas } = facts;
  const limited = conditionOf(object, 'ScalingLimited');
  const current = items(field(status, 'currentMetrics'));
  return {
    facts,
    view: defined({
      namespace,
      name,
      target: { kind: target.kind, name: target.name },
      minReplicas,
      maxReplicas: count(field(spec, 'maxReplicas')) ?? 0,
      replicas: count(field(status, 'currentReplicas')),
      desiredReplicas: count(field(status, 'desiredReplicas')),
      // As in kubectl: the controller keeps the order of the spec.
      metrics: items(field(spec, 'metrics')).map((metric, at) => metricView(metric, current[at])),
      reason: limited?.status === 'True' ? foreignText(limited.message) : undefined,
      lastScaleMs: Number.isNaN(lastScaleMs) ? undefined : lastScaleMs,
    }),
  };
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** The member of each type of metric. */
const members: Readonly<Record<string, string>> = {
  Resource: 'resource',
  ContainerResource: 'containerResource',
  Pods: 'pods',
  Object: 'object',
  External: 'external',
};

function metricView(spec: unknown, status: unknown): AutoscalerMetricView {
  const member = members[text(field(spec, 'type')) ?? ''] ?? '';
  const metric = field(spec, member);
  const target = field(metric, 'target');
  const current = field(field(status, member), 'current');
  const container = text(field(metric, 'container'));
  const name = text(field(metric, 'name')) ?? text(field(field(metric, 'metric'), 'name')) ?? '?';
  // The target says which of the current values is compared.
  const kind =
    ['averageUtilization', 'averageValue', 'value'].find((each) => field(target, each) !== undefined) ?? 'value';
  const wanted = amountOf(target, kind);
  const measured = amountOf(current, kind);
  return defined({
    name: container === undefined ? name : `${name} of container ${container}`,
    current: measured?.text,
    target: wanted?.text ?? '?',
    ratio:
      wanted === undefined || measured === undefined || wanted.number === 0
        ? undefined
        : measured.number / wanted.number,
  });
}

function amountOf(values: unknown, kind: string): { readonly text: string; readonly number: number } | undefined {
  const value = field(values, kind);
  if (typeof value === 'number') return { text: `${value}%`, number: value };
  const number = parseQuantity(text(value) ?? '');
  return number === undefined ? undefined : { text: text(value) ?? '', number };
}
