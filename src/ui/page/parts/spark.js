/** Small plots of the last hour as SVG: usage as an area, what is requested and what is allocatable as lines. */
import { html } from '../html.js';
import { spanSeconds } from '../data/series.js';

/** @import { Line } from '../data/series.js' */

const width = 300;
const height = 64;
/** Room above the highest value. */
const headroom = 1.06;

/**
 * @param {{ line: Line, kind: 'cpu' | 'memory', requested?: number, top?: number, label: string, endSeconds: number }} props
 * `top` is the value at the upper line, such as what is allocatable.
 */
export function Spark({ line, kind, requested, top, label, endSeconds }) {
  const known = line.values.filter((value) => value !== null);
  const highest = Math.max(top ?? 0, requested ?? 0, ...known) * headroom || 1;
  /** @param {number} value */
  const y = (value) => (height * (1 - value / highest)).toFixed(1);
  /** @param {number} seconds */
  const x = (seconds) => (width * (1 - (endSeconds - seconds) / spanSeconds)).toFixed(1);
  const runs = runsOf(line, endSeconds - spanSeconds);
  const strokes = runs.map((run) => `M${run.map(([time, value]) => `${x(time)} ${y(value)}`).join('L')}`);
  const areas = runs.map(
    (run, index) => `${strokes[index]}L${x(run.at(-1)?.[0] ?? 0)} ${height}L${x(run[0]?.[0] ?? 0)} ${height}Z`,
  );
  // A path of one point draws no line.
  const dots = runs
    .filter((run) => run.length === 1)
    .map(([point]) => `M${x(point?.[0] ?? 0)} ${y(point?.[1] ?? 0)}h0`);
  const points = runs.reduce((sum, run) => sum + run.length, 0);
  return html`<svg class=${`spark ${kind}`} viewBox=${`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label=${label} data-points=${points}>
    <path class="area" d=${areas.join('')} />
    ${top !== undefined && html`<line class="allocatable" x1="0" x2=${width} y1=${y(top)} y2=${y(top)} />`}
    ${requested !== undefined && html`<line class="requested" x1="0" x2=${width} y1=${y(requested)} y2=${y(requested)} />`}
    <path class="stroke" d=${strokes.join('')} />
    ${dots.length > 0 && html`<path class="dots" d=${dots.join('')} />`}
  </svg>`;
}

/**
 * Returns the parts of a line between its gaps, without what is older.
 * @param {Line} line @param {number} fromSeconds
 */
function runsOf({ times, values }, fromSeconds) {
  /** @type {[number, number][][]} */
  const runs = [[]];
  for (const [index, time] of times.entries()) {
    const value = values[index];
    if (value === null || value === undefined) runs.push([]);
    else if (time >= fromSeconds) runs.at(-1)?.push([time, value]);
  }
  return runs.filter((run) => run.length > 0);
}
