/** Screens of `kubegauge top`: numbers, tables, keys, CSV and arguments. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runTop } from '../../../src/command/topcommand.ts';
import type { UsageError } from '../../../src/options/parse.ts';
import { widthOf } from '../../../src/terminal/text.ts';
import { parseTopArguments } from '../../../src/top/arguments.ts';
import { columnsOf } from '../../../src/top/columns.ts';
import { ageText, bytesText, coresText, markOf, sparkline } from '../../../src/top/format.ts';
import { drawFrame, type Frame } from '../../../src/top/frame.ts';
import { loadRows } from '../../../src/top/loader.ts';
import { printOnce, topFormats } from '../../../src/top/print.ts';
import { autoscalerRows, containerRows, nodeRows, podRows, type Row, screenNames } from '../../../src/top/rows.ts';
import {
  initialState,
  namespaceOf,
  narrowToNamespace,
  press,
  selectRows,
  type TopState,
} from '../../../src/top/state.ts';
import { layOut } from '../../../src/top/table.ts';
import { createTrends } from '../../../src/top/trends.ts';
import type { AutoscalerView, ClusterView, ContainerView, NodeView, PodView } from '../../../src/view/types.ts';

const context = { nowMs: 100_000, trendOf: () => '' };

const printing = {
  url: '',
  columns: undefined,
  isColoured: false,
  isUnicode: true,
  onNote: (note: string) => assert.fail(note),
  onDegraded: (sentence: string) => assert.fail(sentence),
};

function podView(name: string, cpu: number | undefined, more: Partial<PodView> = {}): PodView {
  return {
    namespace: 'shop',
    name,
    node: 'node-a',
    phase: 'Running',
    status: 'Running',
    restarts: 0,
    labels: { app: 'web' },
    cpu: { ...(cpu === undefined ? {} : { used: cpu }), requested: 0.2 },
    memory: { used: 1024 ** 2 },
    containers: [],
    ...more,
  };
}

const nodeView: NodeView = {
  name: 'node-a',
  ready: true,
  cpu: { used: 3.8, requested: 2, allocatable: 4 },
  memory: { used: 2 * 1024 ** 3, allocatable: 16 * 1024 ** 3 },
  pods: 3,
  podCapacity: 110,
  timestampMs: 88_000,
};

test('numbers are short', () => {
  assert.deepEqual([0.0004, 0.25, 9.9994, 12.34].map(coresText), ['0m', '250m', '9999m', '12.3']);
  assert.deepEqual([1, 1024 ** 2, 12.5 * 1024 ** 3].map(bytesText), ['1Ki', '1Mi', '12.5Gi']);
  assert.deepEqual([5, 119, 240, 7_300, 200_000].map(ageText), ['5s', '119s', '4m', '2h', '2d']);
  assert.equal(sparkline([0, 1, 2, 4], 3, false), '.=#'.replace('.', '-'));
  assert.deepEqual(
    [0.5, 0.75, 0.9].map((share) => markOf(share).mark),
    [' ', '+', '!'],
  );
});

describe('a table', () => {
  test('marks what is nearly full without colour', () => {
    const { heading, lines } = layOut(columnsOf.nodes, nodeRows([nodeView]), context, 120, columnsOf.nodes[1]);
    const text = (spans: (typeof lines)[number]) => spans.map((span) => span.text).join('');
    assert.match(text(heading), /^NODE +CPU\* +%CPU +%REQ +MEMORY +%MEM +PODS +AGE +READY/);
    assert.match(text(lines[0] ?? []), /^node-a +3800m +95%! +50% +2048Mi +13% +3\/110 +12s +yes/);
  });

  test('has the source of nodes where it is known and there is room', () => {
    const sourced = nodeRows([
      { ...nodeView, source: 'resource' },
      { ...nodeView, name: 'node-b' },
    ]);
    const textsAt = (rows: typeof sourced, width: number | undefined) => {
      const { heading, lines } = layOut(columnsOf.nodes, rows, context, width, undefined);
      return [heading, ...lines].map((line) => line.map((span) => span.text).join(''));
    };
    const [heading, first, second] = textsAt(sourced, undefined);
    const at = heading?.indexOf('SOURCE') ?? -1;
    assert.deepEqual(
      [first, second].map((line) => line?.slice(at).split(' ')[0]),
      ['resource', '-'],
    );
    assert.doesNotMatch(textsAt(sourced, 60)[0] ?? '', /SOURCE/);
    assert.doesNotMatch(textsAt(nodeRows([nodeView]), undefined)[0] ?? '', /SOURCE/);
  });

  test('is never wider than the terminal that its least columns fit in', () => {
    const rows = podRows([podView('a-very-long-name-of-a-pod-'.repeat(4), 0.1, { reason: 'because' })]);
    for (let width = 80; width < 200; width += 7) {
      const { lines } = layOut(columnsOf.pods, rows, context, width, undefined);
      assert.ok(widthOf((lines[0] ?? []).map(({ text }) => text).join('')) <= width, `${width}`);
    }
  });
});

test('a short name is never widened where there is no room', () => {
  const autoscaler = { namespace: 'a', name: 'b', target: { kind: 'C', name: 'd' }, minReplicas: 1, maxReplicas: 2 };
  const metrics = [{ name: 'cpu', target: '50%' }];
  const { heading } = layOut(columnsOf.hpas, autoscalerRows([{ ...autoscaler, metrics }]), context, 20, undefined);
  assert.deepEqual(
    heading.filter(({ text }) => text.startsWith('HPA')).map(({ text }) => text),
    ['HPA'],
  );
});

describe('the metrics of an autoscaler', () => {
  const target = { kind: 'Deployment', name: 'checkout' };
  const autoscaler = { namespace: 'shop', name: 'checkout', target, minReplicas: 1, maxReplicas: 9, replicas: 3 };
  const reason = 'the number of replicas is limited by the maximum';
  const shown = (metrics: AutoscalerView['metrics'], width: number) => {
    const rows = autoscalerRows([{ ...autoscaler, desiredReplicas: 4, reason, metrics }]);
    const { lines } = layOut(columnsOf.hpas, rows, context, width, undefined);
    return (lines[0] ?? []).map(({ text }) => text).join('');
  };

  test('are whole at 112 columns, for which other columns are left out', () => {
    const line = shown(
      [
        { name: 'cpu', current: '75%', target: '50%' },
        { name: 'network_receive_bytes_per_second', current: '167k', target: '200k' },
      ],
      112,
    );
    assert.match(line, /cpu 75%\/50%, network_receive_bytes_per_second 167k\/200k /);
    assert.ok(widthOf(line) <= 112);
  });

  test('keep their values where there is no room for their names', () => {
    const metrics = ['network_receive_bytes_per_second', 'http_requests_per_second_of_the_ingress', 'cpu'].map(
      (name) => ({ name, current: '167k', target: '200k' }),
    );
    for (const width of [90, 80]) {
      const line = shown(metrics, width);
      assert.match(line, / n\w*~ 167k\/200k, h\w*~ 167k\/200k, c(?:pu|~) 167k\/200k /);
      assert.ok(widthOf(line) <= width, line);
    }
  });
});

describe('a list without rows', () => {
  const frame = { summary: undefined, note: undefined, waitingSeconds: undefined, context, url: 'https://x' };
  const body = (more: Pick<Frame, 'state' | 'rows' | 'problem'>) =>
    drawFrame({ ...frame, ...more }, { columns: 100, rows: 24 })
      .lines.map((line) => line.map(({ text }) => text).join(''))
      .join('\n');

  test('says what there is none of', () => {
    const state = initialState('pods', { namespace: 'shpo', labelSelector: 'app=web' });
    assert.match(body({ state, rows: [], problem: undefined }), /no pods in namespace shpo with labels app=web/);
  });

  test('says what its rows are of, and no more', () => {
    for (const screen of screenNames)
      assert.match(
        body({ state: initialState(screen, {}), rows: [], problem: undefined }),
        /4 HPAs[ \]] {2}namespace all, 0 rows\n/,
        screen,
      );
  });

  test('names the node whose pods are shown, and a namespace only where it is of that one', () => {
    const open = { name: 'return', text: undefined, ctrl: false, shift: false };
    const shown = { rows: nodeRows([nodeView]), height: 10 };
    const { state } = press(initialState('nodes', { namespace: 'shop' }), open, shown);
    const whole = body({ state, rows: [], problem: undefined });
    assert.match(whole, /no pods on node node-a/);
    assert.match(whole, /node node-a, namespace all, 0 rows/);
    const narrowed = narrowToNamespace(state);
    assert.match(
      body({ state: narrowed ?? state, rows: [], problem: undefined }),
      /no pods in namespace shop on node node-a/,
    );
  });

  test('is not being read when it cannot be', () => {
    const shown = body({ state: initialState('pods', {}), rows: undefined, problem: 'cannot list pods' });
    assert.match(shown, /cannot list pods[\s\S]*cannot be read; see above/);
    assert.doesNotMatch(shown, /^reading/m);
  });
});

test('ages are by the clock of kube-apiserver', async () => {
  const view = {
    nodes: async () => [nodeView],
    summary: async () => ({ cpu: {}, memory: {}, degraded: [] }),
    nowMs: () => 91_000,
  } as unknown as ClusterView;
  const state = initialState('nodes', {});
  const text = await printOnce({
    view,
    ...printing,
    state,
    format: 'table',
    columns: 120,
  });
  assert.match(text, /node-a .* 3s  yes/);
});

describe('rows', () => {
  const rows = podRows([podView('web-0', 0.1), podView('web-1', undefined), podView('db-0', 0.3)]);
  const names = (state: TopState) => selectRows(rows, state).map(({ key }) => key.slice(5));
  const state = initialState('pods', {});

  test('are sorted by the largest number, and those without one are last in both orders', () => {
    assert.deepEqual(names(state), ['db-0', 'web-0', 'web-1']);
    assert.deepEqual(names({ ...state, isReversed: true }), ['web-0', 'db-0', 'web-1']);
    assert.deepEqual(names({ ...state, sorts: { ...state.sorts, pods: 1 } }), ['db-0', 'web-0', 'web-1']);
  });

  test('are filtered by name, node and labels', () => {
    assert.deepEqual(names({ ...state, filter: 'DB' }), ['db-0']);
    assert.equal(names({ ...state, filter: 'app=web' }).length, 3);
    assert.equal(names({ ...state, filter: 'node-b' }).length, 0);
    const containers = containerRows([
      podView('web-0', 0.1, { containers: [{ name: 'app', kind: 'container', cpu: {}, memory: {}, restarts: 0 }] }),
    ]);
    assert.equal(selectRows(containers, { ...initialState('containers', {}), filter: 'app=web' }).length, 1);
  });
});

describe('keys', () => {
  const rows = nodeRows([nodeView, { ...nodeView, name: 'node-b' }]);
  const key = (name: string, text?: string) => ({ name, text, ctrl: false, shift: false });
  const shown = { rows, height: 10 };

  test('select within the rows, drill down, and lead back', () => {
    let { state } = press(initialState('nodes', {}), key('down'), shown);
    assert.equal(state.selected, 'node-b');
    ({ state } = press(state, key('down'), shown));
    assert.equal(state.selected, 'node-b');
    const opened = press(state, key('return'), shown);
    assert.deepEqual([opened.effect, opened.state.screen, opened.state.node], ['refresh', 'pods', 'node-b']);
    const back = press(opened.state, key('escape'), shown).state;
    assert.deepEqual([back.screen, back.node, back.selected], ['nodes', undefined, 'node-b']);
  });

  test('open a node with its pods of all namespaces, and lead back to the namespace', async () => {
    const asked: object[] = [];
    const view = { pods: async (query: object) => (asked.push(query), { items: [] }) } as unknown as ClusterView;
    const opened = press(initialState('nodes', { namespace: 'shop' }), key('return'), shown).state;
    await loadRows(view, opened);
    const containers = press(opened, key('3', '3'), shown).state;
    await loadRows(view, containers);
    assert.deepEqual(asked, [
      { node: 'node-a', limit: 250 },
      { node: 'node-a', limit: 250 },
    ]);
    for (const state of [opened, containers]) {
      const back = press(state, key('escape'), shown).state;
      assert.deepEqual([back.node, back.namespace], [undefined, 'shop']);
      asked.length = 0;
      await loadRows(view, { ...back, screen: 'pods' });
      assert.deepEqual(asked, [{ namespace: 'shop', limit: 250 }]);
    }
  });

  test('choose a namespace of the pods of a node', () => {
    let { state } = press(initialState('nodes', { namespace: 'shop' }), key('return'), shown);
    ({ state } = press(state, key('n', 'n'), shown));
    assert.equal(state.prompt?.text, '');
    for (const letter of 'jobs') ({ state } = press(state, key(letter, letter), shown));
    ({ state } = press(state, key('return', '\r'), shown));
    assert.deepEqual([state.node, namespaceOf(state)], ['node-a', 'jobs']);
  });

  test('open the pods of an HPA in its namespace, on all nodes', () => {
    const target = { kind: 'Deployment', name: 'worker' };
    const autoscaler = { namespace: 'jobs', name: 'worker', target, minReplicas: 1, maxReplicas: 9, metrics: [] };
    let { state } = press(initialState('nodes', { namespace: 'shop' }), key('return'), shown);
    ({ state } = press(state, key('4', '4'), shown));
    assert.equal(namespaceOf(state), 'shop');
    ({ state } = press(state, key('return'), { rows: autoscalerRows([autoscaler]), height: 10 }));
    assert.deepEqual([state.screen, state.node, namespaceOf(state)], ['pods', undefined, 'jobs']);
  });

  test('open the pods of an HPA, and no others whose name, node or labels are alike', async () => {
    const target = { kind: 'Deployment', name: 'web' };
    const autoscaler = { namespace: 'shop', name: 'web', target, minReplicas: 1, maxReplicas: 9, metrics: [] };
    const own = { workload: target, labels: { app: 'shop' } };
    const pods = [
      podView('web-7d9f-1', 0.1, own),
      podView('web-1', 0.1, { workload: { kind: 'StatefulSet', name: 'web' } }),
      podView('webhook-1', 0.1, { workload: { kind: 'Deployment', name: 'webhook' } }),
      podView('cart-1', 0.1, { node: 'web-node' }),
      podView('web-7d9f-2', 0.1, own),
    ];
    const asked: object[] = [];
    const view = { pods: async (query: object) => (asked.push(query), { items: pods }) } as unknown as ClusterView;
    const rows = autoscalerRows([autoscaler]);
    const from = initialState('hpas', { namespace: 'shop', labelSelector: 'app=cart' });
    const { state } = press(from, key('return'), { rows, height: 10 });
    const loaded = await loadRows(view, state);
    const shownRows = selectRows(loaded.rows, state).map(({ key: each }) => each);
    assert.deepEqual(shownRows, ['shop/web-7d9f-1', 'shop/web-7d9f-2']);
    assert.deepEqual(asked, [{ namespace: 'shop', limit: 250 }]);
    const back = press(state, key('escape'), shown).state;
    assert.deepEqual([back.screen, back.labelSelector, back.workload], ['hpas', 'app=cart', undefined]);
    const frame = { state, rows: [], problem: undefined, summary: undefined, note: undefined };
    const { lines } = drawFrame({ ...frame, waitingSeconds: undefined, context, url: '' }, { columns: 100, rows: 24 });
    const text = lines.map((line) => line.map((span) => span.text).join('')).join('\n');
    assert.match(
      text,
      /Deployment web, namespace shop, 0 rows[\s\S]*no pods of Deployment web in namespace shop; another object may control them/,
    );
  });

  test('lead from the pods of an HPA to those of a node or of another namespace', () => {
    const target = { kind: 'Deployment', name: 'web' };
    const of = initialState('pods', { namespace: 'shop', workload: target });
    const onNodes = press(of, key('1', '1'), shown).state;
    assert.equal(press(onNodes, key('return'), shown).state.workload, undefined);
    assert.equal(press(onNodes, key('escape'), shown).state.workload, undefined);
    let { state } = press(of, key('n', 'n'), shown);
    ({ state } = press(state, key('return', '\r'), shown));
    assert.equal(state.workload, undefined);
  });

  test('type a namespace, and take it with Enter only', () => {
    let { state } = press(initialState('pods', {}), key('n', 'n'), shown);
    for (const letter of 'shox') ({ state } = press(state, key(letter, letter), shown));
    ({ state } = press(state, key('backspace', '\b'), shown));
    ({ state } = press(state, key('p', 'p'), shown));
    assert.equal(state.namespace, undefined);
    const taken = press(state, key('return', '\r'), shown);
    assert.deepEqual([taken.effect, taken.state.namespace], ['refresh', 'shop']);
  });

  test('q and Ctrl-C quit', () => {
    const state = initialState('nodes', {});
    assert.equal(press(state, key('q', 'q'), shown).effect, 'quit');
    assert.equal(press(state, { ...key('c'), ctrl: true }, shown).effect, 'quit');
  });
});

test('the selected row has a mark that needs no colours', () => {
  const rows = nodeRows([nodeView, { ...nodeView, name: 'node-b' }]);
  const given = { summary: undefined, rows, note: undefined, problem: undefined, waitingSeconds: undefined };
  const marked = (selected: string) =>
    drawFrame(
      { ...given, state: { ...initialState('nodes', {}), selected }, context, url: '' },
      { columns: 100, rows: 24 },
    )
      .lines.map((line) => line.map(({ text }) => text).join(''))
      .filter((line) => /node-[ab] +3800m/.test(line))
      .map((line) => line.slice(0, 8));
  assert.deepEqual(marked('node-a'), ['>node-a ', ' node-b ']);
  assert.deepEqual(marked('node-b'), [' node-a ', '>node-b ']);
});

test('a frame fills the terminal exactly, in every size', () => {
  const state = initialState('nodes', {});
  const summary = {
    server: 'kubegauge',
    nodes: 1,
    readyNodes: 1,
    cpu: { used: 1, allocatable: 4 },
    memory: {},
    degraded: ['a', 'b', 'c', 'd', 'e'],
    keepsHistory: true,
  };
  const frame = { state, summary, note: undefined, problem: undefined, waitingSeconds: 3, context, url: 'https://x' };
  for (const rows of [1, 5, 24, 60]) {
    const { lines } = drawFrame({ ...frame, rows: nodeRows([nodeView]) }, { columns: 100, rows });
    assert.ok(lines.length >= rows && lines.length <= Math.max(rows, 2), `${rows}: ${lines.length}`);
  }
});

const unread = { cpu: {}, memory: {}, degraded: [], keepsHistory: true };

test('in 80 columns the age of usages, the keys for help and the end, and each line of help are there', () => {
  const given = {
    summary: { server: 'kubegauge', nodes: 3, readyNodes: 3, timestampMs: context.nowMs - 22_000, ...unread },
    rows: nodeRows([nodeView]),
    note: undefined,
    problem: undefined,
    waitingSeconds: undefined,
    context,
  };
  const drawn = (columns: number, url: string, isHelp = false) =>
    drawFrame({ ...given, url, state: { ...initialState('nodes', {}), isHelp } }, { columns, rows: 24 }).lines.map(
      (line) => line.map(({ text }) => text).join(''),
    );
  const rest = 'kubegauge  3 of 3 nodes ready, usage up to 22s old';
  const titles: readonly (readonly [columns: number, title: string])[] = [
    [100, `kubegauge top  https://127.0.0.1:18443  ${rest}`],
    [80, `https://127.0.0.1:18443  ${rest}`],
    [70, `127.0.0.1:18443  ${rest}`],
  ];
  for (const [columns, title] of titles) assert.equal(drawn(columns, 'https://127.0.0.1:18443')[0], title);
  const help = drawn(80, 'https://127.0.0.1:18443', true);
  assert.match(help.at(-1) ?? '', /^\? help {2}q quit /);
  assert.deepEqual(
    help.filter((line) => line.length > 80),
    [],
  );
});

test('the table stands where it stays while the header is read', () => {
  const read = { cpu: { used: 1, allocatable: 4 }, memory: {}, degraded: [], keepsHistory: true };
  const given = { state: initialState('nodes', {}), rows: nodeRows([nodeView]), note: undefined, problem: undefined };
  const placeOfTabs = (summary: Frame['summary']) =>
    drawFrame({ ...given, summary, waitingSeconds: 1, context, url: '' }, { columns: 100, rows: 24 }).lines.findIndex(
      (line) => line.some(({ text }) => text.includes('[1 Nodes]')),
    );
  assert.equal(placeOfTabs(undefined), placeOfTabs({ server: 'kubegauge', nodes: 1, readyNodes: 1, ...read }));
});

const summary = async () => ({ server: 'kubegauge', nodes: 0, cpu: {}, memory: {}, degraded: [], keepsHistory: true });

/** Pages of pods; the other reads are not used. */
function pagesOf(count: number): ClusterView & { readonly asked: string[] } {
  const asked: string[] = [];
  const pods = async ({ limit = 250, continue: token = '0' }) => {
    const from = Number(token);
    const size = Math.min(limit, count - from);
    asked.push(`pods ${from}`);
    const items = Array.from({ length: size }, (_, at) => podView(`pod-${from + at}`, 0.001));
    return { items, ...(from + size < count ? { continue: String(from + size) } : {}) };
  };
  const busiestPods = async () => (asked.push('busiest'), [podView('pod-4000', 5)]);
  return { asked, summary, pods, busiestPods } as unknown as ClusterView & { readonly asked: string[] };
}

