/** `kubegauge top --once` and `--watch`: tables, CSV and JSON for scripts and pipes. */
import { untilAborted } from '../abort.ts';
import { escapeControls, terminalJson } from '../foreigntext.ts';
import { paintSpans } from '../terminal/text.ts';
import type { ClusterSummaryView, ClusterView } from '../view/types.ts';
import { type ColumnContext, columnsOf } from './columns.ts';
import { headerLines, nothingText } from './frame.ts';
import { type Loaded, loadRows } from './loader.ts';
import { objectOfRow, type Row, type ScreenName } from './rows.ts';
import { selectRows, type TopState } from './state.ts';
import { layOut } from './table.ts';
import { createTrends } from './trends.ts';

export const topFormats = ['table', 'wide', 'json', 'csv'] as const;
export type TopFormat = (typeof topFormats)[number];

export interface PrintOptions {
  readonly view: ClusterView;
  readonly url: string;
  readonly state: TopState;
  readonly format: TopFormat;
  /** Columns of the terminal; undefined for a pipe, where lines have any length. */
  readonly columns: number | undefined;
  readonly isColoured: boolean;
  readonly isUnicode: boolean;
  /** Takes what a CSV has no line for: that there are more rows. */
  readonly onNote: (note: string) => void;
  /** Takes, for a CSV, each sentence of what could not be read. */
  readonly onDegraded: (sentence: string) => void;
}

const contextOf = ({ view }: PrintOptions): ColumnContext => ({ nowMs: view.nowMs(), trendOf: () => '' });

/** Reads the past of all rows. */
async function contextWithTrends(options: PrintOptions, rows: readonly Row[]): Promise<ColumnContext> {
  const trends = createTrends(options.view);
  trends.add(rows);
  await trends.readWholePast(rows, options.state.labelSelector);
  return { ...contextOf(options), trendOf: trends.bars(options.isUnicode) };
}

/** Returns the text of one look at the cluster. @throws ViewError. */
export async function printOnce(options: PrintOptions): Promise<string> {
  const { view, state, format, onNote, onDegraded } = options;
  const [summary, loaded] = await Promise.all([view.summary(), loadRows(view, state)]);
  const rows = selectRows(loaded.rows, state);
  if (format === 'csv') {
    for (const sentence of summary.degraded) onDegraded(escapeControls(sentence));
    if (loaded.note !== undefined) onNote(loaded.note);
    return `${[csvHeading(state.screen), ...rows.map(csvLine)].join('\n')}\n`;
  }
  if (format === 'json')
    return `${terminalJson({ cluster: summary, [state.screen]: rows.map(objectOfRow), ...noted(loaded) }, 2)}\n`;
  const context = format === 'wide' ? await contextWithTrends(options, rows) : contextOf(options);
  return tableText(options, summary, { ...loaded, rows }, context);
}

function noted({ note }: Loaded): object {
  return note === undefined ? {} : { note };
}

function tableText(
  options: PrintOptions,
  summary: ClusterSummaryView,
  { rows, note }: Loaded,
  context: ColumnContext,
): string {
  const { url, state, format, columns, isColoured } = options;
  const width = format === 'wide' ? undefined : columns;
  const header = headerLines({ summary, url, problem: undefined, waitingSeconds: undefined, state, context }, columns);
  const shown = columnsOf[state.screen];
  const { heading, lines } = layOut(shown, rows, context, width, undefined);
  const nothing = rows.length === 0 ? [[{ text: nothingText(state) }]] : [];
  const all = [...header, [], heading, ...lines, ...nothing, ...(note === undefined ? [] : [[{ text: note }]])];
  return all.map((line) => `${paintSpans(line, width ?? Infinity, isColoured).trimEnd()}\n`).join('');
}

function csvHeading(screen: ScreenName): string {
  return ['time', ...csvColumns(screen).map(({ name }) => name)].join(',');
}

/** Titles of memory repeat those of CPU. */
function csvColumns(screen: ScreenName) {
  let of = '';
  return columnsOf[screen]
    .filter(({ isTrend }) => isTrend !== true)
    .map((column) => {
      const { title } = column;
      if (title === 'CPU' || title === 'MEMORY') of = title.toLowerCase();
      const name = title
        .toLowerCase()
        .replace('%', 'share_')
        .replace('share_cpu', 'share')
        .replace('share_mem', 'share');
      return { column, name: title.startsWith('%') ? `${of}_${name}` : title === 'AGE' ? 'measured_ms' : name };
    });
}

