/** One pod: its containers over the last hour. */
import { useMemo } from 'preact/hooks';
import { useAnswer } from '../data/live.js';
import { refresh } from '../data/cluster.js';
import { lineOf, ofPods, usePodHistory, whyEmpty } from '../data/series.js';
import { hasUsage, resources } from '../format.js';
import { html } from '../html.js';
import { Badge, Fact, Heading } from '../parts/facts.js';
import { Age, Amount, measuredTip, Share, Usage } from '../parts/number.js';
import { shownAs } from '../parts/states.js';
import { boundsOf, UsagePlots } from '../parts/usageplots.js';
import { moveFocus } from '../parts/virtuallist.js';
import { apiPath, linkTo, nodeLink, workloadLink } from '../routes.js';

/** @import { UsageHistoryAnswer, UsageSeries } from '../../routes.ts' */
/** @import { ContainerView, PodView } from '../../../view/types.ts' */
/** @import { ResourceName } from '../format.js' */

/** @param {{ namespace: string, name: string }} props */
export function PodPage({ namespace, name }) {
  const path = apiPath(`pods/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`);
  /** @type {readonly (readonly [string, string])[]} */
  const trail = [
    ['Namespaces', linkTo('namespaces')],
    [namespace, linkTo('namespaces', namespace)],
  ];
  const live = /** @type {import('../data/live.js').Live<PodView>} */ (useAnswer(path, refresh.get()));
  return html`${live.data === undefined && html`<${Heading} kind="Pod" name=${name} trail=${trail} />`}
    ${shownAs(live, (pod) => html`<${Pod} pod=${pod} trail=${trail} />`)}`;
}

