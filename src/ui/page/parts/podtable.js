/** A table of pods that stays fast with thousands of them. */
import { useMemo, useState } from 'preact/hooks';
import { useStore } from '../data/store.js';
import { compareNames, countedOf, hasUsage, percentText, ratioOf, usedOfLimit, usedOfRequest } from '../format.js';
import { html } from '../html.js';
import { nodeLink, podLink, workloadLink } from '../routes.js';
import { filterText, matchesPod } from './filter.js';
import { Age, measuredTip, Share, Usage } from './number.js';
import { useMedia, VirtualList } from './virtuallist.js';

/** @import { PodView } from '../../../view/types.ts' */
/** @import { PodList } from '../data/cluster.js' */

/**
 * `width` is that of a grid column, `narrow` where the page is less than 1,180 px wide; undefined leaves the column out there. `isRoomy`: only from 1,600 px on.
 * @typedef {{ readonly key: string, readonly label: string, readonly sortBy: (pod: PodView) => string | number | undefined, readonly width: string, readonly narrow?: string, readonly isRoomy?: boolean, readonly className?: string }} Column
 */

/** @type {readonly Column[]} */
const columns = [
  {
    key: 'name',
    label: 'Pod',
    sortBy: ({ name }) => name,
    width: 'minmax(210px, 4fr)',
    narrow: 'minmax(150px, 2fr)',
  },
  {
    key: 'namespace',
    label: 'Namespace',
    sortBy: ({ namespace }) => namespace,
    width: 'minmax(80px, 1fr)',
    narrow: 'minmax(70px, 0.9fr)',
  },
  {
    key: 'workload',
    label: 'Workload',
    sortBy: ({ workload }) => workload?.name,
    width: 'minmax(140px, 1.4fr)',
    isRoomy: true,
  },
  { key: 'node', label: 'Node', sortBy: ({ node }) => node, width: 'minmax(80px, 1fr)', narrow: 'minmax(70px, 0.8fr)' },
  { key: 'cpu', label: 'CPU', sortBy: ({ cpu }) => cpu.used, width: '62px', narrow: '54px', className: 'right' },
  {
    key: 'cpurequest',
    label: '% of request',
    sortBy: ({ cpu }) => ratioOf(usedOfRequest(cpu), cpu.requested),
    width: '98px',
    narrow: '56px',
  },
  {
    key: 'cpulimit',
    label: '% of limit',
    sortBy: ({ cpu }) => ratioOf(usedOfLimit(cpu), cpu.limit),
    width: '98px',
    narrow: '56px',
  },
  {
    key: 'memory',
    label: 'Memory',
    sortBy: ({ memory }) => memory.used,
    width: '78px',
    narrow: '72px',
    className: 'right',
  },
  {
    key: 'memoryrequest',
    label: '% of request',
    sortBy: ({ memory }) => ratioOf(usedOfRequest(memory), memory.requested),
    width: '98px',
    narrow: '56px',
  },
  {
    key: 'memorylimit',
    label: '% of limit',
    sortBy: ({ memory }) => ratioOf(usedOfLimit(memory), memory.limit),
    width: '98px',
    narrow: '56px',
  },
  {
    key: 'restarts',
    label: 'Restarts',
    sortBy: ({ restarts }) => restarts,
    width: '68px',
    narrow: '62px',
    className: 'right',
  },
  {
    key: 'age',
    label: 'Measured',
    sortBy: ({ timestampMs }) => (timestampMs === undefined ? undefined : -timestampMs),
    width: '80px',
    className: 'right',
  },
];

/** Heights of a row in pixels; page.css has the same. */
const rowHeights = { wide: 34, narrow: 76 };

/**
 * @param {{ list: PodList, title?: string, hidden?: readonly string[] }} props `hidden`: keys of columns that say the same in each row.
 */
export function PodTable({ list, title = 'Pods', hidden = [] }) {
  const filter = useStore(filterText);
  const isWide = useMedia('(min-width: 900px)');
  const isFull = useMedia('(min-width: 1180px)');
  const isRoomy = useMedia('(min-width: 1600px)');
  const [order, setOrder] = useState({ key: 'cpu', isDown: true });
  const shown = useMemo(() => sorted(list.items, filter, order), [list, filter, order]);
  const used = columns.filter((column) => !hidden.includes(column.key) && (column.isRoomy !== true || isRoomy));
  const template = used.flatMap(({ key, width, narrow }) =>
    (isFull ? width : narrow) === undefined ? [] : [`[${key}] ${isFull ? width : narrow}`],
  );
  const sortBy = (/** @type {string} */ key) =>
    setOrder((old) => ({
      key,
      isDown: old.key === key ? !old.isDown : !['name', 'namespace', 'workload', 'node'].includes(key),
    }));
  return html`<section class="podtable" aria-label=${title}>
    <div class="tablehead"><h2>${title}</h2><p class="muted" role="status">${countedOf(shown.length, list.items.length, 'pod')}${list.isWhole ? '' : ' so far'}</p>
      <label class="sorting">Sort by <select value=${order.key} onChange=${(/** @type {Event & { currentTarget: HTMLSelectElement }} */ event) => sortBy(event.currentTarget.value)}>${used.map(({ key, label }) => html`<option value=${key}>${optionText(key, label)}</option>`)}</select></label></div>
    ${
      shown.length === 0
        ? html`<p class="state small">${list.items.length === 0 ? 'There are no pods here.' : 'No pod matches the filter. Escape clears it.'}</p>`
        : html`<div role="table" aria-label=${title} aria-rowcount=${shown.length + 1} class="rows pods" style=${{ '--columns': template.join(' ') }}>
          <div role="row" class="row head" aria-rowindex="1">${used.map(({ key, label, className = '' }) => html`<span role="columnheader" class=${`c-${key} ${className}`} aria-sort=${sortState(key, order)}><button type="button" onClick=${() => sortBy(key)} aria-label=${`sort by ${optionText(key, label)}`}>${label}<i class=${order.key === key ? (order.isDown ? 'down' : 'up') : ''}></i></button></span>`)}</div>
          <${VirtualList} items=${shown} keyOf=${keyOf} rowHeight=${isWide ? rowHeights.wide : rowHeights.narrow} role="rowgroup" render=${(/** @type {PodView} */ pod, /** @type {number} */ index) => html`<${PodRow} pod=${pod} index=${index} used=${used} />`} />
        </div>`
    }
  </section>`;
}

