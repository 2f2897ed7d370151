/** The screen of `npm start`: nodes, pods, why some have no usage, what happened, what to try. Pure: a reading in, lines out. */
import { version } from '../../src/version.ts';
import { type Column, cutText, heightOf, type Line, line, type Span, tableLines, wrapWords } from './lines.ts';
import { type Reading, reasonText, type SeenNode, type SeenPod, type SeenUsage } from './reading.ts';

/** An address that is shown at the top, the one to open first before the others. */
export interface Address {
  readonly of: string;
  readonly url: string;
}

/** Something that the simulation did, or that kubegauge reports. */
export interface Event {
  readonly atMs: number;
  readonly sentence: string;
}

/** A command and what of its output is shown; no lines before it ran. */
export interface Tried {
  readonly typed: string;
  readonly excerpt: readonly string[];
}

export interface View {
  /** Undefined before the first. */
  readonly reading: Reading | undefined;
  readonly nowMs: number;
  readonly addresses: readonly Address[];
  readonly events: readonly Event[];
  readonly tried: readonly Tried[];
  /** Counts up: the command whose output is shown when there is no room for all. */
  readonly turn: number;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Rows below which only the tables are shown, and below which blank lines and events are few. */
const rowsForAll = 18;
const rowsForSpace = 32;
const reasonRows = 2;
/** Lines that the pods and the commands have at least, when there is room for both. */
const leastPods = 6;
const leastTrying = 5;

/** Returns lines that fit into the rows. */
export function screenLines(view: View, { columns, rows }: Size): Line[] {
  const { reading } = view;
  // A full row leaves the cursor where clearing would take its last character.
  const width = columns - 1;
  const top = headLines(view, width);
  if (reading === undefined) return fit([...top, line(''), line(stopHint, 'dim')], columns, rows);
  const isSmall = rows < rowsForAll;
  const blank = isSmall ? [] : [line('')];
  const nodes = nodeLines(reading, view.nowMs, width, Math.max(6, Math.floor(rows / 3)));
  const hasSpace = rows >= rowsForSpace;
  const above = [...(isSmall ? top.slice(0, 1) : top), ...(hasSpace ? blank : []), ...nodes, ...blank];
  const events = isSmall ? [] : eventLines(view.events, width, hasSpace ? 5 : 1);
  const below = [...(hasSpace && events.length > 0 ? blank : []), ...events, ...blank];
  const free = rows - above.length - below.length;
  const forTrying = Math.max(leastTrying, Math.min(free - leastPods, Math.floor(free * 0.6)));
  const trying = isSmall ? [] : tryLines(view, columns, forTrying);
  const pods = podLines(reading, view.nowMs, width, Math.max(0, free - heightOfAll(trying, columns)));
  return fit([...above, ...pods, ...below, ...trying], columns, rows);
}

function heightOfAll(lines: readonly Line[], columns: number): number {
  return lines.reduce((total, each) => total + heightOf(each, columns), 0);
}

function fit(lines: readonly Line[], columns: number, rows: number): Line[] {
  let left = rows;
  return lines.filter((each) => {
    left -= heightOf(each, columns);
    return left >= 0;
  });
}

export const headSentences = [
  'Serves CPU and memory usage to kubectl top and autoscalers.',
  'Simulated cluster; kubegauge and its answers are real.',
];

/** Returns the sentences that say what this is. */
export function headLines({ reading, addresses }: Pick<View, 'reading' | 'addresses'>, width: number): Line[] {
  return [
    line(cutText(`kubegauge ${version}   ${reading === undefined ? 'starting' : summary(reading)}`, width), 'bold'),
    ...headSentences.flatMap((sentence) => wrapWords(sentence, width, 2).map((text) => line(text, 'dim'))),
    ...addressLines(addresses, width),
  ];
}

/** Name and URL stay together. */
function addressLines(addresses: readonly Address[], width: number): Line[] {
  const gap = '   ';
  const rows: string[] = [];
  for (const { of, url } of addresses) {
    const joined = [...rows.slice(-1), `${of} ${url}`].join(gap);
    if (rows.length > 0 && joined.length <= width) rows.pop();
    rows.push(rows.length === 0 || joined.length <= width ? joined : `${of} ${url}`);
  }
  return rows.map((text) => line(cutText(text, width), 'dim'));
}

export function summary({ nodes, pods }: Reading): string {
  const failing = nodes.filter(isFailing).length;
  const without = pods.filter(({ usage }) => usage === undefined).length;
  return [
    `${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}${failing === 0 ? '' : `, ${failing} failing`}`,
    `${pods.length} pods${without === 0 ? '' : `, ${without} without usage`}`,
  ].join('; ');
}

/** A node whose usage is awaited has a reason, too. */
export function isFailing({ reason, usage }: SeenNode): boolean {
  return reason !== undefined && (usage !== undefined || !/^(?:NotReported|OneSample)$/.test(reason.code));
}

/** Returns the table of nodes: if not all fit, the failing ones first. */
export function nodeLines({ nodes }: Reading, nowMs: number, width: number, rows: number): Line[] {
  const room = Math.max(1, rows - 1);
  const isCut = nodes.length + new Set(nodes.flatMap(({ reason }) => reason?.sentence ?? [])).size * reasonRows > room;
  const sorted = isCut ? nodes.toSorted((one, other) => Number(isFailing(other)) - Number(isFailing(one))) : nodes;
  const table: readonly Column<SeenNode>[] = [
    { title: 'NODE', cell: ({ name }) => ({ text: name, style: 'cyan' }) },
    { title: 'CPU', isNumber: true, cell: ({ usage }) => ({ text: cpuText(usage) }) },
    {
      title: '%',
      isNumber: true,
      leftOut: 3,
      cell: ({ usage, cores }) => ({ text: percent(usage && usage.nanocores / 1e9, cores) }),
    },
    { title: 'MEMORY', isNumber: true, cell: ({ usage }) => ({ text: memoryText(usage) }) },
    {
      title: '%',
      isNumber: true,
      leftOut: 4,
      cell: ({ usage, memoryBytes }) => ({ text: percent(usage?.memoryBytes, memoryBytes) }),
    },
    { title: 'SAMPLED', isNumber: true, leftOut: 2, cell: ({ usage }) => ({ text: ageText(usage, nowMs) }) },
    { title: 'STATE', leftOut: 1, cell: stateOf },
  ];
  return withReasons(table, sorted, ({ reason }) => reason, width, room, 'node');
}

function stateOf(node: SeenNode): Span {
  const { usage, ready } = node;
  if (isFailing(node)) {
    const text = usage === undefined ? 'failing, no usage' : 'failing, last value kept';
    return { text: ready ? text : `${text}, not ready`, style: usage === undefined ? 'red' : 'yellow' };
  }
  if (usage === undefined) return { text: 'starting', style: 'yellow' };
  return { text: 'scraped', style: 'green' };
}

/** Pods that have no usage for the same reason on the same node, and are shown as one. */
interface PodGroup extends SeenPod {
  readonly others: number;
}

/** Returns the table of pods: those without usage, those that restarted, those that use most. */
export function podLines({ pods }: Reading, nowMs: number, width: number, rows: number): Line[] {
  const byReason = Map.groupBy(
    pods.filter(({ usage }) => usage === undefined),
    ({ reason, node, restarts }) => `${reason?.code} ${node} ${restarts > 0}`,
  );
  const groups = [...byReason.values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ...first, others: others.length }],
  );
  const measured = pods.filter(({ usage }) => usage !== undefined).map((pod) => ({ ...pod, others: 0 }));
  const sorted = [...groups.toSorted(byReasonCode), ...measured.toSorted(byRestarts)];
  const table: readonly Column<PodGroup>[] = [
    {
      title: 'POD',
      cell: ({ name, node, others }) => ({
        text: others === 0 ? name : `${others + 1} pods of ${node}`,
        style: 'cyan',
      }),
    },
    { title: 'NODE', leftOut: 2, cell: ({ node }) => ({ text: node }) },
    { title: 'CPU', isNumber: true, cell: ({ usage }) => ({ text: cpuText(usage) }) },
    { title: 'MEMORY', isNumber: true, cell: ({ usage }) => ({ text: memoryText(usage) }) },
    { title: 'SAMPLED', isNumber: true, leftOut: 3, cell: ({ usage }) => ({ text: ageText(usage, nowMs) }) },
    {
      title: 'RESTARTS',
      isNumber: true,
      leftOut: 1,
      cell: ({ restarts }) => ({ text: String(restarts), ...(restarts > 0 && { style: 'yellow' }) }),
    },
  ];
  return withReasons(
    table,
    sorted,
    ({ reason }) => reason,
    width,
    rows - 1,
    'pod',
    ({ others }) => others + 1,
  );
}

