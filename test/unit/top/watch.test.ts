/** `kubegauge top --watch`: what it prints of lists that change, are cut, or take long. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { mostAbsent, watchRows, type WatchRowsOptions } from '../../../src/top/print.ts';
import { initialState } from '../../../src/top/state.ts';
import type { ClusterView, NodeView, PodView } from '../../../src/view/types.ts';
import { barePodView, nodeView } from '../../fakes/clusterview.ts';

const podView = (name: string): PodView => barePodView(name, { cpu: { used: 1 } });

const watching = {
  url: '',
  columns: undefined,
  isColoured: false,
  isUnicode: true,
  intervalMs: 1_000,
  onNote: (note: string) => assert.fail(note),
  onDegraded: (sentence: string) => assert.fail(sentence),
  onDegradedEnd: (sentence: string) => assert.fail(sentence),
  onProblem: () => assert.fail(),
};

/** Looks as often as there are lists, and returns the lines of each look. */
async function watched(
  view: Partial<ClusterView>,
  looks: number,
  more: Partial<WatchRowsOptions> = {},
): Promise<readonly string[]> {
  const stop = new AbortController();
  const texts: string[] = [];
  await watchRows({
    view: { nowMs: () => 0, ...view } as ClusterView,
    ...watching,
    state: initialState('pods', {}),
    format: 'json',
    signal: stop.signal,
    write: async (text) => texts.push(text) > 0,
    sleep: async () => {
      if (texts.length === looks) stop.abort();
    },
    ...more,
  });
  return texts.map((text) => text.replaceAll(/"time":"[^"]*",?/g, ''));
}

/** Pages of more pods than are read. */
async function endlessPods({ limit = 250, continue: token = '0' }, name = 'pod') {
  const from = Number(token);
  const items = Array.from({ length: limit }, (_, at) => podView(`${name}-${from + at}`));
  return { items, continue: String(from + limit) };
}

test('a row that has gone is reported once', async () => {
  let looks = 0;
  const pods = async () => ({ items: (looks += 1) === 1 ? [podView('a'), podView('b')] : [podView('a')] });
  const [first, second, third] = await watched({ pods }, 3);
  assert.equal(first?.trim().split('\n').length, 2);
  assert.deepEqual([second, third], ['{"gone":"shop/b"}\n', '']);
});

test('a pod that is no longer among those that are read of a large cluster is not called gone', async () => {
  let looks = 0;
  const busiestPods = async () => [podView(`busy-${(looks += 1)}`)];
  const [first, second, third] = await watched({ pods: endlessPods, busiestPods }, 3);
  assert.match(first ?? '', /"note":"the 100 with the most cpu, and the first 1000/);
  assert.match(second ?? '', /"name":"busy-2"/);
  assert.equal(third?.trim().split('\n').length, 1);
  assert.doesNotMatch(`${second}${third}`, /gone|note/);
});

test('a pod that is among those that are read again is not printed again, and has gone when a whole list lacks it', async () => {
  const busiest = ['busy-1', 'busy-2', 'busy-1'];
  let looks = 0;
  const busiestPods = async () => [podView(busiest[(looks += 1) - 1] ?? '')];
  const pods = async (query: { continue?: string }) => {
    const page = await endlessPods(query);
    return looks < busiest.length ? page : { items: page.items };
  };
  const [, second, third, fourth] = await watched({ pods, busiestPods }, 4);
  assert.match(second ?? '', /"name":"busy-2"/);
  assert.equal(third, '');
  const gone = fourth?.trim().split('\n') ?? [];
  assert.ok(gone.includes('{"gone":"shop/busy-1"}') && gone.includes('{"gone":"shop/busy-2"}'));
  assert.equal(gone.length, 750 + 2);
});

test(`${mostAbsent} pods that are not among those that are read are kept, those that were read last`, async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'b', 'a'];
  let looks = 0;
  const pods = async (query: { limit?: number; continue?: string }) =>
    endlessPods(query, names[query.continue === undefined ? (looks += 1) - 1 : looks - 1]);
  const texts = await watched({ pods, busiestPods: async () => [] }, names.length);
  const printed = texts.map((text) => text.split('\n').filter((line) => line.includes('"name"')).length);
  assert.deepEqual(printed, [...Array.from({ length: 7 }, () => 1_000), 0, 1_000]);
});

test('CSV of a list that is cut says so beside it, once', async () => {
  const notes: string[] = [];
  const onNote = (note: string) => void notes.push(note);
  const view = { pods: endlessPods, busiestPods: async () => [] };
  const [first, second] = await watched(view, 2, { format: 'csv', onNote });
  assert.equal(first?.trim().split('\n').length, 1_001);
  assert.equal(second, '');
  assert.equal(notes.length, 1);
  assert.match(notes[0] ?? '', /the first 1000/);
});

