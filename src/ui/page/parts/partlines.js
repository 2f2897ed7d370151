/** Lines of plots with one line for each part of a group: workloads of a namespace, pods of a workload. */
import { partsOf, sumOf } from '../data/series.js';
import { compareNames } from '../format.js';

/** @import { PodSeries } from '../data/series.js' */
/** @import { ResourceName } from '../format.js' */
/** @import { PlotLine } from './plot.js' */

/** @typedef {ReturnType<typeof partsOf>} Parts */

/** In page.css; the last is that of the rest, if there is one. */
const colours = ['line-1', 'line-2', 'line-3', 'line-4', 'line-5', 'line-6', 'line-7', 'line-8'];
const restColour = 'line-8';

/**
 * Returns the lines of both plots, in each the part first that uses most now. Both plots have the same parts, in the same colours; the rest is one line.
 * @param {readonly PodSeries[]} series of containers
 * @param {ReadonlyMap<string, string>} parts the part of each pod, by its name
 * @param {number} [step] Seconds between points.
 * @param {number} [newest] See partsOf.
 * @returns {Readonly<Record<ResourceName, readonly PlotLine[]>>}
 */
export function partLines(series, parts, step, newest) {
  const cpu = partsOf(series, 'cpu', parts, step, newest);
  const memory = partsOf(series, 'memory', parts, step, newest);
  const colourOf = coloursOf(cpu, memory);
  return { cpu: linesOf(cpu, colourOf, step), memory: linesOf(memory, colourOf, step) };
}

/** Returns the colours, in the order of names, of the parts that are first in one of the plots. @param {Parts} cpu @param {Parts} memory */
function coloursOf(cpu, memory) {
  const ranked = [...new Set(cpu.flatMap(({ label }, rank) => [label, memory[rank]?.label ?? label]))];
  const own = ranked.length <= colours.length ? ranked : ranked.slice(0, colours.length - 1);
  return new Map(own.toSorted(compareNames).map((label, index) => [label, colours[index] ?? restColour]));
}

/** @param {Parts} all @param {ReadonlyMap<string, string>} colourOf @param {number} [step] @returns {readonly PlotLine[]} */
function linesOf(all, colourOf, step) {
  const own = all.flatMap(({ label, line }) => ({ label, line, colour: colourOf.get(label) }));
  const rest = own.filter(({ colour }) => colour === undefined).map(({ line }) => line);
  return [
    ...own.flatMap(({ label, line, colour }) => (colour === undefined ? [] : { label, line, colour })),
    ...(rest.length === 0 ? [] : [{ label: `${rest.length} others`, line: sumOf(rest, step), colour: restColour }]),
  ];
}