describe('pods that are read', () => {
  test('are all of a small cluster', async () => {
    const view = pagesOf(300);
    const { rows, note } = await loadRows(view, initialState('pods', {}));
    assert.deepEqual([rows.length, note, view.asked], [300, undefined, ['pods 0', 'pods 250']]);
  });

  test('are the first ones and the busiest of a large cluster, and a note says so', async () => {
    const view = pagesOf(5_000);
    const { rows, note } = await loadRows(view, initialState('pods', {}));
    assert.equal(rows.length, 1_001);
    assert.match(note ?? '', /most cpu, and the first 1000; choose a namespace/);
    assert.equal(view.asked.length, 5);
  });
});

test('CSV has one column per value, quotes what it must, and no formula of a spreadsheet', async () => {
  const item = podView('web-0', 0.1, { reason: '=cmd(), "x"' });
  const view = { summary, pods: async () => ({ items: [item] }) } as unknown as ClusterView;
  const state = initialState('pods', {});
  const text = await printOnce({
    view,
    ...printing,
    state,
    format: 'csv',
  });
  const [heading, line] = text.split('\n');
  assert.match(heading ?? '', /^time,namespace,pod,cpu,cpu_share_req,cpu_share_lim,memory,/);
  assert.match(line ?? '', /^[^,]+,shop,web-0,0\.1,0\.5,,1048576,.*"'=cmd\(\), ""x"""$/);
});