/** Returns a line as RFC 4180 has it, control characters escaped. A text that a spreadsheet would take for a formula gets an apostrophe. */
function csvLine(row: Row): string {
  const values = csvColumns(row.kind).map(({ column }) => column.value(row) ?? '');
  return [new Date().toISOString(), ...values].map(csvField).join(',');
}

function csvField(value: string | number): string {
  const clean = escapeControls(String(value));
  const text = typeof value === 'string' && /^[=+\-@＝＋－＠]/.test(clean) ? `'${clean}` : clean;
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Numbers that differ by less than this share are the same. */
const noise = 0.1;
/** Printed rows that are kept while a list that is not read whole lacks them. When they come back, they are not new. */
export const mostAbsent = 5_000;

export interface WatchRowsOptions extends PrintOptions {
  readonly intervalMs: number;
  readonly signal: AbortSignal;
  /** Resolves to false when the reader has gone. */
  readonly write: (text: string) => Promise<boolean>;
  /** Milliseconds; resolves early when the signal aborts. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Takes, for a CSV, each sentence of `onDegraded` that is no longer true. */
  readonly onDegradedEnd: (sentence: string) => void;
  readonly onProblem: (error: unknown) => void;
}

interface Changes {
  readonly changed: readonly Row[];
  readonly gone: readonly Row[];
  /** Of rows that are not read; undefined if it was printed. */
  readonly note: string | undefined;
  /** Undefined while it is as before. */
  readonly degraded: DegradedChange | undefined;
  readonly withHeading: boolean;
}

/** Sentences of what could not be read. */
interface DegradedChange {
  readonly all: readonly string[];
  /** These were not among the previous ones. */
  readonly added: readonly string[];
  readonly ended: readonly string[];
}

/** Prints rows when they are new, changed or gone. Changes of usage below a tenth are none. */
export async function watchRows(options: WatchRowsOptions): Promise<void> {
  const { view, state, format, intervalMs, signal, write, sleep, onNote, onProblem } = options;
  const last = new Map<string, Row>();
  const trends = watchedTrends(options);
  const readDegraded = watchedDegraded(options);
  let isFirst = true;
  let lastNote: string | undefined;
  while (!signal.aborted) {
    // A slow read does not delay the end.
    const loaded = await untilAborted(loadRows(view, state), signal).catch((error: unknown) => {
      if (signal.aborted) return undefined;
      if (isFirst) throw error;
      onProblem(error);
      return undefined;
    });
    const degraded = loaded && (await readDegraded());
    if (loaded !== undefined) {
      const rows = selectRows(loaded.rows, state);
      const changed = rows.filter((row) => hasChanged(last.get(row.key), row));
      if (format === 'wide') await trends.read(rows, changed, isFirst);
      if (signal.aborted) return;
      for (const row of changed) last.set(row.key, row);
      const absent = absentRows(last, rows);
      const isWhole = loaded.note === undefined && !rows.some(isOnlyMeasured);
      for (const { key } of isWhole ? absent : absent.slice(0, -mostAbsent)) last.delete(key);
      // A row that is not among those that were read may still exist.
      const gone = isWhole ? absent : [];
      const note = loaded.note === lastNote ? undefined : loaded.note;
      lastNote = loaded.note;
      if (format === 'csv' && note !== undefined) onNote(note);
      if (!(await write(changesText(options, { changed, gone, note, degraded, withHeading: isFirst })))) return;
      isFirst = false;
    }
    await sleep(intervalMs);
  }

  function changesText(
    { columns, isColoured }: WatchRowsOptions,
    { changed, gone, note, degraded, withHeading }: Changes,
  ): string {
    const time = new Date().toISOString();
    if (format === 'json') {
      const lines = [
        ...changed.map((row) => terminalJson({ time, ...objectOfRow(row) })),
        ...gone.map(({ key }) => terminalJson({ time, gone: key })),
        ...(note === undefined ? [] : [terminalJson({ time, note })]),
        ...(degraded === undefined ? [] : [terminalJson({ time, degraded: degraded.all })]),
      ];
      return lines.map((line) => `${line}\n`).join('');
    }
    if (format === 'csv')
      return [...(withHeading ? [csvHeading(state.screen)] : []), ...changed.map(csvLine)]
        .map((line) => `${line}\n`)
        .join('');
    const clock = time.slice(11, 19);
    const width = format === 'wide' || columns === undefined ? undefined : columns - clock.length - 2;
    const { heading, lines } = layOut(columnsOf[state.screen], changed, trends.context(), width, undefined);
    const all = [
      ...(changed.length === 0 ? [] : [[{ text: 'TIME      ' }, ...heading]]),
      ...lines.map((line) => [{ text: `${clock}  ` }, ...line]),
      ...gone.map(({ key }) => [{ text: `${clock}  ${key} is gone` }]),
      ...(note === undefined ? [] : [[{ text: `${clock}  ${note}` }]]),
      ...(degraded?.added ?? []).map((sentence) => [{ text: `${clock}  ${sentence}` }]),
      ...(degraded?.ended ?? []).map((sentence) => [{ text: `${clock}  no longer: ${sentence}` }]),
    ];
    return all.map((line) => `${paintSpans(line, columns ?? Infinity, isColoured).trimEnd()}\n`).join('');
  }
}

/** A node that is known by its usage only may exist without one. */
function isOnlyMeasured(row: Row): boolean {
  return row.kind === 'nodes' && row.node.ready === undefined;
}

/**
 * Returns a function that says what is degraded, when that changes. Only of nodes: their rows are read with it. Each pod has its own reason, and
 * for the whole summary all pods would be read.
 */
function watchedDegraded(options: WatchRowsOptions) {
  const { view, state, format, signal, onDegraded, onDegradedEnd, onProblem } = options;
  let last: readonly string[] = [];
  return async (): Promise<DegradedChange | undefined> => {
    if (state.screen !== 'nodes') return undefined;
    const summary = await untilAborted(view.summary(), signal).catch((error: unknown) => {
      if (!signal.aborted) onProblem(error);
      return undefined;
    });
    const all = summary?.degraded ?? last;
    const added = all.filter((sentence) => !last.includes(sentence));
    const ended = last.filter((sentence) => !all.includes(sentence));
    last = all;
    if (format === 'csv') {
      for (const sentence of added) onDegraded(escapeControls(sentence));
      for (const sentence of ended) onDegradedEnd(escapeControls(sentence));
    }
    return added.length === 0 && ended.length === 0 ? undefined : { all, added, ended };
  };
}

/** Keeps trends of rows: of the first look their whole past is read, later that of rows that are new. */
function watchedTrends(options: WatchRowsOptions) {
  const { view, state, isUnicode, signal } = options;
  const trends = createTrends(view);
  return {
    context: (): ColumnContext => ({ ...contextOf(options), trendOf: trends.bars(isUnicode) }),
    /** A signal ends it early. */
    async read(rows: readonly Row[], changed: readonly Row[], isFirst: boolean): Promise<void> {
      trends.add(rows);
      const reading = isFirst ? trends.readWholePast(rows, state.labelSelector) : trends.readPast(changed);
      await untilAborted<unknown>(reading, signal).catch(() => undefined);
    },
  };
}

/** Returns the rows that are absent, for longest first: moves the others to the end. */
function absentRows(last: Map<string, Row>, rows: readonly Row[]): readonly Row[] {
  const present = new Set(rows.map(({ key }) => key));
  const absent = [...last.values()].filter(({ key }) => !present.has(key));
  for (const key of present) {
    const row = last.get(key);
    last.delete(key);
    if (row !== undefined) last.set(key, row);
  }
  return absent;
}

function hasChanged(before: Row | undefined, now: Row): boolean {
  if (before === undefined) return true;
  return columnsOf[now.kind].some(({ title, isTrend, value }) => {
    if (title === 'AGE' || isTrend === true) return false;
    const [a, b] = [value(before), value(now)];
    if (typeof a !== 'number' || typeof b !== 'number') return a !== b;
    const isUsage = title === 'CPU' || title === 'MEMORY' || title === 'SWAP' || title.startsWith('%');
    return isUsage ? Math.abs(a - b) > noise * Math.max(Math.abs(a), Math.abs(b)) : a !== b;
  });
}