test('a read leaves nothing on the signal, which lives for as long as the watch does', async () => {
  const stop = new AbortController();
  const listeners: number[] = [];
  await watchRows({
    view: { nowMs: () => 0, pods: async () => ({ items: [podView('a')] }) } as unknown as ClusterView,
    ...watching,
    state: initialState('pods', {}),
    format: 'json',
    signal: stop.signal,
    write: async () => true,
    sleep: async () => {
      listeners.push(getEventListeners(stop.signal, 'abort').length);
      if (listeners.length === 3) stop.abort();
    },
  });
  assert.deepEqual(listeners, [0, 0, 0]);
});

test('a signal ends it, also while kube-apiserver does not answer', async () => {
  const stop = new AbortController();
  const watch = watchRows({
    view: { pods: () => new Promise(() => undefined) } as unknown as ClusterView,
    ...watching,
    state: initialState('pods', {}),
    format: 'table',
    signal: stop.signal,
    write: async () => assert.fail(),
    sleep: async () => undefined,
  });
  stop.abort();
  await watch;
});

test('all columns of rows have trends: of the first look by namespace, later of rows that are new', async () => {
  const measured = { timestampMs: 120_000, memory: { used: 8 } };
  const container = { name: 'app', kind: 'container', cpu: { used: 4 }, memory: { used: 8 }, restarts: 0 } as const;
  const measuredPod = (name: string) => ({ ...podView(name), ...measured, cpu: { used: 4 }, containers: [container] });
  const asked: object[] = [];
  const containerHistory = async (query: { readonly name?: string }) => {
    asked.push(query);
    const point = (timestampMs: number, cpu: number) => ({ timestampMs, windowSeconds: 60, cpu, memory: 4 });
    return new Map([[`shop/${query.name ?? 'a'}/app`, [point(30_000, 1), point(60_000, 2)]]]);
  };
  let looks = 0;
  const pods = async () => ({ items: (looks += 1) === 1 ? [measuredPod('a')] : [measuredPod('a'), measuredPod('b')] });
  const [first, second] = await watched({ pods, containerHistory }, 2, { format: 'wide' });
  assert.match(first ?? '', /CPU TREND +MEM TREND/);
  assert.match(first ?? '', / a .* ▃▅█ +▅▅█/);
  assert.match(second ?? '', / b .* ▃▅█ +▅▅█/);
  assert.doesNotMatch(second ?? '', / a /);
  assert.deepEqual(asked, [
    { sinceSeconds: 900, namespace: 'shop' },
    { sinceSeconds: 900, namespace: 'shop', name: 'b' },
  ]);
  asked.length = 0;
  await watched({ pods, containerHistory }, 2, { format: 'table' });
  assert.deepEqual(asked, []);
});

/** Looks at nodes as often as there are lists of them. */
async function watchedNodes(
  looks: readonly { readonly nodes: readonly NodeView[]; readonly degraded?: readonly string[] }[],
  more: Partial<WatchRowsOptions> = {},
): Promise<readonly string[]> {
  let at = -1;
  const view = {
    nodes: async () => looks[(at += 1)]?.nodes ?? [],
    summary: async () => ({ degraded: looks[at]?.degraded ?? [] }),
  } as unknown as ClusterView;
  return watched(view, looks.length, { state: initialState('nodes', {}), ...more });
}

test('what is degraded is printed with nodes, when it changes', async () => {
  const nodes = [nodeView('node-a', { ready: true })];
  const problem = 'cannot list nodes: kube-apiserver answers 503';
  const looks = [{ nodes }, { nodes, degraded: [problem] }, { nodes, degraded: [problem] }, { nodes }];
  const [, second, third, fourth] = await watchedNodes(looks);
  assert.deepEqual([second, third, fourth], [`{"degraded":["${problem}"]}\n`, '', '{"degraded":[]}\n']);
  const lines = (await watchedNodes(looks, { format: 'table' })).map((text) => text.slice('00:00:00  '.length));
  assert.deepEqual(lines.slice(1), [`${problem}\n`, '', `no longer: ${problem}\n`]);
  const told: string[] = [];
  await watchedNodes([...looks, { nodes }], {
    format: 'csv',
    onDegraded: (sentence) => told.push(sentence),
    onDegradedEnd: (sentence) => told.push(`no longer: ${sentence}`),
  });
  assert.deepEqual(told, [problem, `no longer: ${problem}`]);
});

test('a node that is known by its usage only has not gone when that is missing', async () => {
  const { ready: _, ...unready } = nodeView('node-a');
  const other = { ...unready, name: 'node-b' };
  const [, second, third] = await watchedNodes([{ nodes: [unready, other] }, { nodes: [unready] }, { nodes: [other] }]);
  assert.deepEqual([second, third], ['', '']);
  const known = ['node-a', 'node-b'].map((name) => nodeView(name, { ready: true }));
  const [, gone] = await watchedNodes([{ nodes: known }, { nodes: known.slice(0, 1) }]);
  assert.equal(gone, '{"gone":"node-b"}\n');
});
