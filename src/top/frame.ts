/** Draws the whole screen as lines: header, tabs, table, and what keys do. */
import { fit, type Span, widthOf } from '../terminal/text.ts';
import type { TerminalSize } from '../terminal/terminal.ts';
import type { ClusterSummaryView, ResourceView } from '../view/types.ts';
import { type ColumnContext, columnsOf } from './columns.ts';
import { ageText, barText, bytesText, coresText, markOf, percentText, shareOf } from './format.ts';
import { reasonOf, type Row, screenNames } from './rows.ts';
import { isOfNode, namespaceOf, type TopState } from './state.ts';
import { layOut } from './table.ts';

export interface Frame {
  readonly state: TopState;
  readonly summary: ClusterSummaryView | undefined;
  /** Sorted and filtered; undefined before the first answer. */
  readonly rows: readonly Row[] | undefined;
  /** Of rows that are not shown. */
  readonly note: string | undefined;
  /** What cannot be read. */
  readonly problem: string | undefined;
  /** Seconds for which an answer is awaited; undefined if none is. */
  readonly waitingSeconds: number | undefined;
  readonly context: ColumnContext;
  readonly url: string;
}

type Line = readonly Span[];

/** Degraded parts that are shown; the rest is counted. */
const mostProblems = 3;
/** Seconds from which a wait is shown. */
const slowSeconds = 2;
/** Columns below which the bars are left out. */
const barsFrom = 100;

export function drawFrame(
  frame: Frame,
  { columns, rows: height }: TerminalSize,
): { readonly lines: readonly Line[]; readonly tableHeight: number } {
  const { state } = frame;
  const footer = footerLines(frame, columns);
  const top = [...headerLines(frame, columns), [], tabLine(frame)];
  const tableHeight = Math.max(1, height - top.length - footer.length - 1);
  const body = state.isHelp ? helpLines : tableLines(frame, columns, tableHeight);
  const filled = Array.from({ length: Math.max(0, height - footer.length) }, (_, at) => [...top, ...body][at] ?? []);
  return { lines: [...filled, ...footer], tableHeight };
}

/** Returns the lines above the tabs, also for `--once`. @param columns undefined where the output is no terminal. */
export function headerLines(
  {
    summary,
    url,
    problem,
    waitingSeconds,
    state,
    context,
  }: Pick<Frame, 'summary' | 'url' | 'problem' | 'waitingSeconds' | 'state' | 'context'>,
  columns: number | undefined,
): Line[] {
  const isSlow = waitingSeconds !== undefined && waitingSeconds >= slowSeconds;
  const slow: Span[] = isSlow
    ? [{ text: `  waiting for kube-apiserver for ${ageText(waitingSeconds)}`, tone: 'warning' }]
    : [];
  const paused: Span[] = state.isPaused ? [{ text: '  PAUSED', tone: 'warning' }] : [];
  const notes = [...new Set(problemsOf(problem, summary?.degraded ?? []))].map(
    (text): Line => [{ text: `! ${text}`, tone: 'warning' }],
  );
  const hidden = notes.length - mostProblems;
  const shownNotes = hidden > 0 ? [...notes.slice(0, mostProblems), [{ text: `! and ${hidden} more` }]] : notes;
  return [
    titleLine(
      [...paused, ...slow],
      url,
      summary === undefined ? 'reading' : nodesText(summary, context),
      columns ?? Infinity,
    ),
    // Their lines are there before their numbers, so that the table does not move.
    resourceLine('CPU   ', summary?.cpu ?? {}, coresText, columns ?? 0),
    resourceLine('MEMORY', summary?.memory ?? {}, bytesText, columns ?? 0),
    ...shownNotes,
  ];
}

/** What matters is on the right: a narrow terminal leaves out the program's name, then the URL's scheme. */
function titleLine(marks: readonly Span[], url: string, text: string, columns: number): Line {
  const whole: Line = [{ text: 'kubegauge top', tone: 'strong' }, ...marks, { text: `  ${url}  ${text}` }];
  const forms = [whole, whole.slice(1), [...marks, { text: `  ${url.replace(/^https?:\/\//, '')}  ${text}` }]];
  return (forms.find((form) => widthOfLine(form) <= columns) ?? forms.at(-1) ?? whole).map(withoutIndent);
}

