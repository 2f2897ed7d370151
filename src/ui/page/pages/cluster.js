/** The cluster: what it uses, and its nodes as small multiples. */
import { useMemo, useState } from 'preact/hooks';
import { nowMs, useNodes, useSummary } from '../data/cluster.js';
import { historyText, lineOf, useNodeHistory } from '../data/series.js';
import { useStore } from '../data/store.js';
import { compareNames, counted, countedOf, grouped, levelOf, percentText, ratioOf, resources } from '../format.js';
import { html } from '../html.js';
import { filterText, matches } from '../parts/filter.js';
import { Badge } from '../parts/facts.js';
import { Meter } from '../parts/meter.js';
import { Age, Amount, measuredTip, Usage } from '../parts/number.js';
import { Spark } from '../parts/spark.js';
import { shownAs } from '../parts/states.js';
import { commonSource } from '../parts/sums.js';
import { VirtualList } from '../parts/virtuallist.js';
import { linkTo, nodeLink } from '../routes.js';

/** @import { SummaryAnswer, UsageSeries } from '../../routes.ts' */
/** @import { NodeView } from '../../../view/types.ts' */
/** @import { ResourceName } from '../format.js' */

/** Smallest width of a node's card, in pixels. */
const cardWidth = 330;
/** Heights of a card in pixels: with few nodes there is room for more. */
const cardHeights = { few: 330, many: 236 };
/** Nodes that are few. */
const fewNodes = 6;
/** Pixels below a card. */
const cardGap = 16;

export function ClusterPage() {
  const summary = useSummary();
  const nodes = useNodes();
  document.title = 'Cluster · kubegauge';
  return html`<h1 class="unseen">Cluster</h1>
    ${shownAs(summary, (answer) => html`<${Overview} answer=${answer} nodes=${nodes.data?.items} />`)}
    ${summary.data !== undefined && shownAs(nodes, ({ items }) => html`<${Nodes} items=${items} />`)}`;
}

/** @param {readonly NodeView[]} nodes */
function podsOf(nodes) {
  const known = nodes.filter(({ pods }) => pods !== undefined);
  const capacity = known.reduce((sum, { podCapacity }) => sum + (podCapacity ?? 0), 0);
  return known.length === 0 ? undefined : { count: known.reduce((sum, { pods }) => sum + (pods ?? 0), 0), capacity };
}

/** @param {{ answer: SummaryAnswer, nodes: readonly NodeView[] | undefined }} props */
function Overview({ answer: { summary, history }, nodes = [] }) {
  const pods = podsOf(nodes);
  const source = commonSource(nodes);
  const measured = {
    ...(summary.timestampMs === undefined ? {} : { timestampMs: summary.timestampMs }),
    ...(source === undefined ? {} : { source }),
    ...(summary.cpu.used === undefined ? { reason: summary.degraded[0] ?? 'no node has usage' } : {}),
  };
  return html`<div class="overview">
      <${Meter} resource="cpu" view=${summary.cpu} measured=${measured} />
      <${Meter} resource="memory" view=${summary.memory} measured=${measured} />
      <section class="tile counts" aria-label="Objects">
        <dl>
          <div><dt>Nodes ready</dt><dd><data value=${summary.readyNodes}>${summary.readyNodes ?? '–'}</data><span class="of">of ${summary.nodes}</span></dd></div>
          <div><dt>Pods</dt><dd>${pods === undefined ? '–' : html`<data value=${pods.count}>${grouped(pods.count)}</data><span class="of">of ${grouped(pods.capacity)}</span>`}</dd></div>
          <div><dt>Oldest usage</dt><dd>${summary.timestampMs === undefined ? '–' : html`<${Age} at=${summary.timestampMs} />`}</dd></div>
        </dl>
        <p class="muted">${historyText(history)}</p>
      </section>
    </div>
    <${Degraded} lines=${summary.degraded} />`;
}

/** Sentences that are shown before the rest is folded. */
const degradedShown = 3;

/** @param {{ lines: readonly string[] }} props */
function Degraded({ lines }) {
  if (lines.length === 0) return null;
  const items = (/** @type {readonly string[]} */ some) =>
    html`<ul>${some.map((line) => html`<li key=${line}>${line}</li>`)}</ul>`;
  return html`<section class="note warn" aria-label="What is degraded"><div>${items(lines.slice(0, degradedShown))}
    ${lines.length > degradedShown && html`<details><summary>${lines.length - degradedShown} more</summary>${items(lines.slice(degradedShown))}</details>`}</div>
    <a href=${linkTo('health')}>See Health</a></section>`;
}

/** A node without usage is first: it needs a look. */
const nodeWithoutUsage = 1e9;