/** @param {{ pod: PodView, trail: readonly (readonly [string, string])[] }} props */
function Pod({ pod, trail }) {
  const history = usePodHistory(pod.namespace, pod.name);
  const series = useMemo(() => {
    const known = ofPods(history.data?.series ?? [], [pod]).filter(({ timeSeconds }) => timeSeconds.length > 0);
    return new Map(known.map((one) => [one.name.split('/')[2] ?? '', one]));
  }, [history.data, pod.createdMs]);
  const plotted = pod.containers.filter(({ name, kind }) => kind === 'container' || series.has(name));
  return html`<${Heading} kind="Pod" name=${pod.name} trail=${trail}>
      <${Badge} level=${pod.status === 'Running' ? 'ok' : pod.phase === 'Failed' ? 'bad' : 'plain'}>${pod.status}<//>
      <${Fact} name="CPU"><${Usage} resource="cpu" view=${pod.cpu} measured=${pod} focusable /><//>
      <${Fact} name="memory"><${Usage} resource="memory" view=${pod.memory} measured=${pod} focusable /><//>
      ${pod.timestampMs !== undefined && html`<${Fact} name="measured"><${Age} at=${pod.timestampMs} /><//>`}
      <${Fact} name="restarts"><data value=${pod.restarts}>${pod.restarts}</data><//>
      ${pod.workload !== undefined && html`<${Fact} name=${pod.workload.kind}><a href=${workloadLink(pod.namespace, pod.workload)}>${pod.workload.name}</a><//>`}
      ${pod.node !== undefined && html`<${Fact} name="node"><a href=${nodeLink(pod.node)}>${pod.node}</a><//>`}
    <//>
    ${pod.reason !== undefined && html`<p class="note warn">${pod.reason}</p>`}
    <section aria-label="Containers"><div class="tablehead"><h2>Containers</h2></div><${Containers} pod=${pod} /></section>
    ${plotted.map((container) => html`<section key=${container.name} aria-label=${container.name}><div class="tablehead"><h2><span class="kind">Container</span> ${container.name}</h2></div><${ContainerPlots} pod=${pod} container=${container} series=${series.get(container.name)} history=${history} /></section>`)}
    <${Labels} labels=${pod.labels} />`;
}

/** @param {{ pod: PodView, container: ContainerView, series: UsageSeries | undefined, history: import('../data/live.js').Live<UsageHistoryAnswer> }} props */
function ContainerPlots({ pod, container, series, history }) {
  const current = { ...container, ...(pod.timestampMs === undefined ? {} : { timestampMs: pod.timestampMs }) };
  const empty = whyEmpty(history, containerMeasurement(pod, container).reason);
  return html`<${UsagePlots} empty=${empty} inputs=${[series, pod]} linesOf=${(
    /** @type {ResourceName} */ resource,
  ) => [
    { label: 'used', colour: resource, line: lineOf(series, resource, current), filled: true },
    ...boundsOf(container[resource]),
  ]} />`;
}

/** @param {{ pod: PodView }} props */
function Containers({ pod }) {
  return html`<div class="scroll stacked" tabindex="0" role="region" aria-label="Containers"><table><thead><tr><th scope="col">Container</th><th scope="col">State</th><th scope="col" class="right">CPU</th><th scope="col" class="right">request</th><th scope="col" class="right">limit</th><th scope="col">% of limit</th><th scope="col" class="right">Memory</th><th scope="col" class="right">request</th><th scope="col" class="right">limit</th><th scope="col">% of limit</th><th scope="col" class="right">Restarts</th></tr></thead>
    <tbody onKeyDown=${moveFocus}>${pod.containers.map(
      (
        container,
      ) => html`<tr key=${container.name}><th scope="row"><span class="rowlink" tabindex="0" ...${measuredTip(containerMeasurement(pod, container), container.name)}>${container.name}</span>${container.kind !== 'container' && html` <span class="muted">${container.kind}</span>`}</th>
      <td class="whole" data-label="state">${container.state ?? ''}${container.reason !== undefined && container.state !== 'running' && html` <span class="phase">${container.reason}</span>`}</td>
      ${
        /** @type {const} */ (['cpu', 'memory']).map(
          (
            resource,
          ) => html`<td class="right" data-label=${resources[resource].title}><${Usage} resource=${resource} view=${container[resource]} measured=${containerMeasurement(pod, container)} /></td>
        <td class="right muted" data-label="request"><${Amount} resource=${resource} value=${container[resource].requested} /></td>
        <td class="right muted" data-label="limit"><${Amount} resource=${resource} value=${container[resource].limit} /></td>
        <td data-label="% of limit"><${Share} used=${container[resource].used} of=${container[resource].limit} label=${`${resources[resource].title} limit`} measured=${containerMeasurement(pod, container)} isBound /></td>`,
        )
      }
      <td class="right whole" data-label="restarts">${container.restarts}</td></tr>`,
    )}</tbody></table></div>`;
}

/** A container's usage is as old as its pod's. @param {PodView} pod @param {ContainerView} container */
function containerMeasurement(pod, container) {
  const { timestampMs, windowSeconds, source } = hasUsage(container) ? pod : {};
  const { state, reason } = container;
  const own =
    state === undefined || state === 'running'
      ? reason
      : `the container is ${state}${reason === undefined ? '' : `: ${reason}`}`;
  // The reason of a pod with usage may be that of another container.
  const why = hasUsage(container) ? undefined : hasUsage(pod) ? own : (pod.reason ?? own);
  return {
    ...(timestampMs === undefined ? {} : { timestampMs }),
    ...(windowSeconds === undefined ? {} : { windowSeconds }),
    ...(source === undefined ? {} : { source }),
    ...(why === undefined ? {} : { reason: why }),
  };
}

/** @param {{ labels: Readonly<Record<string, string>> }} props */
function Labels({ labels }) {
  const entries = Object.entries(labels);
  if (entries.length === 0) return null;
  return html`<section aria-label="Labels"><div class="tablehead"><h2>Labels</h2></div><ul class="labels">${entries.map(([key, value]) => html`<li key=${key}><span class="muted">${key}=</span>${value}</li>`)}</ul></section>`;
}