/** Those that restarted first; groups of one reason next to each other. */
function byReasonCode(one: PodGroup, other: PodGroup): number {
  const code = ({ reason }: PodGroup): string => reason?.code ?? '';
  return Number(other.restarts > 0) - Number(one.restarts > 0) || code(one).localeCompare(code(other));
}

function byRestarts(one: SeenPod, other: SeenPod): number {
  return other.restarts - one.restarts || (other.usage?.nanocores ?? 0) - (one.usage?.nanocores ?? 0);
}

/** Puts each row's reason under it, that of several rows in sequence under the last, and says how many rows did not fit. */
function withReasons<Row>(
  table: readonly Column<Row>[],
  rows: readonly Row[],
  reasonOf: (row: Row) => SeenNode['reason'],
  width: number,
  room: number,
  what: string,
  countOf: (row: Row) => number = () => 1,
): Line[] {
  const sentences = rows.map((row) => {
    const reason = reasonOf(row);
    return reason === undefined ? '' : reasonText(reason);
  });
  const reasons = sentences.map((sentence, index) =>
    sentence === '' || sentence === sentences[index + 1] ? [] : wrapWords(sentence, width, reasonRows, '  '),
  );
  let shown = 0;
  let height = 0;
  const heightAt = (index: number): number => 1 + (reasons[index]?.length ?? 0);
  // One line is kept for the count of those that are left out.
  while (shown < rows.length && height + heightAt(shown) + (shown + 1 < rows.length ? 1 : 0) <= room) {
    height += heightAt(shown);
    shown += 1;
  }
  const [titles, ...lines] = tableLines(table, rows.slice(0, shown), width);
  const left = rows.slice(shown).reduce((total, row) => total + countOf(row), 0);
  return [
    ...(titles === undefined || shown === 0 ? [] : [titles]),
    ...lines.flatMap((each, index) => [each, ...(reasons[index] ?? []).map((text) => line(text, 'yellow'))]),
    ...(left === 0 ? [] : [line(`  and ${left} more ${what}${left === 1 ? '' : 's'}`, 'dim')]),
  ];
}