test('CSV has no formula in the wide characters that some spreadsheets take for narrow ones', async () => {
  for (const sign of ['＝', '＋', '－', '＠']) {
    const view = {
      summary,
      pods: async () => ({ items: [podView('web-0', 0.1, { reason: `${sign}cmd()` })] }),
    } as unknown as ClusterView;
    const text = await printOnce({ view, ...printing, state: initialState('pods', {}), format: 'csv' });
    assert.ok(text.endsWith(`,'${sign}cmd()\n`), text);
  }
});

test('a table has any number of rows', () => {
  const nodes = Array.from({ length: 200_000 }, () => nodeView);
  const { lines } = layOut(columnsOf.nodes.slice(0, 1), nodeRows(nodes), context, undefined, undefined);
  assert.equal(lines.length, 200_000);
});

test('no format lets control characters of a cluster through to the terminal', async () => {
  const name = 'q\u001b]0;owned\u0007\u009b31m\u202e';
  const hpa = { kind: 'Deployment', name: 'web' };
  const item = { namespace: 'shop', name: 'web', target: hpa, minReplicas: 1, maxReplicas: 3, reason: name };
  const view = {
    nowMs: () => 0,
    autoscalers: async () => [{ ...item, metrics: [{ name, target: '5' }] }],
    summary: async () => ({ server: 'kubegauge', nodes: 0, cpu: {}, memory: {}, degraded: [name] }),
  } as unknown as ClusterView;
  for (const format of topFormats) {
    let beside = '';
    const onDegraded = (sentence: string) => void (beside += sentence);
    const text = await printOnce({ ...printing, view, state: initialState('hpas', {}), format, onDegraded });
    assert.doesNotMatch(`${text}${beside}`.replaceAll('\n', ''), /[\p{Cc}\p{Bidi_Control}]/u, format);
    assert.match(text, /owned/, format);
  }
});

