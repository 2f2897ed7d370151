/** A plot over time by uPlot, with a legend that shows the values at the cursor, a summary for screen readers, and a table. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { latestOf, newestOf, spanSeconds } from '../data/series.js';
import { ageText, minuteText } from '../format.js';
import { html } from '../html.js';
import { plotOptions } from './plotoptions.js';

/** @import { Line } from '../data/series.js' */

/**
 * A line of measured points, or a constant (`value`) drawn dashed.
 * @typedef {object} PlotLine
 * @property {string} label
 * @property {string} colour Name of a colour in page.css, such as `cpu`.
 * @property {Line} [line]
 * @property {number} [value]
 * @property {boolean} [filled]
 * @property {boolean} [dashed]
 * @property {boolean} [stepped] For values that change at once, such as replicas.
 */

/**
 * @typedef {object} PlotProps
 * @property {string} title
 * @property {readonly PlotLine[]} lines
 * @property {(value: number) => string} text
 * @property {number} endSeconds Right end of the time axis.
 * @property {string} empty What is shown without a point.
 * @property {string} [latest] What the last point is.
 * @property {number} [step] Seconds between points.
 * @property {number} [newest] Time of the newest point, also of lines that are not here; undefined for that of `lines`.
 * @property {boolean} [isCount] Values are whole numbers.
 */

/** A constant that is this many times higher than all points is not drawn: the points would be a flat line. */
const tooHigh = 6;

