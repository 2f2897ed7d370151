/** What the user has chosen, and how keys change it. */
import type { KeyPress } from '../terminal/terminal.ts';
import type { PodView } from '../view/types.ts';
import { columnsOf } from './columns.ts';
import type { Row, ScreenName } from './rows.ts';
import { screenNames } from './rows.ts';

export interface Prompt {
  readonly of: 'filter' | 'labelSelector' | 'namespace';
  readonly text: string;
}

/** What the rows are of. */
export interface Scope {
  readonly namespace: string | undefined;
  readonly node: string | undefined;
  /** The pods of `node` are those of all namespaces, not of `namespace`. */
  readonly isWholeNode: boolean;
  readonly labelSelector: string | undefined;
  /** The controller of the pods: the target of an autoscaler. */
  readonly workload: PodView['workload'] | undefined;
  /** The pod whose containers are shown; undefined for those of all pods. */
  readonly pod: { readonly namespace: string; readonly name: string } | undefined;
}

export interface TopState extends Scope {
  readonly screen: ScreenName;
  /** The column that each screen is sorted by, by its index. */
  readonly sorts: Readonly<Record<ScreenName, number>>;
  readonly isReversed: boolean;
  /** Text that a row has to contain. */
  readonly filter: string;
  /** The key of the selected row. */
  readonly selected: string | undefined;
  readonly isPaused: boolean;
  readonly isHelp: boolean;
  readonly prompt: Prompt | undefined;
  /** Where Escape leads. */
  readonly back: readonly Pick<TopState, 'screen' | 'selected' | keyof Scope>[];
}

export function initialState(screen: ScreenName, scope: Partial<Scope>): TopState {
  return {
    ...everything,
    ...scope,
    screen,
    // CPU where there is one.
    sorts: { nodes: 1, pods: 2, containers: 3, hpas: 1 },
    isReversed: false,
    filter: '',
    selected: undefined,
    isPaused: false,
    isHelp: false,
    prompt: undefined,
    back: [],
  };
}

/** Returns the namespace that the rows are of; undefined for all. */
export function namespaceOf({
  screen,
  namespace,
  isWholeNode,
}: Pick<TopState, 'screen' | 'namespace' | 'isWholeNode'>): string | undefined {
  return isWholeNode && isOfNode(screen) ? undefined : namespace;
}

/** Reports whether the rows are those of the node only. */
export function isOfNode(screen: ScreenName): boolean {
  return screen === 'pods' || screen === 'containers';
}

/** Returns the state for a user who may not list pods of all namespaces; undefined if the namespace is chosen already, or there is none. */
export function narrowToNamespace(state: TopState): TopState | undefined {
  const { screen, namespace, isWholeNode, pod } = state;
  const isNarrower = isWholeNode && isOfNode(screen) && namespace !== undefined && pod === undefined;
  return isNarrower ? { ...state, isWholeNode: false } : undefined;
}

/** The rows on the screen now, as far as keys depend on them. */
export interface VisibleTable {
  readonly rows: readonly Row[];
  /** How many of them fit. */
  readonly height: number;
}

export type Effect = 'none' | 'quit' | 'refresh';

export interface Step {
  readonly state: TopState;
  readonly effect: Effect;
}

export function press(state: TopState, key: KeyPress, shown: VisibleTable): Step {
  if (key.ctrl && (key.name === 'c' || key.name === 'd')) return { state, effect: 'quit' };
  if (state.prompt !== undefined) return pressInPrompt(state, state.prompt, key);
  if (state.isHelp) return stay({ ...state, isHelp: false });
  return move(state, key, shown) ?? command(state, key, shown);
}

const stay = (state: TopState): Step => ({ state, effect: 'none' });
const refresh = (state: TopState): Step => ({ state, effect: 'refresh' });

function pressInPrompt(state: TopState, prompt: Prompt, { name, text, ctrl }: KeyPress): Step {
  if (name === 'escape') return stay({ ...state, prompt: undefined });
  if (name === 'return' || name === 'enter') return submit(state, prompt);
  const typed = ctrl || text === undefined || /\p{Cc}/u.test(text) ? '' : text;
  const edited = name === 'backspace' ? prompt.text.replace(/.$/su, '') : prompt.text + typed;
  const next = { ...state, prompt: { ...prompt, text: edited } };
  // The filter works while it is typed.
  return stay(prompt.of === 'filter' ? { ...next, filter: edited } : next);
}

function submit(state: TopState, { of, text }: Prompt): Step {
  const value = text.trim() || undefined;
  const next = { ...state, prompt: undefined };
  if (of === 'filter') return stay({ ...next, filter: value ?? '' });
  const scope =
    of === 'namespace' ? { namespace: value, isWholeNode: false, workload: undefined } : { labelSelector: value };
  // Nodes and HPAs are not selected by labels of pods.
  const screen = of === 'labelSelector' && state.screen !== 'containers' ? 'pods' : state.screen;
  return refresh({ ...next, ...scope, screen, pod: undefined, selected: undefined });
}

function move(state: TopState, { name, text }: KeyPress, { rows, height }: VisibleTable): Step | undefined {
  const at = Math.max(
    0,
    rows.findIndex(({ key }) => key === state.selected),
  );
  const to: Readonly<Record<string, number>> = {
    up: at - 1,
    k: at - 1,
    down: at + 1,
    j: at + 1,
    pageup: at - height,
    pagedown: at + height,
    home: 0,
    end: rows.length - 1,
  };
  const target = to[text !== undefined && /^[jk]$/.test(text) ? text : (name ?? '')];
  if (target === undefined || (text !== undefined && /^[A-Z]$/.test(text))) return undefined;
  const row = rows[Math.max(0, Math.min(rows.length - 1, target))];
  return stay({ ...state, selected: row?.key });
}