const widthOfLine = (line: Line): number =>
  widthOf(
    line
      .map(({ text }) => text)
      .join('')
      .trimStart(),
  );

/** Of the first span. */
function withoutIndent(span: Span, at: number): Span {
  return at === 0 ? { ...span, text: span.text.trimStart() } : span;
}

/** Rows and header may lack the same rights: the failure of nodes is the header's sentences, joined. */
function problemsOf(problem: string | undefined, degraded: readonly string[]): readonly string[] {
  if (problem === undefined) return degraded;
  const isKnown = problem === degraded.filter((sentence) => problem.includes(sentence)).join('; ');
  return isKnown ? degraded : [problem, ...degraded];
}

function nodesText(
  { server, nodes, readyNodes, timestampMs }: ClusterSummaryView,
  { nowMs }: Pick<ColumnContext, 'nowMs'>,
): string {
  const ready =
    readyNodes === undefined ? `${nodes} ${nodes === 1 ? 'node' : 'nodes'}` : `${readyNodes} of ${nodes} nodes ready`;
  const age = timestampMs === undefined ? '' : `, usage up to ${ageText((nowMs - timestampMs) / 1000)} old`;
  return `${server}  ${ready}${age}`;
}

function resourceLine(
  title: string,
  { used, requested, allocatable, allocatableWithUsage = allocatable }: ResourceView,
  format: (value: number) => string,
  columns: number,
): Line {
  const share = shareOf(used, allocatableWithUsage);
  const reserved = shareOf(requested, allocatable);
  const { tone, mark } = markOf(share ?? 0);
  const text = (value: number | undefined) => (value === undefined ? '-' : format(value));
  const percent = (value: number | undefined) => (value === undefined ? '' : ` ${percentText(value)}`);
  return [
    { text: `${title} ` },
    ...(columns >= barsFrom && share !== undefined ? [{ text: `${barText(share, 20)} `, tone }] : []),
    { text: `${text(used)}${percent(share)}${mark.trim()} used`, tone },
    { text: `, ${text(requested)}${percent(reserved)} requested, of ${text(allocatable)}` },
  ];
}

/** Before the selected row: a terminal without colours shows no tone. */
const markOfSelected = '>';

const titles = { nodes: 'Nodes', pods: 'Pods', containers: 'Containers', hpas: 'HPAs' } as const;

function tabLine({ state, rows, note }: Frame): Line {
  const tabs = screenNames.flatMap((screen, at): Span[] => [
    {
      text: screen === state.screen ? `[${at + 1} ${titles[screen]}]` : ` ${at + 1} ${titles[screen]} `,
      ...(screen === state.screen ? { tone: 'selected' as const } : {}),
    },
  ]);
  const scope = [
    state.pod && `pod ${state.pod.namespace}/${state.pod.name}`,
    state.node && `node ${state.node}`,
    isOfNode(state.screen) ? state.workload && workloadText(state.workload) : undefined,
    `namespace ${namespaceOf(state) ?? 'all'}`,
    state.labelSelector && `labels ${state.labelSelector}`,
    state.filter && `filter ${state.filter}`,
    rows && `${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`,
    note,
  ].filter((text) => text !== undefined && text !== '');
  return [...tabs, { text: `  ${scope.join(', ')}`, tone: 'dim' }];
}

