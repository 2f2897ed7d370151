/** Used, requested and allocatable of one resource, as one bar. */
import { html } from '../html.js';
import { percentText, ratioOf, resources } from '../format.js';
import { Amount, Missing, Usage } from './number.js';

/** @import { Measurement, ResourceView } from '../../../view/types.ts' */
/** @import { ResourceName } from '../format.js' */

/**
 * The bar's length is what is allocatable, its mark what is requested.
 * @param {{ resource: ResourceName, view: ResourceView, measured: Measurement }} props
 */
export function Meter({ resource, view, measured }) {
  const { title, unit } = resources[resource];
  const { used, requested, allocatable, allocatableWithUsage = allocatable } = view;
  const usedRatio = ratioOf(used, allocatableWithUsage);
  const requestedRatio = ratioOf(requested, allocatable);
  return html`<section class=${`tile meter ${resource}`} aria-label=${title}>
    <h2>${title}</h2>
    <p class="big">${used === undefined ? html`<${Missing} reason=${measured.reason} focusable />` : html`<${Usage} resource=${resource} view=${view} measured=${measured} focusable />`}
      <span class="of">${allocatable !== undefined && html`of <${Amount} resource=${resource} value=${allocatable} /> ${unit}`}</span></p>
    <div class="gauge" aria-hidden="true">
      ${usedRatio !== undefined && html`<i class="fill" style=${{ width: `${Math.min(100, usedRatio * 100)}%` }}></i>`}
      ${requestedRatio !== undefined && html`<i class="mark" style=${{ left: `${Math.min(100, requestedRatio * 100)}%` }}></i>`}
    </div>
    <p class="under"><span><i class="key used"></i>used ${usedRatio === undefined ? '–' : percentText(usedRatio)}</span>
      <span><i class="key requested"></i>requested ${requested === undefined ? 'nothing' : html`<${Amount} resource=${resource} value=${requested} />`}${requestedRatio !== undefined && ` (${percentText(requestedRatio)})`}</span></p>
  </section>`;
}
