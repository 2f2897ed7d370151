/** HorizontalPodAutoscalers: all of them, and one with its metrics and replicas over time. */
import { useMemo } from 'preact/hooks';
import { clockAhead, nowMs, refresh, useAutoscalers } from '../data/cluster.js';
import { useAnswer } from '../data/live.js';
import { whyEmpty, withGaps } from '../data/series.js';
import { plainText } from '../format.js';
import { html } from '../html.js';
import { AutoscalerTable, lastScaled, Metric, Replicas } from '../parts/autoscalertable.js';
import { Fact, Heading } from '../parts/facts.js';
import { Plot } from '../parts/plot.js';
import { Empty, shownAs } from '../parts/states.js';
import { apiPath, linkTo, workloadLink } from '../routes.js';

/** @import { AutoscalerHistoryAnswer, AutoscalerSeries } from '../../routes.ts' */
/** @import { AutoscalerView } from '../../../view/types.ts' */

export function AutoscalersPage() {
  document.title = 'Autoscalers · kubegauge';
  return html`<h1 class="unseen">Autoscalers</h1>${shownAs(useAutoscalers(), ({ items }) => {
    if (items.length === 0)
      return html`<${Empty} title="No autoscalers">There is no HorizontalPodAutoscaler in this cluster, or it cannot be read.<//>`;
    return html`<${AutoscalerTable} items=${items} title="All autoscalers" hasNamespace />`;
  })}`;
}

/** @param {{ namespace: string, name: string }} props */
export function AutoscalerPage({ namespace, name }) {
  /** @type {readonly (readonly [string, string])[]} */
  const trail = [
    ['Autoscalers', linkTo('autoscalers')],
    [namespace, linkTo('namespaces', namespace)],
  ];
  return shownAs(useAutoscalers(namespace), ({ items }) => {
    const found = items.find((item) => item.namespace === namespace && item.name === name);
    if (found === undefined)
      return html`<${Heading} kind="Autoscaler" name=${name} trail=${trail} /><${Empty} title="No such autoscaler">It may have been deleted, or it cannot be read.<//>`;
    return html`<${Autoscaler} item=${found} trail=${trail} />`;
  });
}

/** @param {{ item: AutoscalerView, trail: readonly (readonly [string, string])[] }} props */
function Autoscaler({ item, trail }) {
  const { namespace, name, target } = item;
  const history = /** @type {import('../data/live.js').Live<AutoscalerHistoryAnswer>} */ (
    useAnswer(apiPath('history/autoscalers', { namespace, name }), refresh.get())
  );
  const series = history.data?.series.find((one) => one.namespace === namespace && one.name === name);
  return html`<${Heading} kind="Autoscaler" name=${name} trail=${trail}>
      <${Fact} name=${target.kind}><a href=${workloadLink(namespace, target)}>${target.name}</a><//>
      <${Fact} name="replicas"><${Replicas} item=${item} /><//>
      <${Fact} name="between">${item.minReplicas} and ${item.maxReplicas}<//>
      <${Fact} name="last scaled">${lastScaled(item)}<//>
    <//>
    ${item.reason !== undefined && html`<p class="note warn">${item.reason}</p>`}
    <section class="metrics" aria-label="Metrics">${item.metrics.map((metric) => html`<${Metric} key=${metric.name} metric=${metric} reason=${item.reason} focusable />`)}</section>
    <${AutoscalerPlots} series=${series} item=${item} empty=${whyEmpty(history, item.reason)} />
    <p class="muted">Collected since this program was started: the cluster keeps no history of autoscalers.</p>`;
}

/** @param {{ series: AutoscalerSeries | undefined, item: AutoscalerView, empty: string }} props */
function AutoscalerPlots({ series, item, empty }) {
  const plots = useMemo(() => plotsOf(series, item), [series, item]);
  const endSeconds = useMemo(() => nowMs() / 1000, [series, item, clockAhead.get()]);
  return html`<div class="plots">${plots.map(({ title, lines, text, isCount }) => html`<${Plot} key=${title} title=${title} lines=${lines} text=${text} isCount=${isCount} endSeconds=${endSeconds} empty=${empty} />`)}</div>`;
}

/** @param {AutoscalerSeries | undefined} series @param {AutoscalerView} item */
function plotsOf(series, { minReplicas, maxReplicas }) {
  const line = (/** @type {readonly (number | null)[]} */ values) =>
    withGaps({ times: [...(series?.timeSeconds ?? [])], values: [...values] });
  const metrics = (series?.metrics ?? []).map(({ name, unit, current, target }) => ({
    title: name,
    text: (/** @type {number} */ value) => `${plainText(value)}${unit}`,
    isCount: false,
    lines: [
      { label: 'current', colour: 'cpu', line: line(current), filled: true },
      { label: 'target', colour: 'request', line: line(target), dashed: true },
    ],
  }));
  const replicas = {
    title: 'Replicas',
    text: plainText,
    isCount: true,
    lines: [
      { label: 'running', colour: 'memory', line: line(series?.replicas ?? []), filled: true, stepped: true },
      { label: 'wanted', colour: 'line-3', line: line(series?.desiredReplicas ?? []), stepped: true },
      { label: 'min', colour: 'request', value: minReplicas },
      { label: 'max', colour: 'limit', value: maxReplicas },
    ],
  };
  return [...metrics, replicas];
}
