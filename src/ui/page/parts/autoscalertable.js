/** A table of HorizontalPodAutoscalers. */
import { nowMs } from '../data/cluster.js';
import { ageText, percentText } from '../format.js';
import { html } from '../html.js';
import { autoscalerLink, workloadLink } from '../routes.js';

/** @import { AutoscalerMetricView, AutoscalerView } from '../../../view/types.ts' */

/** @param {{ items: readonly AutoscalerView[], hasNamespace?: boolean }} props */
export function AutoscalerTable({ items, hasNamespace = false }) {
  return html`<div class="scroll stacked" tabindex="0" role="region" aria-label="Autoscalers"><table><thead><tr><th scope="col">Autoscaler</th>${hasNamespace && html`<th scope="col">Namespace</th>`}<th scope="col">Target</th><th scope="col">Metric: current of target</th><th scope="col" class="right">Replicas</th><th scope="col" class="right">min–max</th><th scope="col">Last scaled</th></tr></thead>
    <tbody>${items.map(
      (
        item,
      ) => html`<tr key=${`${item.namespace}/${item.name}`}><th scope="row"><a href=${autoscalerLink(item)}>${item.name}</a></th>
      ${hasNamespace && html`<td class="muted whole" data-label="namespace">${item.namespace}</td>`}
      <td class="whole" data-label="target"><a href=${workloadLink(item.namespace, item.target)}>${item.target.kind} ${item.target.name}</a></td>
      <td class="whole">${item.metrics.map((metric) => html`<${Metric} key=${metric.name} metric=${metric} reason=${item.reason} />`)}${item.reason !== undefined && html`<p class="reason">${item.reason}</p>`}</td>
      <td class="right" data-label="replicas"><${Replicas} item=${item} /></td><td class="right muted" data-label="min–max">${item.minReplicas}–${item.maxReplicas}</td><td class="muted" data-label="last scaled">${lastScaled(item)}</td></tr>`,
    )}</tbody></table></div>`;
}

/** @param {{ metric: AutoscalerMetricView, reason: string | undefined }} props */
export function Metric({ metric: { name, current, target, ratio }, reason }) {
  const tip =
    ratio === undefined ? (reason ?? 'the autoscaler has no value of it') : `${percentText(ratio)} of the target`;
  return html`<p class="metric" data-tip=${tip}><span class="muted">${name}</span> <b class=${ratio !== undefined && ratio > 1.1 ? 'hot' : ''}>${current ?? '–'}</b> of ${target}</p>`;
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
