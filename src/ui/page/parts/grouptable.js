/** A table of sums over pods. */
import { html } from '../html.js';
import { grouped } from '../format.js';
import { Amount, measuredTip, Share, Usage } from './number.js';
import { groupMeasurement } from './sums.js';

/** @import { PodGroup } from './sums.js' */

/**
 * @param {{ title: string, groups: readonly PodGroup[], first: string, nameOf: (group: PodGroup) => unknown, linkOf: (group: PodGroup) => string }} props
 */
export function GroupTable({ title, groups, first, nameOf, linkOf }) {
  return html`<div class="scroll stacked" tabindex="0" role="region" aria-label=${title}><table><thead><tr><th scope="col">${first}</th><th scope="col" class="right">Pods</th><th scope="col" class="right">CPU</th><th scope="col" class="right wide">requested</th><th scope="col">% of request</th><th scope="col" class="right">Memory</th><th scope="col" class="right wide">requested</th><th scope="col">% of request</th><th scope="col" class="right wide">Restarts</th></tr></thead>
    <tbody>${groups.map((group) => {
      const measured = groupMeasurement(group);
      return html`<tr key=${group.key}><th scope="row"><a href=${linkOf(group)} ...${measuredTip(measured)}>${nameOf(group)}</a>${group.missing > 0 && html` <span class="phase" data-tip=${measured.reason}>${group.missing} without usage</span>`}${group.partial > 0 && html` <span class="phase" data-tip=${measured.reason}>${group.partial} in part</span>`}</th>
        <td class="right lead" data-label="pods"><data value=${group.count}>${grouped(group.count)}</data></td>
        <td class="right whole" data-label="CPU"><${Usage} resource="cpu" view=${group.cpu} measured=${measured} /></td>
        <td class="right wide muted" data-label="requested"><${Amount} resource="cpu" value=${group.cpu.requested} /></td>
        <td data-label="% of request"><${Share} used=${group.cpu.ofRequest.used} of=${group.cpu.ofRequest.of} label="CPU request" measured=${measured} /></td>
        <td class="right whole" data-label="memory"><${Usage} resource="memory" view=${group.memory} measured=${measured} /></td>
        <td class="right wide muted" data-label="requested"><${Amount} resource="memory" value=${group.memory.requested} /></td>
        <td data-label="% of request"><${Share} used=${group.memory.ofRequest.used} of=${group.memory.ofRequest.of} label="memory request" measured=${measured} /></td>
        <td class="right wide lead" data-label="restarts">${group.restarts === 0 ? html`<span class="none">0</span>` : grouped(group.restarts)}</td></tr>`;
    })}</tbody></table></div>`;
}
