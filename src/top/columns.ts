/** The columns of each screen: a cell's text and tone, and the value that it is sorted by and that CSV has. */
import { escapeControls } from '../foreigntext.ts';
import { fit, type Span, widthOf } from '../terminal/text.ts';
import type { ResourceName } from '../view/resources.ts';
import type { AmountName, AutoscalerMetricView, ResourceView } from '../view/types.ts';
import { ageText, bytesText, coresText, markOf, oldSeconds, percentText, shareOf } from './format.ts';
import { hasUsage, reasonOf, type Row, type ScreenName } from './rows.ts';

export interface ColumnContext {
  readonly nowMs: number;
  /** Returns the trend of a row's usage as bars; empty if it is not known. */
  readonly trendOf: (row: Row, resource: ResourceName) => string;
}

export interface TopColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** Shown only where there is room, the largest number last. 0 is always shown. */
  readonly extra: number;
  readonly cell: (row: Row, context: ColumnContext) => Span;
  /** It has no value, and says nothing of its own: bars of numbers that other columns have. */
  readonly isTrend?: true;
  /** Returns a cell that has no room in such a way that its end stays. Undefined: the end is cut. */
  readonly shorten?: (row: Row, columns: number) => string | undefined;
  /** Undefined sorts last, and is empty in CSV. CPU in cores, memory in bytes, shares of 1. */
  readonly value: (row: Row) => number | string | undefined;
}

type CellValue = TopColumn['value'];

const none = '-';

function column(title: string, extra: number, value: CellValue, text?: (value: number, row: Row) => Span): TopColumn {
  const cell = (row: Row): Span => {
    const known = value(row);
    if (known === undefined || known === '') return { text: none, tone: 'dim' };
    return typeof known === 'number' ? (text?.(known, row) ?? { text: String(known) }) : { text: known };
  };
  return { title, align: text === undefined ? 'left' : 'right', extra, cell, value };
}

const number = (value: number): Span => ({ text: String(value) });

function resourceOf(row: Row, resource: ResourceName): ResourceView {
  if (row.kind === 'nodes') return row.node[resource];
  if (row.kind === 'pods') return row.pod[resource];
  return row.kind === 'containers' ? row.container[resource] : {};
}

function used(title: string, resource: ResourceName): TopColumn {
  const format = resource === 'cpu' ? coresText : bytesText;
  return column(
    title,
    0,
    (row) => resourceOf(row, resource).used,
    (value) => ({ text: format(value) }),
  );
}

/** What is used, or requested, as a share of another amount; none where the amounts are not of the same containers. Only shares of what can be used up are marked. */
function share(
  title: string,
  extra: number,
  resource: ResourceName,
  [part, whole]: readonly [AmountName, AmountName],
): TopColumn {
  const isMarked = whole !== 'requested';
  return column(
    title,
    extra,
    (row) => {
      const of = resourceOf(row, resource);
      if (of.isPartial === true) return undefined;
      const counted = part === 'used' && whole === 'requested' ? (of.usedWithRequest ?? of.used) : of[part];
      return shareOf(counted, of[whole]);
    },
    (value) => {
      const { tone, mark } = isMarked && part === 'used' ? markOf(value) : { tone: 'plain' as const, mark: ' ' };
      return { text: `${percentText(value)}${mark}`, tone };
    },
  );
}

function measuredMs(row: Row): number | undefined {
  if (row.kind === 'nodes') return row.node.timestampMs;
  if (row.kind === 'containers' && !hasUsage(row.container)) return undefined;
  return row.kind === 'hpas' ? undefined : row.pod.timestampMs;
}

const age: TopColumn = {
  ...column('AGE', 0, measuredMs, number),
  cell: (row, { nowMs }) => {
    const ms = measuredMs(row);
    if (ms === undefined) return { text: none, tone: 'dim' };
    const seconds = (nowMs - ms) / 1000;
    return { text: ageText(seconds), ...(seconds > oldSeconds ? { tone: 'warning' as const } : {}) };
  },
};

function trend(title: string, extra: number, resource: ResourceName): TopColumn {
  const cell: TopColumn['cell'] = (row, { trendOf }) => ({ text: trendOf(row, resource) });
  return { title, align: 'left', extra, isTrend: true, cell, value: () => undefined };
}

const trends = [trend('CPU TREND', 3, 'cpu'), trend('MEM TREND', 6, 'memory')];

const why = column('', 0, reasonOf);
/** A reason is shown whole in the last line for the selected row. */
const reason: TopColumn = { ...why, title: 'WHY', cell: (row) => ({ text: reasonOf(row) ?? '', tone: 'warning' }) };

const ofPod = (row: Row) => (row.kind === 'pods' || row.kind === 'containers' ? row.pod : undefined);
const ofNode = (row: Row) => (row.kind === 'nodes' ? row.node : undefined);
const ofContainer = (row: Row) => (row.kind === 'containers' ? row.container : undefined);
const ofHpa = (row: Row) => (row.kind === 'hpas' ? row.autoscaler : undefined);