/** @type {Readonly<Record<string, { label: string, by: (node: NodeView) => number }>>} */
const orders = {
  name: { label: 'name', by: () => 0 },
  cpu: { label: 'CPU', by: ({ cpu }) => -(ratioOf(cpu.used, cpu.allocatable) ?? nodeWithoutUsage) },
  memory: { label: 'memory', by: ({ memory }) => -(ratioOf(memory.used, memory.allocatable) ?? nodeWithoutUsage) },
};

/** @param {{ items: readonly NodeView[] }} props */
function Nodes({ items }) {
  const filter = useStore(filterText);
  const history = useNodeHistory({ count: items.length });
  const [order, setOrder] = useState('name');
  const series = useMemo(() => new Map(history.data?.series.map((one) => [one.name, one])), [history.data]);
  const shown = useMemo(() => {
    const by = orders[order]?.by ?? (() => 0);
    return items
      .filter(({ name }) => matches(filter, [name]))
      .toSorted((a, b) => by(a) - by(b) || compareNames(a.name, b.name));
  }, [items, filter, order]);
  const endSeconds = nowMs() / 1000;
  const height = items.length <= fewNodes ? cardHeights.few : cardHeights.many;
  return html`<section aria-label="Nodes">
    <div class="tablehead"><h2>Nodes</h2><p class="muted" role="status">${countedOf(shown.length, items.length, 'node')}</p>
      <ul class="legend"><li><i class="key cpu"></i>CPU</li><li><i class="key memory"></i>memory</li><li><i class="key request dashed"></i>requested</li><li><i class="key limit"></i>allocatable</li></ul>
      <label class="sorting shown">Sort by <select value=${order} onChange=${(/** @type {Event & { currentTarget: HTMLSelectElement }} */ event) => setOrder(event.currentTarget.value)}>${Object.entries(orders).map(([key, { label }]) => html`<option value=${key}>${label}</option>`)}</select></label></div>
    ${shown.length === 0 && html`<p class="state small">${items.length === 0 ? 'No node can be read.' : 'No node matches the filter. Escape clears it.'}</p>`}
    <${VirtualList} className="cards" items=${shown} keyOf=${nameOf} rowHeight=${height + cardGap} columnWidth=${cardWidth} render=${(/** @type {NodeView} */ node) => html`<${NodeCard} node=${node} series=${series.get(node.name)} isRead=${history.data !== undefined} endSeconds=${endSeconds} height=${height} />`} />
  </section>`;
}

/** @param {NodeView} node */
const nameOf = ({ name }) => name;

/** @param {{ node: NodeView, series: UsageSeries | undefined, isRead: boolean, endSeconds: number, height: number }} props `isRead`: the history is; `height` in pixels */
function NodeCard({ node, series, isRead, endSeconds, height }) {
  return html`<article class="card" style=${{ height: `${height}px` }}>
    <header><h3><a class="rowlink" href=${nodeLink(node.name)} ...${measuredTip(node, node.name)}>${node.name}</a></h3>
      ${node.ready === false && html`<${Badge} level="bad">not ready<//>`}
      <span class="muted">${node.pods !== undefined && html`<data value=${node.pods}>${counted(node.pods, 'pod')}</data>`}</span><${Age} at=${node.timestampMs} /></header>
    ${node.reason !== undefined && node.cpu.used === undefined ? html`<p class="reason">${node.reason}</p>` : null}
    <${NodeSpark} resource="cpu" node=${node} series=${series} isRead=${isRead} endSeconds=${endSeconds} />
    <${NodeSpark} resource="memory" node=${node} series=${series} isRead=${isRead} endSeconds=${endSeconds} />
  </article>`;
}

/** @param {{ resource: ResourceName, node: NodeView, series: UsageSeries | undefined, isRead: boolean, endSeconds: number }} props */
function NodeSpark({ resource, node, series, isRead, endSeconds }) {
  const view = node[resource];
  const { title } = resources[resource];
  const ratio = ratioOf(view.used, view.allocatable);
  const line = useMemo(() => lineOf(series, resource, node), [series, node]);
  const label = `${title} of ${node.name} over the last hour${ratio === undefined ? '' : `, now ${percentText(ratio)} of allocatable`}`;
  return html`<div class="multiple">
    <p><span class="name">${title}</span><b><${Usage} resource=${resource} view=${view} measured=${node} /></b>
      <span class="muted">${view.allocatable !== undefined && html`of <${Amount} resource=${resource} value=${view.allocatable} />`}</span>
      <span class=${`percent ${ratio !== undefined && levelOf(ratio) === 'hot' ? 'hot' : ''}`}>${ratio === undefined ? '' : percentText(ratio)}</span></p>
    ${isRead && view.used !== undefined && line.times.length < 2 && html`<p class="soon muted">The line begins within a minute.</p>`}
    <${Spark} line=${line} kind=${resource} requested=${view.requested} top=${view.allocatable} label=${label} endSeconds=${endSeconds} />
  </div>`;
}