test('CSV of a list that is cut says so beside it', async () => {
  const notes: string[] = [];
  const onNote = (note: string) => void notes.push(note);
  const state = initialState('pods', {});
  const text = await printOnce({ ...printing, view: pagesOf(5_000), state, format: 'csv', onNote });
  assert.equal(text.trim().split('\n').length, 1_002);
  assert.deepEqual(notes, ['the 100 with the most cpu, and the first 1000; choose a namespace or labels for others']);
});

test('CSV has what could not be read beside it', async () => {
  const degraded = ['cannot list nodes: this user lacks the right to list nodes', '1 of 2 nodes have no usage'];
  const view = {
    summary: async () => ({ ...(await summary()), degraded }),
    nodes: async () => [nodeView],
  } as unknown as ClusterView;
  const sentences: string[] = [];
  const onDegraded = (sentence: string) => void sentences.push(sentence);
  await printOnce({ ...printing, view, state: initialState('nodes', {}), format: 'csv', onDegraded });
  assert.deepEqual(sentences, degraded);
});

describe('trends', () => {
  const point = (timestampMs: number, cpu: number, memory: number) => ({ timestampMs, windowSeconds: 60, cpu, memory });
  const measured = { timestampMs: 120_000, memory: { used: 8 } };
  const container = { name: 'app', kind: 'container', cpu: { used: 4 }, memory: { used: 8 }, restarts: 0 } as const;
  const pods = [
    podView('web-0', 4, { ...measured, containers: [container] }),
    podView('web-1', undefined, { containers: [container], reason: 'it has ended' }),
  ];
  const summary = { server: 'kubegauge', nodes: 0, cpu: {}, memory: {}, degraded: [], keepsHistory: true };
  const asked: object[] = [];
  const view = {
    nowMs: () => 130_000,
    summary: async () => summary,
    nodes: async () => [nodeView],
    pods: async () => ({ items: pods }),
    containerHistory: async (query: object) => {
      asked.push(query);
      const points = [point(30_000, 1, 8), point(60_000, 2, 4)];
      return new Map([['shop/web-0/app', points]]);
    },
    nodeHistory: async () => new Map([['node-a', [point(30_000, 1.9, 1024 ** 3)]]]),
  } as unknown as ClusterView;
  const printed = (screen: 'nodes' | 'pods' | 'containers', format: 'wide' | 'table') =>
    printOnce({
      view,
      ...printing,
      state: initialState(screen, { labelSelector: 'app=web' }),
      format,
    });

  test('of CPU and memory are in all columns, by one request for a namespace', async () => {
    const text = await printed('pods', 'wide');
    assert.match(text, /CPU TREND +MEM TREND/);
    assert.match(text, /web-0 .* ▃▅█ +█▅█ /);
    assert.match(text, /web-1 .*it has ended/);
    assert.deepEqual(asked, [{ sinceSeconds: 900, labelSelector: 'app=web', namespace: 'shop' }]);
    assert.match(await printed('containers', 'wide'), /app .* ▃▅█ +█▅█/);
    assert.match(await printed('nodes', 'wide'), /node-a .* ▅█ +▅█/);
  });

  test('are whole for rows of more namespaces than a screen has rows', async () => {
    const rows = podRows(
      Array.from({ length: 100 }, (_, at) => podView('web-0', 4, { ...measured, namespace: `shop-${at}` })),
    );
    const history = async ({ namespace = '' }) => (past.push(namespace), new Map());
    const past: string[] = [];
    const trends = createTrends({ containerHistory: history } as unknown as ClusterView);
    await trends.readWholePast(rows, undefined);
    assert.equal(new Set(past).size, rows.length);
  });

  test('have a bar a minute, of the history and of what is read since, and none of an earlier pod of the name', async () => {
    const startMs = 1_200 * 60_000;
    const past = Array.from({ length: 15 }, (_, at) => point(startMs - (15 - at) * 60_000, at === 9 ? 2 : 0.1, 8));
    const history = async () => new Map([['shop/web-0/app', past]]);
    const trends = createTrends({ containerHistory: history } as unknown as ClusterView);
    const rowAt = (timestampMs: number, uid = 'a') =>
      podRows([podView('web-0', 0.1, { ...measured, timestampMs, uid, containers: [container] })]);
    const [row] = rowAt(startMs);
    assert.ok(row);
    const bars = () => trends.bars(true)(row, 'cpu');
    trends.add([row]);
    await trends.readPast([row]);
    assert.equal(bars(), '▁▁▁▁▁▁▁▁█▁▁▁▁▁▁');
    for (let seconds = 15; seconds <= 300; seconds += 15) trends.add(rowAt(startMs + seconds * 1_000));
    assert.equal(bars(), '▁▁▁█▁▁▁▁▁▁▁▁▁▁▁');
    // Values of an hour ago do not stand beside those of now.
    trends.add(rowAt(startMs + 3_600_000));
    assert.equal(bars(), '█');
    const [created] = rowAt(startMs + 3_700_000, 'b');
    assert.ok(created);
    trends.add([created]);
    assert.equal(trends.of(created, 'cpu').length, 1);
  });

  test('go on after the clock of a node was set back, and not back to what a slower replica serves', () => {
    const trends = createTrends({} as ClusterView);
    const at = (minutes: number, cpu: number) =>
      podRows([podView('web-0', cpu, { ...measured, timestampMs: (1_000 + minutes) * 60_000 })]);
    const [row] = at(0, 1);
    assert.ok(row);
    for (const minutes of [0, 1, 2]) trends.add(at(minutes, 1));
    trends.add(at(1.5, 7));
    assert.deepEqual(trends.of(row, 'cpu'), [1, 1, 1]);
    for (const minutes of [-58, -57, -56]) trends.add(at(minutes, 5));
    assert.deepEqual(trends.of(row, 'cpu'), [5, 5, 5]);
    trends.add(at(3, 2));
    assert.deepEqual(trends.of(row, 'cpu'), [2]);
  });

  describe('of a pod with two containers', () => {
    const two = (app: Partial<ContainerView>, minute: number): readonly Row[] => {
      const proxy = { ...container, name: 'proxy', cpu: { used: 1 }, state: 'running' };
      const used = 1 + (app.cpu?.used ?? 0);
      const isPartial = app.cpu?.used === undefined ? { isPartial: true as const } : {};
      return podRows([
        podView('web-0', used, {
          timestampMs: minute * 60_000,
          cpu: { used, ...isPartial },
          memory: { used: app.cpu?.used === undefined ? 8 : 16, ...isPartial },
          containers: [{ ...container, cpu: {}, memory: {}, state: 'running', ...app }, proxy],
        }),
      ]);
    };
    const whole = { cpu: { used: 3 }, memory: { used: 8 } };
    const line = (minutes: readonly number[], cpu: number) => minutes.map((minute) => point(minute * 60_000, cpu, 8));

    test('have a gap while one of them has no usage, in the past and since', async () => {
      const past = new Map([
        ['shop/web-0/app', line([1, 2, 5], 3)],
        ['shop/web-0/proxy', line([1, 2, 3, 4, 5], 1)],
      ]);
      const trends = createTrends({ containerHistory: async () => past } as unknown as ClusterView);
      trends.add(two(whole, 6));
      await trends.readPast(two(whole, 6));
      const crashed = { state: 'waiting', reason: 'CrashLoopBackOff' };
      for (const minute of [7, 8]) trends.add(two(crashed, minute));
      const [row] = two(crashed, 8);
      assert.ok(row);
      assert.deepEqual(trends.of(row, 'cpu'), [4, 4, undefined, undefined, 4, 4, undefined, undefined]);
      assert.equal(trends.bars(true)(row, 'cpu'), '██  ██  ');
      trends.add(two(whole, 9));
      assert.equal(trends.bars(false)(row, 'memory'), '##  ##  #');
    });

    test('fall where one of them has ended well, and go on where one never had usage', async () => {
      const trends = createTrends({} as ClusterView);
      for (const minute of [1, 2]) trends.add(two(whole, minute));
      const ended = two({ state: 'terminated', reason: 'Completed' }, 3);
      trends.add(ended);
      assert.deepEqual(
        ended.map((row) => trends.of(row, 'cpu')),
        [[4, 4, 1]],
      );
      const others = createTrends({} as ClusterView);
      for (const minute of [1, 2]) others.add(two({ state: 'waiting', reason: 'ErrImagePull' }, minute));
      assert.deepEqual(
        two({ state: 'waiting' }, 2).map((row) => others.of(row, 'cpu')),
        [[1, 1]],
      );
    });
  });

  test('are kept for all rows of one look, however many', () => {
    const rows = nodeRows(
      Array.from({ length: 6_000 }, (_, at) => ({ ...nodeView, name: `node-${at}`, timestampMs: 90_000 })),
    );
    const trends = createTrends({} as ClusterView);
    trends.add(rows);
    assert.equal(rows.filter((row) => trends.of(row, 'cpu').length === 0).length, 0);
  });

  test('are no column of the narrow table, and are not read for it', async () => {
    asked.length = 0;
    assert.doesNotMatch(await printed('pods', 'table'), /TREND/);
    assert.deepEqual(asked, []);
  });
});