const podNumbers: readonly TopColumn[] = [
  used('CPU', 'cpu'),
  share('%REQ', 1, 'cpu', ['used', 'requested']),
  share('%LIM', 1, 'cpu', ['used', 'limit']),
  used('MEMORY', 'memory'),
  share('%REQ', 1, 'memory', ['used', 'requested']),
  share('%LIM', 1, 'memory', ['used', 'limit']),
];

export const columnsOf: Readonly<Record<ScreenName, readonly TopColumn[]>> = {
  nodes: [
    column('NODE', 0, (row) => ofNode(row)?.name),
    used('CPU', 'cpu'),
    share('%CPU', 0, 'cpu', ['used', 'allocatable']),
    share('%REQ', 1, 'cpu', ['requested', 'allocatable']),
    used('MEMORY', 'memory'),
    share('%MEM', 0, 'memory', ['used', 'allocatable']),
    share('%REQ', 1, 'memory', ['requested', 'allocatable']),
    column(
      'SWAP',
      5,
      (row) => ofNode(row)?.swapBytes,
      (value) => ({ text: bytesText(value) }),
    ),
    column(
      'PODS',
      2,
      (row) => ofNode(row)?.pods,
      (value, row) => ({ text: `${value}/${ofNode(row)?.podCapacity ?? '?'}` }),
    ),
    age,
    column('SOURCE', 5, (row) => ofNode(row)?.source),
    column('READY', 2, readyText),
    ...trends,
    reason,
  ],
  pods: [
    column('NAMESPACE', 0, (row) => ofPod(row)?.namespace),
    column('POD', 0, (row) => ofPod(row)?.name),
    ...podNumbers,
    column('RESTARTS', 2, (row) => ofPod(row)?.restarts, number),
    column('STATE', 2, (row) => ofPod(row)?.status),
    age,
    ...trends,
    column('NODE', 4, (row) => ofPod(row)?.node),
    reason,
  ],
  containers: [
    column('NAMESPACE', 4, (row) => ofPod(row)?.namespace),
    column('POD', 0, (row) => ofPod(row)?.name),
    column('CONTAINER', 0, (row) => ofContainer(row)?.name),
    ...podNumbers,
    column('RESTARTS', 2, (row) => ofContainer(row)?.restarts, number),
    column('STATE', 2, (row) => ofContainer(row)?.state),
    age,
    ...trends,
    reason,
  ],
  hpas: [
    column('NAMESPACE', 0, (row) => ofHpa(row)?.namespace),
    column('HPA', 0, (row) => ofHpa(row)?.name),
    column('TARGET', 1, (row) => targetText(row)),
    { ...column('METRICS', 0, metricsText), shorten: shortMetricsText },
    column('MIN', 2, (row) => ofHpa(row)?.minReplicas, number),
    column('MAX', 2, (row) => ofHpa(row)?.maxReplicas, number),
    column('NOW', 0, (row) => ofHpa(row)?.replicas, number),
    column('WANTED', 1, (row) => ofHpa(row)?.desiredReplicas, number),
    reason,
  ],
};

function targetText(row: Row): string | undefined {
  const target = ofHpa(row)?.target;
  return target && `${target.kind}/${target.name}`;
}

function readyText(row: Row): string | undefined {
  const ready = ofNode(row)?.ready;
  return ready === undefined ? undefined : ready ? 'yes' : 'NO';
}

/** Each as `cpu 75%/50%`. */
function metricsText(row: Row): string | undefined {
  return ofHpa(row)
    ?.metrics.map((metric) => `${metric.name} ${amountsText(metric)}`)
    .join(', ');
}

function amountsText({ current, target }: AutoscalerMetricView): string {
  return `${current ?? '?'}/${target}`;
}

/** Columns of a name that is cut. */
const leastMetricName = 2;

/** Cuts the longest names, and no value. Undefined where there is no room for the values. */
function shortMetricsText(row: Row, columns: number): string | undefined {
  const metrics = ofHpa(row)?.metrics ?? [];
  const taken = metrics.reduce((sum, metric) => sum + widthOf(amountsText(metric)) + ' , '.length, -', '.length);
  let left = columns - taken;
  if (left < leastMetricName * metrics.length) return undefined;
  const widths = new Map<AutoscalerMetricView, number>();
  // Short names first: what they leave is shared by the longer ones.
  const byLength = metrics.toSorted((a, b) => widthOf(escapeControls(a.name)) - widthOf(escapeControls(b.name)));
  for (const [at, metric] of byLength.entries()) {
    const width = Math.min(widthOf(escapeControls(metric.name)), Math.floor(left / (metrics.length - at)));
    widths.set(metric, width);
    left -= width;
  }
  return metrics.map((metric) => `${fit(metric.name, widths.get(metric) ?? 0)} ${amountsText(metric)}`).join(', ');
}