function eventLines(events: readonly Event[], width: number, rows: number): Line[] {
  return events.slice(-rows).map((event) => line(cutText(eventText(event), width), 'dim'));
}

export function eventText({ atMs, sentence }: Event): string {
  return `${timeText(atMs)} ${sentence}`;
}

/** Returns the local time of day. */
function timeText(atMs: number): string {
  const date = new Date(atMs);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

const tryTitle = 'Try in another terminal (Ctrl-C here stops everything):';
const stopHint = 'Ctrl-C stops everything.';

/** Returns the commands, with the outputs for which there is room: all, or that of the one whose turn it is. */
function tryLines({ tried, turn }: View, columns: number, rows: number): Line[] {
  const one = tried[turn % Math.max(1, tried.length)];
  if (one === undefined) return [line(stopHint, 'dim')];
  const title = line(tryTitle, 'bold');
  const command = (typed: string): Line => ({ spans: [{ text: `$ ${typed}`, style: 'green' }], wraps: true });
  const output = (excerpt: readonly string[]): Line[] => excerpt.map((each) => line(`  ${each}`, 'dim'));
  const all = [title, ...tried.flatMap(({ typed, excerpt }) => [command(typed), ...output(excerpt)])];
  if (heightOfAll(all, columns) <= rows) return all;
  const withOne = [
    title,
    ...tried.flatMap((each) => [command(each.typed), ...(each === one ? output(each.excerpt) : [])]),
  ];
  if (heightOfAll(withOne, columns) <= rows) return withOne;
  const alone = [title, command(one.typed)];
  return [...alone, ...output(one.excerpt).slice(0, Math.max(0, rows - heightOfAll(alone, columns)))];
}

/** As kubectl top rounds: up. */
export function cpuText(usage: SeenUsage | undefined): string {
  return usage === undefined ? '-' : `${Math.ceil(usage.nanocores / 1e6)}m`;
}

export function memoryText(usage: SeenUsage | undefined): string {
  return usage === undefined ? '-' : `${Math.floor(usage.memoryBytes / 1024 ** 2)}Mi`;
}

function percent(used: number | undefined, of: number): string {
  return used === undefined ? '-' : `${Math.floor((used / of) * 100)}%`;
}

function ageText(usage: SeenUsage | undefined, nowMs: number): string {
  return usage === undefined ? '-' : `${Math.max(0, Math.round((nowMs - usage.timestampMs) / 1000))}s ago`;
}
