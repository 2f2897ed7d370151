/** CPU and memory over the last hour, side by side. */
import { useMemo } from 'preact/hooks';
import { clockAhead, nowMs } from '../data/cluster.js';
import { html } from '../html.js';
import { resources } from '../format.js';
import { Plot } from './plot.js';

/** @import { ResourceName } from '../format.js' */
/** @import { PlotLine } from './plot.js' */

/**
 * @param {{ linesOf: (resource: ResourceName) => readonly PlotLine[], inputs: readonly unknown[], empty: string, latest?: string, step?: number | undefined, newest?: number | undefined }} props
 * `inputs` are what `linesOf` depends on.
 */
export function UsagePlots({ linesOf, inputs, empty, latest, step, newest }) {
  const lines = useMemo(() => ({ cpu: linesOf('cpu'), memory: linesOf('memory') }), inputs);
  const endSeconds = useMemo(() => nowMs() / 1000, [...inputs, clockAhead.get()]);
  return html`<div class="plots">${/** @type {const} */ (['cpu', 'memory']).map((resource) => html`<${Plot} key=${resource} title=${resources[resource].title} lines=${lines[resource]} text=${resources[resource].text} endSeconds=${endSeconds} empty=${empty} latest=${latest} step=${step} newest=${newest} />`)}</div>`;
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
