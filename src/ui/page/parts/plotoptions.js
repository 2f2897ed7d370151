/** Options of uPlot: colours from page.css, axes in our units. */
import uPlot from 'uplot';
import { lonePoints } from '../data/series.js';
import { minuteText } from '../format.js';

/** @import { PlotLine } from './plot.js' */

const height = 220;
/** Pixels between labels of the time axis. */
const timeSpace = 70;
/** Pixels for the labels of the time axis. */
const timeAxisHeight = 30;

/**
 * @param {{ lines: readonly PlotLine[], text: (value: number) => string, isCount?: boolean, width: number, onCursor: (index: number | undefined) => void }} plot
 * `isCount`: values are whole numbers.
 * @returns {uPlot.Options}
 */
export function plotOptions({ lines, text, isCount = false, width, onCursor }) {
  const axis = {
    stroke: colourOf('muted'),
    font: `12px ${fontOf()}`,
    grid: { stroke: colourOf('grid'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    padding: [10, 8, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: 'time' },
      drag: { x: false, y: false },
      points: { size: 7 },
      y: false,
    },
    scales: { x: { time: true }, y: { range: (_, __, highest) => [0, highest > 0 ? highest * 1.08 : 1] } },
    axes: [
      { ...axis, size: timeAxisHeight, space: timeSpace, values: (_, splits) => splits.map(minuteText) },
      {
        ...axis,
        size: (_, values) => sizeOf(values),
        values: (_, splits) => splits.map(text),
        ...(text(2 ** 30) === '1.00 GiB' ? { incrs: binarySteps } : isCount ? { incrs: wholeSteps } : {}),
      },
    ],
    series: [{}, ...lines.map(seriesOf)],
    hooks: { setCursor: [({ cursor }) => onCursor(cursor.idx ?? undefined)] },
  };
}

/** Steps of an axis of bytes: powers of two, so that its labels are round. */
const binarySteps = Array.from({ length: 45 }, (_, power) => 2 ** power);
/** Steps of an axis of objects: 1, 2, 5, 10 and so on. */
export const wholeSteps = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

/** @param {PlotLine} line @returns {uPlot.Series} */
function seriesOf({ label, colour, value, filled, dashed, stepped }) {
  const stroke = colourOf(colour);
  const paths = stepped === true ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
  return {
    label,
    stroke,
    width: value === undefined ? 1.75 : 1.5,
    ...(value === undefined && dashed !== true ? {} : { dash: [6, 4] }),
    ...(filled === true ? { fill: colourOf(`${colour}-fill`) } : {}),
    ...(paths === undefined ? {} : { paths }),
    points: { size: 5, stroke, fill: stroke, ...(value === undefined ? { filter: markedPoints } : { show: false }) },
    // Values of other lines' times are missing, not gaps.
    spanGaps: false,
  };
}

/** Where points are too close to be marked, those without a line still are. @type {Exclude<uPlot.Series.Points.Filter, number[] | null>} */
const markedPoints = ({ data }, index, isEachShown) => (isEachShown ? null : lonePoints(data[index] ?? []));

/** Room for the labels of the vertical axis, in pixels. @param {readonly string[] | null} values */
function sizeOf(values) {
  const longest = Math.max(3, ...(values ?? []).map((value) => value.length));
  return 16 + longest * 7;
}

/** Returns a colour of page.css as a canvas needs it. @param {string} name */
function colourOf(name) {
  const probe = document.createElement('i');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const fontOf = () => getComputedStyle(document.body).fontFamily;
