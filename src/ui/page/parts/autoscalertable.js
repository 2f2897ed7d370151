/** A table of HorizontalPodAutoscalers. */
import { useCallback } from 'preact/hooks';
import { nowMs } from '../data/cluster.js';
import { useStore } from '../data/store.js';
import { ageText, countedOf, percentText } from '../format.js';
import { html } from '../html.js';
import { autoscalerLink, workloadLink } from '../routes.js';
import { filterText, matchesAutoscaler } from './filter.js';
import { RowTable } from './rowtable.js';
import { useMedia } from './virtuallist.js';

/** @import { AutoscalerMetricView, AutoscalerView } from '../../../view/types.ts' */
/** @import { RowColumn } from './rowtable.js' */

/** Pixels of a line, of a reason, which has two lines at most, and above and below the text of a row; page.css has the same. */
const heights = { line: 20, reason: 36, padding: 14 };

/** @type {readonly RowColumn<AutoscalerView>[]} */
const columns = [
  {
    key: 'name',
    label: 'Autoscaler',
    cell: (item) => html`<a class="rowlink" href=${autoscalerLink(item)} data-tip=${item.name}>${item.name}</a>`,
  },
  {
    key: 'namespace',
    label: 'Namespace',
    cell: ({ namespace }) => html`<span class="muted">${namespace}</span>`,
  },
  {
    key: 'target',
    label: 'Target',
    cell: ({ namespace, target }) =>
      html`<a href=${workloadLink(namespace, target)} data-tip=${`${target.kind} ${target.name}`}><span class="muted">${target.kind} </span>${target.name}</a>`,
  },
  {
    key: 'metrics',
    label: 'Metric: current of target',
    isBlock: true,
    cell: ({ metrics, reason }) =>
      html`${metrics.map((metric) => html`<${Metric} key=${metric.name} metric=${metric} reason=${reason} />`)}${reason !== undefined && html`<p class="reason" data-tip=${reason}>${reason}</p>`}`,
  },
  { key: 'replicas', label: 'Replicas', isRight: true, cell: (item) => html`<${Replicas} item=${item} />` },
  {
    key: 'bounds',
    label: 'min–max',
    isRight: true,
    cell: ({ minReplicas, maxReplicas }) => html`<span class="muted">${minReplicas}–${maxReplicas}</span>`,
  },
  { key: 'scaled', label: 'Last scaled', cell: (item) => html`<span class="muted">${lastScaled(item)}</span>` },
];
const ofOneNamespace = columns.filter(({ key }) => key !== 'namespace');

/** @param {{ items: readonly AutoscalerView[], title?: string, hasNamespace?: boolean }} props */
export function AutoscalerTable({ items, title = 'Autoscalers', hasNamespace = false }) {
  const filter = useStore(filterText);
  const isBlock = useMedia('(max-width: 640px)');
  const shown = items.filter((item) => matchesAutoscaler(filter, item));
  const used = hasNamespace ? columns : ofOneNamespace;
  const heightOf = useCallback(
    (/** @type {AutoscalerView} */ { metrics, reason }) => {
      // In a block each column but that of bounds, which is beside the replicas, has lines of its own.
      const others = isBlock ? used.length - 2 : 0;
      const lines = Math.max(metrics.length + others, 1);
      return heights.line * lines + (reason === undefined ? 0 : heights.reason) + heights.padding;
    },
    [isBlock, used],
  );
  return html`<section aria-label=${title}>
    <div class="tablehead"><h2>${title}</h2><p class="muted" role="status">${countedOf(shown.length, items.length, 'autoscaler')}</p></div>
    ${
      shown.length === 0
        ? html`<p class="state small">No autoscaler matches the filter. Escape clears it.</p>`
        : html`<${RowTable} title=${title} className=${hasNamespace ? 'autoscalers all' : 'autoscalers'} columns=${used} items=${shown} keyOf=${keyOf} heightOf=${heightOf} />`
    }
  </section>`;
}

/** @param {AutoscalerView} item */
const keyOf = ({ namespace, name }) => `${namespace}/${name}`;

/** @param {{ metric: AutoscalerMetricView, reason: string | undefined, focusable?: boolean }} props */
export function Metric({ metric: { name, current, target, ratio }, reason, focusable = false }) {
  const tip =
    ratio === undefined ? (reason ?? 'the autoscaler has no value of it') : `${percentText(ratio)} of the target`;
  return html`<p class="metric" tabindex=${focusable ? 0 : undefined} data-tip=${`${name}: ${tip}`}><span class="muted">${name}</span> <span class="value"><b class=${ratio !== undefined && ratio > 1.1 ? 'hot' : ''}>${current ?? '–'}</b> of ${target}</span></p>`;
}

/** @param {{ item: AutoscalerView }} props */
export function Replicas({ item: { replicas, desiredReplicas } }) {
  if (replicas === undefined) return html`<span class="none">–</span>`;
  const wants = desiredReplicas !== undefined && desiredReplicas !== replicas;
  return html`<data value=${replicas}>${replicas}</data>${wants && html` <span class="phase">→ ${desiredReplicas}</span>`}`;
}

/** @param {AutoscalerView} autoscaler */
export const lastScaled = ({ lastScaleMs }) =>
  lastScaleMs === undefined ? 'never' : `${ageText((nowMs() - lastScaleMs) / 1000)} ago`;
