/** Lays out rows in columns of a width. */
import { escapeControls } from '../foreigntext.ts';
import { fit, type Span, widthOf } from '../terminal/text.ts';
import type { TopColumn, ColumnContext } from './columns.ts';
import type { Row } from './rows.ts';

export interface Table {
  readonly heading: readonly Span[];
  readonly lines: readonly (readonly Span[])[];
}

const gap = '  ';
/** Columns that the reason needs at least, to begin a sentence. */
const leastReason = 12;
/** Columns that a longer text keeps where there is no room. */
const leastName = 8;
/** Columns of a name at most, unless there is room. */
const mostName = 44;
/** Columns of a cell that keeps its end, before other columns are left out for it. */
const mostShortened = 64;

/**
 * Returns the table with the columns that fit: those with the largest `extra` are left out first, and those without a value in any row.
 * @param width in columns; undefined for all columns as wide as their cells.
 * @param sortedBy its heading is marked.
 */
export function layOut(
  all: readonly TopColumn[],
  rows: readonly Row[],
  context: ColumnContext,
  width: number | undefined,
  sortedBy: TopColumn | undefined,
): Table {
  const filled = all
    .map((column) => ({
      column,
      cells: rows.map((row) => column.cell(row, context)),
      isFilled: rows.some((row) => column.value(row) !== undefined || column.cell(row, context).text.trim().length > 1),
    }))
    .filter(({ column, isFilled }) => isFilled || (column.extra === 0 && column.title !== 'WHY'));
  const measured = filled.map(({ column, cells }) => {
    const title = column === sortedBy ? `${column.title}*` : column.title;
    // No spread: there may be more rows than a call has arguments.
    const natural = cells.reduce((most, { text }) => Math.max(most, widthOf(escapeControls(text))), widthOf(title));
    return { column, cells, title, natural };
  });
  const shown = width === undefined ? measured : fitting(measured, width);
  const widths = widthsOf(shown, width);
  const line = (cells: readonly Span[]): readonly Span[] =>
    cells.flatMap(({ text, ...tone }, at) => [
      { text: fit(text, widths[at] ?? 0, shown[at]?.column.align), ...tone },
      ...(at === cells.length - 1 ? [] : [{ text: gap }]),
    ]);
  return {
    heading: line(shown.map(({ title }) => ({ text: title, tone: 'strong' }))),
    lines: rows.map((row, at) =>
      line(
        shown.map(({ cells, column }, place) => shortened(cells[at] ?? { text: '' }, row, column, widths[place] ?? 0)),
      ),
    ),
  };
}

function shortened(cell: Span, row: Row, { shorten }: TopColumn, width: number): Span {
  if (shorten === undefined || widthOf(escapeControls(cell.text)) <= width) return cell;
  return { ...cell, text: shorten(row, width) ?? cell.text };
}

interface Measured {
  readonly column: TopColumn;
  readonly cells: readonly Span[];
  readonly title: string;
  readonly natural: number;
}

function neededBy({ column: { title, shorten }, natural }: Measured): number {
  if (title === 'WHY') return leastReason;
  return Math.min(natural, shorten === undefined ? mostName : mostShortened);
}

function fitting(columns: readonly Measured[], width: number): readonly Measured[] {
  let shown = columns;
  for (;;) {
    const needed = shown.reduce((sum, each) => sum + neededBy(each) + gap.length, -gap.length);
    const last = Math.max(...shown.map(({ column: { extra } }) => extra));
    if (needed <= width || last === 0) return shown;
    // The rightmost one of those that matter least.
    const at = shown.findLastIndex(({ column: { extra } }) => extra === last);
    shown = shown.toSpliced(at, 1);
  }
}

/** Names share what is left; the reason, which is last, takes the rest. */
function widthsOf(shown: readonly Measured[], width: number | undefined): readonly number[] {
  if (width === undefined) return shown.map(({ natural }) => natural);
  const widths = shown.map(neededBy);
  let left = width - widths.reduce((sum, each) => sum + each + gap.length, -gap.length);
  return shown.map(({ natural, column }, at) => {
    const own = widths[at] ?? 0;
    const more =
      left < 0 && column.align === 'left'
        ? Math.max(left, Math.min(0, leastName - own))
        : Math.min(Math.max(0, left), natural - own);
    left -= more;
    return own + more;
  });
}