function command(state: TopState, { name, text, shift }: KeyPress, { rows }: VisibleTable): Step {
  if (name === 'tab') return open(state, neighbour(state.screen, shift ? -1 : 1));
  if (name === 'return' || name === 'enter')
    return drillDown(state, rows.find(({ key }) => key === state.selected) ?? rows[0]);
  if (name === 'escape' || name === 'backspace') return goBack(state);
  const prompts: Readonly<Record<string, Prompt>> = {
    '/': { of: 'filter', text: state.filter },
    l: { of: 'labelSelector', text: state.labelSelector ?? '' },
    n: { of: 'namespace', text: namespaceOf(state) ?? '' },
  };
  const prompt = prompts[text ?? ''];
  if (prompt !== undefined) return stay({ ...state, prompt });
  const screen = screenNames[Number(text) - 1];
  if (screen !== undefined) return open(state, screen);
  return commands[text ?? '']?.(state) ?? stay(state);
}

const pause = (state: TopState): Step =>
  state.isPaused ? refresh({ ...state, isPaused: false }) : stay({ ...state, isPaused: true });
const help = (state: TopState): Step => stay({ ...state, isHelp: true });

const everything: Scope = {
  namespace: undefined,
  node: undefined,
  isWholeNode: false,
  labelSelector: undefined,
  workload: undefined,
  pod: undefined,
};

const commands: Readonly<Record<string, (state: TopState) => Step>> = {
  q: (state) => ({ state, effect: 'quit' }),
  s: (state) => stay({ ...state, sorts: { ...state.sorts, [state.screen]: nextSort(state) } }),
  c: (state) => sortBy(state, 'CPU'),
  m: (state) => sortBy(state, 'MEMORY'),
  w: (state) => sortBy(state, 'WHY'),
  r: (state) => stay({ ...state, isReversed: !state.isReversed }),
  a: (state) => refresh({ ...state, ...everything, filter: '' }),
  p: pause,
  ' ': pause,
  '?': help,
  h: help,
};

function neighbour(screen: ScreenName, step: 1 | -1): ScreenName {
  return screenNames[(screenNames.indexOf(screen) + step + screenNames.length) % screenNames.length] ?? screen;
}

function open(state: TopState, screen: ScreenName): Step {
  return refresh({ ...state, screen, selected: undefined, pod: undefined, back: [] });
}

function drillDown(state: TopState, row: Row | undefined): Step {
  const { screen, selected, namespace, node, isWholeNode, labelSelector, workload, pod } = state;
  const back = [...state.back, { screen, selected, namespace, node, isWholeNode, labelSelector, workload, pod }];
  const next = { ...state, selected: undefined, back, filter: '' };
  if (row?.kind === 'nodes')
    return refresh({ ...next, screen: 'pods', node: row.node.name, isWholeNode: true, workload: undefined });
  if (row?.kind === 'pods') return refresh({ ...next, screen: 'containers', pod: row.pod });
  if (row?.kind === 'hpas') {
    return refresh({
      ...next,
      ...everything,
      screen: 'pods',
      namespace: row.autoscaler.namespace,
      workload: row.autoscaler.target,
    });
  }
  return stay(state);
}

/** First undoes what hides rows. */
function goBack(state: TopState): Step {
  if (state.filter !== '') return stay({ ...state, filter: '' });
  const last = state.back.at(-1);
  if (last !== undefined) return refresh({ ...state, ...last, back: state.back.slice(0, -1) });
  return state.node === undefined && state.pod === undefined && state.workload === undefined
    ? stay(state)
    : refresh({ ...state, node: undefined, isWholeNode: false, workload: undefined, pod: undefined });
}

function nextSort({ screen, sorts }: TopState): number {
  const columns = columnsOf[screen];
  const from = sorts[screen];
  const next = columns.findIndex(({ isTrend }, at) => at > from && isTrend !== true);
  return next === -1 ? 0 : next;
}

function sortBy(state: TopState, title: string): Step {
  const at = columnsOf[state.screen].findIndex((column) => column.title === title);
  return stay(at === -1 ? state : { ...state, sorts: { ...state.sorts, [state.screen]: at } });
}

/** Returns the rows that contain the filter's text, sorted: texts upwards, numbers from the largest on, missing ones last. */
export function selectRows(
  rows: readonly Row[],
  { screen, sorts, isReversed, filter }: Pick<TopState, 'screen' | 'sorts' | 'isReversed' | 'filter'>,
): readonly Row[] {
  const columns = columnsOf[screen];
  const { value } = columns[sorts[screen]] ?? columns[0] ?? { value: () => undefined };
  const wanted = filter.toLowerCase();
  const keyed = rows
    .filter((row) => wanted === '' || searchText(row).includes(wanted))
    .map((row) => ({ row, value: value(row) }));
  const sorted = keyed.toSorted((a, b) => {
    if (a.value === undefined || b.value === undefined) {
      if (a.value !== b.value) return a.value === undefined ? 1 : -1;
    } else if (a.value !== b.value) {
      const isNumber = typeof a.value === 'number';
      return (a.value < b.value ? -1 : 1) * (isNumber ? -1 : 1) * (isReversed ? -1 : 1);
    }
    return a.row.key < b.row.key ? -1 : 1;
  });
  return sorted.map(({ row }) => row);
}

/** Its key, and of a pod or container the node, and the pod's labels as `app=web`. */
function searchText(row: Row): string {
  const { node = '', labels = {} } = 'pod' in row ? row.pod : {};
  return [row.key, node, ...Object.entries(labels).map(([name, text]) => `${name}=${text}`)].join(' ').toLowerCase();
}