describe('arguments', () => {
  test('are those of kubectl', () => {
    const { screen, namespace, labelSelector, format, intervalMs } = parseTopArguments([
      'pod',
      '-n=shop',
      '-lapp=web',
      '-o',
      'wide',
    ]);
    assert.deepEqual(
      [screen, namespace, labelSelector, format, intervalMs],
      ['pods', 'shop', 'app=web', 'wide', 15_000],
    );
  });

  test('labels without a screen show pods', () => {
    assert.equal(parseTopArguments(['-l', 'app=web']).screen, 'pods');
  });

  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [['deployments'], /shows one of nodes, pods, containers, hpas; not deployments/],
    [['-o', 'yaml'], /-o yaml: must be one of table, wide, json, csv/],
    [['--interval=10ms'], /at least 1s/],
    // Timers overflow from 25 days on, and would read without a pause.
    [['--interval=600h'], /at most 24h/],
    [['-n', '..'], /-n \.\.: must be the name of one namespace/],
    [['nodes', '-l', 'app=web'], /labels select pods and containers, not nodes/],
    [['hpas', '-l', 'app=web'], /not hpas/],
    [['--once', '--watch'], /choose one/],
    [['-l', 'a b'], /must be a label selector/],
    [['-n', 'shop', '-A'], /choose one/],
    [['--nope'], /nope.*see kubegauge top --help/],
  ];
  for (const [argv, pattern] of refused) {
    test(`${argv.join(' ')} is refused`, () => {
      assert.throws(
        () => parseTopArguments(argv),
        (error: UsageError) => error.name === 'UsageError' && pattern.test(error.message),
      );
    });
  }
});

test('a kubeconfig that does not exist is an error of one line, not an exception', async (t) => {
  const lines: string[] = [];
  t.mock.method(process.stderr, 'write', (text: string) => lines.push(text) > 0);
  const code = await runTop(['--once', '--kubeconfig=/none/here'], {});
  t.mock.restoreAll();
  assert.equal(code, 1);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^kubegauge: cannot read the kubeconfig \/none\/here; .*KubeconfigUnusable.*\n$/);
});
