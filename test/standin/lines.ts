/** Lines for a terminal in styled pieces, so that they are measured and cut by what is seen and not by their escapes. */
import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';

export interface Span {
  readonly text: string;
  readonly style?: Style | undefined;
}

export interface Line {
  readonly spans: readonly Span[];
  /** Not cut: the terminal wraps it, so that it can be copied as one line. */
  readonly wraps?: boolean;
}

export function line(text: string, style?: Style): Line {
  return { spans: [{ text, style }] };
}

/** Returns columns. All but printable ASCII counts as two: too wide is cut, too narrow would run over. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += character >= ' ' && character <= '~' ? 1 : 2;
  return width;
}

/** Returns the rows of the terminal that it takes. */
export function heightOf({ spans, wraps = false }: Line, columns: number): number {
  if (!wraps) return 1;
  return Math.max(1, Math.ceil(spans.reduce((total, { text }) => total + widthOf(text), 0) / columns));
}

/** Returns the text, with two dots at its end where it was cut. */
export function cutText(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  const dots = '..'.slice(0, columns);
  let kept = '';
  for (const character of text) {
    if (widthOf(kept + character) > columns - dots.length) break;
    kept += character;
  }
  return kept + dots;
}

/** Returns the line cut to the columns, with escapes for its styles where it is coloured. */
export function paint({ spans, wraps = false }: Line, columns: number, isColoured: boolean): string {
  let left = wraps ? Number.POSITIVE_INFINITY : columns;
  let painted = '';
  for (const { text, style } of spans) {
    const shown = cutText(text, left);
    left -= widthOf(shown);
    painted += isColoured && style !== undefined ? styleText(style, shown, { validateStream: false }) : shown;
    if (shown !== text) break;
  }
  return painted.trimEnd();
}

/** Breaks a sentence between words, after an indentation; what is beyond the rows is cut. */
export function wrapWords(sentence: string, columns: number, rows: number, indent = ''): string[] {
  const wrapped: string[] = [];
  let row = indent;
  for (const word of sentence.split(' ')) {
    const isLast = wrapped.length === rows - 1;
    if (row !== indent && !isLast && widthOf(`${row} ${word}`) > columns) {
      wrapped.push(row);
      row = indent;
    }
    row += row === indent ? word : ` ${word}`;
  }
  return [...wrapped, row].map((text) => cutText(text, columns));
}

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Span;
  readonly isNumber?: boolean;
  /** Columns are left out in this order, the highest first, until the others fit. */
  readonly leftOut?: number;
}

/** Returns a line of titles and one for each row, as wide as the columns allow. The first column gives way when nothing else does. */
export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): Line[] {
  const cells = new Map(columns.map((column) => [column, rows.map((row) => column.cell(row))]));
  const widths = new Map(
    columns.map((column) => [
      column,
      Math.max(widthOf(column.title), ...(cells.get(column) ?? []).map(({ text }) => widthOf(text))),
    ]),
  );
  const widthOfColumn = (column: Column<Row>): number => widths.get(column) ?? 0;
  const total = (of: readonly Column<Row>[]): number =>
    of.reduce((sum, column) => sum + widthOfColumn(column) + gap, -gap);
  let shown = [...columns];
  for (;;) {
    const [next] = shown
      .filter(({ leftOut }) => leftOut !== undefined)
      .toSorted((one, other) => (other.leftOut ?? 0) - (one.leftOut ?? 0));
    if (next === undefined || total(shown) <= width) break;
    shown = shown.filter((column) => column !== next);
  }
  const [first] = shown;
  if (first !== undefined) {
    const wanted = widthOfColumn(first);
    widths.set(first, Math.max(Math.min(minimumName, wanted), wanted - Math.max(0, total(shown) - width)));
  }
  const toLine = (of: (column: Column<Row>) => Span): Line => ({
    spans: shown.map((column, index) => {
      const { text, style } = of(column);
      const cut = cutText(text, widthOfColumn(column));
      const blank = ' '.repeat(widthOfColumn(column) - widthOf(cut));
      const padded = column.isNumber === true ? blank + cut : cut + blank;
      return { text: index === 0 ? padded : ' '.repeat(gap) + padded, style };
    }),
  });
  return [
    toLine(({ title }) => ({ text: title, style: 'bold' })),
    ...rows.map((_, index) => toLine((column) => cells.get(column)?.[index] ?? { text: '' })),
  ];
}

/** Columns between two columns of a table. */
const gap = 2;
/** Columns that a name keeps. */
const minimumName = 8;