/** @param {PodView} pod */
const keyOf = ({ namespace, name }) => `${namespace}/${name}`;

/** @param {string} key @param {string} label */
const optionText = (key, label) =>
  key.startsWith('cpu') && key !== 'cpu'
    ? `CPU, ${label}`
    : key.startsWith('memory') && key !== 'memory'
      ? `memory, ${label}`
      : label;

/** @param {string} key @param {{ key: string, isDown: boolean }} order */
const sortState = (key, order) => (order.key !== key ? 'none' : order.isDown ? 'descending' : 'ascending');

/** @param {{ pod: PodView, index: number, used: readonly Column[] }} props */
function PodRow({ pod, index, used }) {
  const { cpu, memory, namespace, name, node } = pod;
  const tip = measuredTip(pod, `${namespace}/${name}`);
  const has = (/** @type {string} */ key) => used.some((column) => column.key === key);
  return html`<div role="row" class="row" aria-rowindex=${index + 2}>
    <span role="cell" class="c-name"><a class="rowlink" href=${podLink(pod)} ...${tip}>${name}</a>${pod.status !== 'Running' && html` <span class="phase">${pod.status}</span>`}</span>
    ${has('namespace') && html`<span role="cell" class="c-namespace muted">${namespace}</span>`}
    ${has('workload') && html`<span role="cell" class="c-workload">${pod.workload === undefined ? html`<span class="none">none</span>` : html`<span class="muted">${pod.workload.kind} </span><a href=${workloadLink(namespace, pod.workload)}>${pod.workload.name}</a>`}</span>`}
    ${has('node') && html`<span role="cell" class="c-node">${node === undefined ? html`<span class="none">not scheduled</span>` : html`<a href=${nodeLink(node)}>${node}</a>`}</span>`}
    ${
      !hasUsage(pod)
        ? html`<span role="cell" class="c-reason" data-tip=${pod.reason ?? 'no usage'}>${pod.reason ?? 'no usage'}</span>`
        : html`<span role="cell" class="c-cpu right"><span class="narrow">CPU </span><${Usage} resource="cpu" view=${cpu} measured=${pod} /><${NarrowShare} view=${cpu} /></span>
          <span role="cell" class="c-cpurequest"><${Share} used=${usedOfRequest(cpu)} of=${cpu.requested} label="CPU request" measured=${pod} /></span>
          <span role="cell" class="c-cpulimit"><${Share} used=${usedOfLimit(cpu)} of=${cpu.limit} label="CPU limit" measured=${pod} isBound /></span>
          <span role="cell" class="c-memory right"><span class="narrow">Mem </span><${Usage} resource="memory" view=${memory} measured=${pod} /><${NarrowShare} view=${memory} /></span>
          <span role="cell" class="c-memoryrequest"><${Share} used=${usedOfRequest(memory)} of=${memory.requested} label="memory request" measured=${pod} /></span>
          <span role="cell" class="c-memorylimit"><${Share} used=${usedOfLimit(memory)} of=${memory.limit} label="memory limit" measured=${pod} isBound /></span>`
    }
    <span role="cell" class="c-restarts right">${pod.restarts > 0 ? html`<span class="num">${pod.restarts}</span><span class="narrow"> restarts</span>` : html`<span class="none">0</span>`}</span>
    <span role="cell" class="c-age right"><${Age} at=${pod.timestampMs} /></span>
  </div>`;
}

/** The share of the request, where there is no room for its column. @param {{ view: import('../../../view/types.ts').ResourceView }} props */
function NarrowShare({ view }) {
  const ratio = ratioOf(usedOfRequest(view), view.requested);
  return ratio === undefined ? null : html`<span class="narrow"> · ${percentText(ratio)}</span>`;
}

/**
 * @param {readonly PodView[]} pods @param {string} filter @param {{ key: string, isDown: boolean }} order
 * Pods without a value are last either way.
 */
function sorted(pods, filter, { key, isDown }) {
  const sortBy = columns.find((column) => column.key === key)?.sortBy ?? (() => undefined);
  const sign = isDown ? -1 : 1;
  return pods
    .filter((pod) => matchesPod(filter, pod))
    .map((pod) => ({ pod, value: sortBy(pod) }))
    .toSorted((a, b) => sign * compared(a.value, b.value, sign) || compared(keyOf(a.pod), keyOf(b.pod), 1))
    .map(({ pod }) => pod);
}

/** @param {string | number | undefined} a @param {string | number | undefined} b @param {number} sign of missing values */
function compared(a, b, sign) {
  if (a === b) return 0;
  if (a === undefined) return sign;
  if (b === undefined) return -sign;
  return typeof a === 'number' && typeof b === 'number' ? a - b : compareNames(String(a), String(b));
}
