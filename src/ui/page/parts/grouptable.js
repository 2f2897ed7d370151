/** A table of sums over pods. */
import { countedOf, grouped } from '../format.js';
import { html } from '../html.js';
import { Amount, measuredTip, Share, Usage } from './number.js';
import { RowTable } from './rowtable.js';
import { groupMeasurement } from './sums.js';
import { useMedia } from './virtuallist.js';

/** @import { PodGroup } from './sums.js' */
/** @import { RowColumn } from './rowtable.js' */

/** Heights of a row in pixels: of one line, and of three. */
const rowHeights = { line: 34, block: 76 };

/** @type {readonly RowColumn<PodGroup>[]} */
const numbers = [
  {
    key: 'count',
    label: 'Pods',
    isRight: true,
    cell: ({ count }) => html`<data value=${count}>${grouped(count)}</data>`,
  },
  ...resourceColumns('cpu', 'CPU'),
  ...resourceColumns('memory', 'Memory'),
  {
    key: 'restarts',
    label: 'Restarts',
    isRight: true,
    cell: ({ restarts }) => (restarts === 0 ? html`<span class="none">0</span>` : grouped(restarts)),
  },
];

/** @param {'cpu' | 'memory'} resource @param {string} title @returns {readonly RowColumn<PodGroup>[]} */
function resourceColumns(resource, title) {
  return [
    {
      key: resource,
      label: title,
      isRight: true,
      cell: (group) =>
        html`<${Usage} resource=${resource} view=${group[resource]} measured=${groupMeasurement(group)} />`,
    },
    {
      key: `${resource}requested`,
      label: 'requested',
      about: title,
      isRight: true,
      cell: (group) =>
        html`<span class="muted"><${Amount} resource=${resource} value=${group[resource].requested} /></span>`,
    },
    {
      key: `${resource}request`,
      label: '% of request',
      about: title,
      cell: (group) => {
        const { used, of } = group[resource].ofRequest;
        return html`<${Share} used=${used} of=${of} label=${`${title} request`} measured=${groupMeasurement(group)} />`;
      },
    },
  ];
}

/**
 * @param {{ title: string, noun: string, groups: readonly PodGroup[], all: number, isWhole: boolean, nameOf: (group: PodGroup) => unknown, linkOf: (group: PodGroup) => string }} props
 * `groups` match the filter, of `all`; `isWhole`: no pods are missing yet.
 */
export function GroupTable({ title, noun, groups, all, isWhole, nameOf, linkOf }) {
  const isBlock = useMedia('(max-width: 640px)');
  /** @type {readonly RowColumn<PodGroup>[]} */
  const columns = [
    { key: 'name', label: noun, cell: (group) => html`<${Name} group=${group} nameOf=${nameOf} linkOf=${linkOf} />` },
    ...numbers,
  ];
  return html`<section aria-label=${title}>
    <div class="tablehead"><h2>${title}</h2><p class="muted" role="status">${countedOf(groups.length, all, noun.toLowerCase())}${isWhole ? '' : ' so far'}</p></div>
    ${
      groups.length === 0
        ? html`<p class="state small">${all === 0 ? 'There are no pods.' : `No ${noun.toLowerCase()} matches the filter. Escape clears it.`}</p>`
        : html`<${RowTable} title=${title} className="groups" columns=${columns} items=${groups} keyOf=${keyOf} heightOf=${isBlock ? rowHeights.block : rowHeights.line} />`
    }
  </section>`;
}

/** @param {PodGroup} group */
const keyOf = ({ key }) => key;

/** @param {{ group: PodGroup, nameOf: (group: PodGroup) => unknown, linkOf: (group: PodGroup) => string }} props */
function Name({ group, nameOf, linkOf }) {
  const measured = groupMeasurement(group);
  return html`<a class="rowlink" href=${linkOf(group)} ...${measuredTip(measured, group.key)}>${nameOf(group)}</a>${group.missing > 0 && html` <span class="phase" data-tip=${measured.reason}>${group.missing} without usage</span>`}${group.partial > 0 && html` <span class="phase" data-tip=${measured.reason}>${group.partial} in part</span>`}`;
}
