/** Makes views of HorizontalPodAutoscalers: current values in the unit of their targets, and why one does not scale. */
import { parseQuantity } from '../apimachinery/quantity.ts';
import { conditionOf } from '../client/conditions.ts';
import { field, items, text } from '../client/json.ts';
import { type Autoscaler, parseAutoscaler } from '../doctor/autoscalers/autoscaler.ts';
import { parseTimeMs } from '../doctor/times.ts';
import { foreignText } from '../foreigntext.ts';
import { defined } from './defined.ts';
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
  const { namespace, name, target, minReplicas } = facts;
  const desired = count(field(status, 'desiredReplicas'));
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
      // Until the controller has computed a first number, it is 0.
      desiredReplicas: desired === 0 && minReplicas > 0 ? undefined : desired,
      // As in kubectl: the controller keeps the order of the spec.
      metrics: withOwnNames(items(field(spec, 'metrics')).map((metric, at) => metricView(metric, current[at]))),
      reason: limited?.status === 'True' ? foreignText(limited.message) : undefined,
      lastScaleMs: parseTimeMs(field(status, 'lastScaleTime')),
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
    current:
      measured && (kind === 'averageUtilization' ? measured.text : inUnitOf(wanted?.text ?? '', measured.number)),
    target: wanted?.text ?? '?',
    ratio:
      wanted === undefined || measured === undefined || wanted.number === 0
        ? undefined
        : measured.number / wanted.number,
  });
}

/** Metrics of one name differ by their selectors, which are long: the second one is `name (2)`, in the order of the spec. */
function withOwnNames(metrics: readonly AutoscalerMetricView[]): readonly AutoscalerMetricView[] {
  const known = new Set(metrics.map(({ name }) => name));
  const counts = new Map<string, number>();
  return metrics.map((metric) => {
    const { name: given } = metric;
    let count = (counts.get(given) ?? 0) + 1;
    // A metric's given name may be that of another with its number.
    if (count > 1) while (known.has(`${given} (${count})`)) count += 1;
    counts.set(given, count);
    const name = count === 1 ? given : `${given} (${count})`;
    known.add(name);
    return { ...metric, name };
  });
}

/** Binary and decimal suffixes of quantities, largest first. */
const binarySuffixes = [
  ['Ei', 2 ** 60],
  ['Pi', 2 ** 50],
  ['Ti', 2 ** 40],
  ['Gi', 2 ** 30],
  ['Mi', 2 ** 20],
  ['Ki', 2 ** 10],
] as const;
const decimalSuffixes = [
  ['E', 1e18],
  ['P', 1e15],
  ['T', 1e12],
  ['G', 1e9],
  ['M', 1e6],
  ['k', 1e3],
] as const;

/**
 * Writes a current value with three significant digits, with binary suffixes where the target has one: kube-controller-manager writes averages in thousandths,
 * such as 167021097m.
 */
function inUnitOf(target: string, value: number): string {
  const suffixes = target.endsWith('i') ? binarySuffixes : decimalSuffixes;
  const [suffix, unit] = suffixes.find(([, each]) => Math.abs(value) >= each) ?? ['', 1];
  if (suffix === '' && Math.abs(value) < 1 && value !== 0) return `${Number((value * 1_000).toPrecision(3))}m`;
  return `${Number((value / unit).toPrecision(3))}${suffix}`;
}

function amountOf(values: unknown, kind: string): { readonly text: string; readonly number: number } | undefined {
  const value = field(values, kind);
  if (typeof value === 'number') return { text: `${value}%`, number: value };
  const number = parseQuantity(text(value) ?? '');
  return number === undefined ? undefined : { text: text(value) ?? '', number };
}