function tableLines({ state, rows, problem, context }: Frame, width: number, height: number): Line[] {
  if (rows === undefined) return [[{ text: problem === undefined ? 'reading' : 'cannot be read; see above' }]];
  const columns = columnsOf[state.screen];
  const shown = rowsInSight(rows, state.selected, height);
  const selected = rows.find(({ key }) => key === state.selected) ?? rows[0];
  const room = width - markOfSelected.length;
  const { heading, lines } = layOut(columns, shown, context, room, columns[state.sorts[state.screen]]);
  const noMark: Span = { text: ' '.repeat(markOfSelected.length) };
  if (rows.length === 0)
    return [
      [noMark, ...heading],
      [noMark, { text: nothingText(state), tone: 'dim' }],
    ];
  return [
    [noMark, ...heading],
    ...lines.map((line, at) => {
      if (shown[at] !== selected) return [noMark, ...line];
      const text = markOfSelected + line.map((span) => span.text).join('');
      return [{ text: text + ' '.repeat(Math.max(0, width - widthOf(text))), tone: 'selected' as const }];
    }),
  ];
}

function workloadText({ kind, name }: NonNullable<TopState['workload']>): string {
  return `${kind} ${name}`;
}

/** Returns what stands in the place of rows where there are none. */
export function nothingText(state: TopState): string {
  const { screen, node, workload, labelSelector, filter } = state;
  const namespace = namespaceOf(state);
  const where = namespace === undefined || screen === 'nodes' ? '' : ` in namespace ${namespace}`;
  const on = node === undefined || !isOfNode(screen) ? '' : ` on node ${node}`;
  const of = workload === undefined || !isOfNode(screen) ? '' : ` of ${workloadText(workload)}`;
  const chosen =
    labelSelector === undefined || screen === 'nodes' || screen === 'hpas' ? '' : ` with labels ${labelSelector}`;
  const other = of === '' ? '' : '; another object may control them';
  return `no ${titles[screen].replace(/^[NPC]/, (letter) => letter.toLowerCase())}${of}${where}${on}${chosen}${filter === '' ? '' : ` match ${filter}`}${other}`;
}

/** Returns the rows that are on the screen: the selected one stays in sight. */
export function rowsInSight(rows: readonly Row[], selectedKey: string | undefined, height: number): readonly Row[] {
  const selected = Math.max(
    0,
    rows.findIndex(({ key }) => key === selectedKey),
  );
  const first = Math.max(0, Math.min(selected - Math.floor(height / 2), rows.length - height));
  return rows.slice(first, first + height);
}

const promptTitles = {
  filter: 'filter by text',
  labelSelector: 'labels, such as app=web,tier!=cache',
  namespace: 'namespace; empty for all',
} as const;

function footerLines({ state, rows }: Frame, columns: number): Line[] {
  if (state.prompt !== undefined) {
    const { of, text } = state.prompt;
    return [[], [{ text: `${promptTitles[of]}: ` }, { text: `${text}_`, tone: 'strong' }]];
  }
  const selected = rows?.find(({ key }) => key === state.selected) ?? rows?.[0];
  const reason = selected === undefined ? undefined : reasonOf(selected);
  const why: Line =
    reason === undefined || selected === undefined ? [] : [{ text: `${selected.key}: ${reason}`, tone: 'warning' }];
  return [why, [{ text: fit(keysText, columns), tone: 'dim' }]];
}

const keysText =
  '? help  q quit  Tab screen  Enter open  Esc back  s sort  / filter  n namespace  a all  l labels  r reverse  p pause';

const helpLines: readonly Line[] = [
  'Tab, 1 to 4     nodes, pods, containers, HPAs',
  'Up, Down, j, k  select; PageUp, PageDown, Home, End as usual',
  'Enter           pods of the node, containers of the pod, pods of the HPA',
  'Esc             back; also ends a filter',
  's, r            sort by the next column (marked *), in the other order',
  'c, m, w         sort by CPU, by memory, by why there is no number',
  '/               show rows with a text in their name, node or labels',
  'l, n, a         choose pods by labels, a namespace, all again',
  'p, Space        pause, and go on',
  'q, Ctrl-C       quit',
  '',
  '%CPU, %MEM      used, of what the node can give to pods',
  '%REQ, %LIM      used, of request and limit; of nodes: requested, of allocatable',
  '+ !             at least 75 %, at least 90 %',
  'AGE             since the usage was measured',
].map((text) => [{ text }]);
