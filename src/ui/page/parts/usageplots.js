/** CPU and memory over the last hour, side by side. */
import { useMemo } from 'preact/hooks';
import { nowMs } from '../data/cluster.js';
import { html } from '../html.js';
import { resources } from '../format.js';
import { Plot } from './plot.js';

/** @import { ResourceName } from '../format.js' */
/** @import { PlotLine } from './plot.js' */

/** Colours for several lines of one plot, in page.css. */
export const lineColours = ['line-1', 'line-2', 'line-3', 'line-4', 'line-5', 'line-6', 'line-7', 'line-8'];

/**
 * @param {{ about: string, linesOf: (resource: ResourceName) => readonly PlotLine[], inputs: readonly unknown[], empty?: string }} props
 * `inputs` are what `linesOf` depends on.
 */
export function UsagePlots({ about, linesOf, inputs, empty }) {
  const lines = useMemo(() => ({ cpu: linesOf('cpu'), memory: linesOf('memory') }), inputs);
  const endSeconds = useMemo(() => nowMs() / 1000, inputs);
  return html`<div class="plots">${/** @type {const} */ (['cpu', 'memory']).map((resource) => html`<${Plot} key=${resource} title=${`${resources[resource].title}${about}`} lines=${lines[resource]} text=${resources[resource].text} endSeconds=${endSeconds} empty=${empty} />`)}</div>`;
}

/**
 * Returns the lines of what one object may use.
 * @param {import('../../../view/types.ts').ResourceView} view
 * @returns {readonly PlotLine[]}
 */
export function boundsOf({ requested, limit, allocatable }) {
  return [
    ...(requested === undefined ? [] : [{ label: 'requested', colour: 'request', value: requested }]),
    ...(allocatable === undefined ? [] : [{ label: 'allocatable', colour: 'limit', value: allocatable }]),
    ...(limit === undefined || allocatable !== undefined ? [] : [{ label: 'limit', colour: 'limit', value: limit }]),
  ];
}