/** @param {PlotProps} props */
export function Plot({ title, lines, text, endSeconds, empty, latest = 'latest', step = 60, newest, isCount = false }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const plot = useRef(/** @type {uPlot | undefined} */ (undefined));
  const [at, setAt] = useState(/** @type {number | undefined} */ (undefined));
  const { drawn, outside } = useMemo(() => split(lines), [lines]);
  const data = useMemo(() => tableOf(drawn, endSeconds), [drawn, endSeconds]);
  const last = useMemo(() => lastValues(lines, step, newest), [lines, step, newest]);
  const points = drawn.reduce((sum, { line }) => sum + (line?.values.filter((value) => value !== null).length ?? 0), 0);
  const shape = drawn.map(({ label, colour, filled }) => `${label} ${colour} ${filled}`).join('\n');
  const theme = useTheme();
  // A plot is made for its set of lines; new points only change its data.
  useEffect(() => {
    const element = box.current;
    if (element === null || points === 0) return undefined;
    const made = new uPlot(
      plotOptions({ lines: drawn, text, isCount, width: element.clientWidth, onCursor: setAt }),
      data,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: made.height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [shape, points === 0, theme]);
  useEffect(() => {
    const made = plot.current;
    if (made === undefined) return;
    made.setData(data, false);
    made.setScale('x', { min: endSeconds - spanSeconds, max: endSeconds });
  }, [data, theme, shape]);
  return html`<figure class="plot" data-points=${points}>
    <figcaption><h2>${title}</h2><${Legend} lines=${drawn} outside=${outside} data=${data} at=${at} text=${text} latest=${latest} last=${last} /></figcaption>
    ${
      points === 0
        ? html`<p class="state small">${empty}</p>`
        : html`<div class="canvas" ref=${box} tabindex="0" role="img" aria-label=${summaryOf({ title, lines: drawn, text, latest, last })} onKeyDown=${(/** @type {KeyboardEvent} */ event) => moveCursor(event, plot.current)}></div>
          <details><summary>As a table</summary><${Table} lines=${drawn} data=${data} text=${text} /></details>`
    }
  </figure>`;
}

/** @param {{ lines: readonly PlotLine[], outside: readonly PlotLine[], data: uPlot.AlignedData, at: number | undefined, text: (value: number) => string, latest: string, last: LastValues }} props */
function Legend({ lines, outside, data, at, text, latest, last }) {
  const time = at === undefined ? undefined : data[0][at];
  return html`<ul class="legend">
    <li class="time">${time === undefined ? latest : minuteText(time)}</li>
    ${lines.map((line, index) => {
      const { label, colour, value, dashed } = line;
      const shown = value ?? (at === undefined ? last.get(line) : data[index + 1]?.[at]);
      return html`<li key=${label}><i class=${`key ${colour} ${value === undefined && dashed !== true ? '' : 'dashed'}`}></i>${label} <b>${shown === null || shown === undefined ? '–' : text(shown)}</b></li>`;
    })}
    ${outside.map(({ label, value }) => html`<li key=${label} class="muted">${label} ${text(value ?? 0)}, above the plot</li>`)}
  </ul>`;
}

/** Rows of the table; a plot has a point a minute, and hardly more. */
const tableLimit = 120;
/** Lines whose values fit beside each other on the narrowest screen. */
const fewLines = 2;

/** @param {{ lines: readonly PlotLine[], data: uPlot.AlignedData, text: (value: number) => string }} props */
function Table({ lines, data, text }) {
  const measured = lines.flatMap((line, index) => (line.line === undefined ? [] : [{ line, index }]));
  const rows = [...data[0].keys()].filter((row) =>
    measured.some(({ index }) => typeof data[index + 1]?.[row] === 'number'),
  );
  return html`<div class=${`scroll ${measured.length > fewLines ? 'many' : ''}`} tabindex="0"><table><thead><tr><th scope="col">time</th>${measured.map(({ line }) => html`<th scope="col">${line.label}</th>`)}</tr></thead>
    <tbody>${rows
      .slice(-tableLimit)
      .toReversed()
      .map(
        (row) =>
          html`<tr><th scope="row">${minuteText(data[0][row] ?? 0)}</th>${measured.map(({ line, index }) => html`<td data-label=${line.label}>${cell(data[index + 1]?.[row], text)}</td>`)}</tr>`,
      )}</tbody></table></div>`;
}

/** @param {number | null | undefined} value @param {(value: number) => string} text */
const cell = (value, text) => (value === null || value === undefined ? '' : text(value));

/** Separates constants that are too high to be drawn. @param {readonly PlotLine[]} lines */
function split(lines) {
  const highest = Math.max(0, ...lines.flatMap(({ line }) => line?.values.filter((value) => value !== null) ?? []));
  const isOutside = (/** @type {PlotLine} */ { value }) =>
    value !== undefined && highest > 0 && value > highest * tooHigh;
  return { drawn: lines.filter((line) => !isOutside(line)), outside: lines.filter(isOutside) };
}

/** Joins lines to uPlot's columns. @param {readonly PlotLine[]} lines @param {number} endSeconds @returns {uPlot.AlignedData} */
function tableOf(lines, endSeconds) {
  const from = endSeconds - spanSeconds;
  const columns = lines.map(({ line, value }) =>
    line === undefined
      ? [
          [from, endSeconds],
          [value ?? null, value ?? null],
        ]
      : [line.times, line.values],
  );
  if (columns.length === 0) return [[]];
  return uPlot.join(/** @type {uPlot.AlignedData[]} */ (columns));
}

/** Values of now, by line. @typedef {ReadonlyMap<PlotLine, number | undefined>} LastValues */

/** @param {readonly PlotLine[]} lines @param {number} step @param {number} [newest] @returns {LastValues} */
function lastValues(lines, step, newest = newestOf(lines.flatMap(({ line }) => line ?? []))) {
  return new Map(lines.map((one) => [one, one.line && latestOf(one.line, newest, step)]));
}

/** @param {Pick<Required<PlotProps>, 'title' | 'lines' | 'text' | 'latest'> & { last: LastValues }} plot */
function summaryOf({ title, lines, text, latest, last }) {
  const parts = lines.map((one) => {
    const { label, line, value } = one;
    const now = last.get(one);
    if (value !== undefined) return `${label} ${text(value)}`;
    const known = line?.values.filter((point) => point !== null) ?? [];
    if (known.length === 0) return `${label}: no points`;
    const span = ageText((line?.times.at(-1) ?? 0) - (line?.times[0] ?? 0));
    return `${label}: ${now === undefined ? 'no recent point' : `${latest} ${text(now)}`}, lowest ${text(Math.min(...known))}, highest ${text(Math.max(...known))} in ${span}`;
  });
  return `${title}. ${parts.join('; ')}. Left and right arrow keys move the cursor.`;
}

/** @param {KeyboardEvent} event @param {uPlot | undefined} plot */
function moveCursor(event, plot) {
  const step = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
  if (step === 0 || plot === undefined) return;
  event.preventDefault();
  const times = plot.data[0];
  const index = Math.max(0, Math.min(times.length - 1, (plot.cursor.idx ?? times.length - 1) + step));
  plot.setCursor({ left: plot.valToPos(times[index] ?? 0, 'x'), top: plot.height / 3 });
}

/** Returns a value that changes with the theme: canvases do not follow CSS. */
function useTheme() {
  const [theme, setTheme] = useState(0);
  useEffect(() => {
    const update = () => setTheme((count) => count + 1);
    const media = globalThis.matchMedia('(prefers-color-scheme: dark)');
    const observer = new MutationObserver(update);
    observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    media.addEventListener('change', update);
    return () => {
      observer.disconnect();
      media.removeEventListener('change', update);
    };
  }, []);
  return theme;
}
