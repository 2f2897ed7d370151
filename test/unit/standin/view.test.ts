/** The screen of `npm start`: it fits every terminal, and says why a node fails and a pod has no usage. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readDocument } from '../../docs/documents.ts';
import { heightOf, paint } from '../../standin/lines.ts';
import { createPlainPresenter } from '../../standin/presenter.ts';
import type { Reading, SeenNode, SeenPod } from '../../standin/reading.ts';
import { isLive } from '../../standin/screen.ts';
import { headSentences, screenLines, type Size, type View } from '../../standin/view.ts';

const nowMs = Date.parse('2026-11-29T20:00:30Z');
const usage = { nanocores: 250_000_000, memoryBytes: 512 * 1024 ** 2, timestampMs: nowMs - 12_000 };
const failure = {
  code: 'ServerError',
  sentence: 'the kubelet of node node-2 at 127.0.0.1:10250 returned 500: Internal',
};
const restarted = { code: 'Restarted', sentence: 'a container restarted; its usage needs a second sample' };

const node = (name: string, changed: Partial<SeenNode> = {}): SeenNode => ({
  name,
  ready: true,
  cores: 4,
  memoryBytes: 16 * 1024 ** 3,
  usage,
  reason: undefined,
  ...changed,
});
const pod = (name: string, changed: Partial<SeenPod> = {}): SeenPod => ({
  name,
  node: 'node-1',
  restarts: 0,
  usage,
  reason: undefined,
  ...changed,
});

const reading: Reading = {
  atMs: nowMs,
  nodes: [node('node-1'), node('node-2', { reason: failure }), node('node-3')],
  pods: [
    pod('jobs/leaky-0', { usage: undefined, reason: restarted, restarts: 4 }),
    ...Array.from({ length: 20 }, (_, index) => pod(`shop/web-${index}`)),
  ],
};
const view: View = {
  reading,
  nowMs,
  addresses: [
    { of: 'kubegauge', url: 'https://127.0.0.1:14443' },
    { of: 'API server', url: 'https://127.0.0.1:18443' },
  ],
  events: [{ atMs: nowMs, sentence: 'cluster: the kubelet of node-2 answers 500 for a while' }],
  tried: [
    { typed: 'kubectl --kubeconfig=certs/admin.kubeconfig top nodes', excerpt: ['NAME', 'node-1', 'node-2', 'node-3'] },
    { typed: `curl -K certs/curl.conf https://127.0.0.1:14443/${'x'.repeat(60)}`, excerpt: ['"reason": "Restarted",'] },
  ],
  turn: 0,
};

const shown = (size: Size, changed: Partial<View> = {}): string[] =>
  screenLines({ ...view, ...changed }, size).map((each) => paint(each, size.columns - 1, false));
const at80 = { columns: 80, rows: 24 };

describe('the screen of npm start', () => {
  test('fits every terminal from 20 columns and 1 row on', () => {
    for (let columns = 20; columns <= 200; columns += 7) {
      for (let rows = 1; rows <= 60; rows += 1) {
        for (const changed of [{}, { reading: undefined }, { tried: [] }, { events: [] }]) {
          const lines = screenLines({ ...view, ...changed }, { columns, rows });
          const height = lines.reduce((total, each) => total + heightOf(each, columns), 0);
          assert.ok(height <= rows, `${columns} columns, ${rows} rows: ${height}`);
        }
      }
    }
  });

  test('shows nodes with their usage, and under a node that fails why', () => {
    const lines = shown(at80);
    assert.ok(lines.includes('node-1  250m  6%   512Mi  3%  12s ago  scraped'), lines.join('\n'));
    const at = lines.findIndex((each) => each.startsWith('node-2'));
    assert.match(lines[at] ?? '', /failing, last value kept$/);
    assert.match(lines[at + 1] ?? '', /^ {2}ServerError: the kubelet of node node-2 /);
  });

  test('shows a pod without usage first, and under it why', () => {
    const lines = shown(at80);
    const at = lines.findIndex((each) => each.startsWith('POD'));
    assert.match(lines[at + 1] ?? '', /^jobs\/leaky-0 +node-1 +- +- +- +4$/);
    assert.equal(lines[at + 2], '  Restarted: a container restarted; its usage needs a second sample');
    assert.match(lines[0] ?? '', /3 nodes, 1 failing; 21 pods, 1 without usage$/);
  });

  test('shows pods that lack usage for one reason on one node as one', () => {
    const stale = { code: 'Stale', sentence: 'there is no newer sample' };
    const pods = ['a/1', 'a/2', 'b/3'].map((name) => pod(name, { node: 'node-2', usage: undefined, reason: stale }));
    const lines = shown(at80, { reading: { ...reading, pods } });
    assert.ok(
      lines.some((each) => each.startsWith('3 pods of node-2 ')),
      lines.join('\n'),
    );
  });

  test('says a reason once where nodes in sequence have it', () => {
    const reason = { code: 'OneSample', sentence: 'it has one sample' };
    const nodes = ['node-1', 'node-2'].map((name) => node(name, { usage: undefined, reason }));
    const lines = shown(at80, { reading: { ...reading, nodes } });
    assert.equal(lines.filter((each) => each.includes('OneSample')).length, 1);
    assert.equal(lines.filter((each) => each.includes('starting')).length, 2);
  });

  test('of more nodes than fit, those that fail come first', () => {
    const nodes = Array.from({ length: 40 }, (_, index) => node(`node-${index + 1}`));
    const lines = shown(at80, { reading: { ...reading, nodes: nodes.with(30, node('node-31', { reason: failure })) } });
    const at = lines.findIndex((each) => each.startsWith('NODE'));
    assert.match(lines[at + 1] ?? '', /^node-31 /);
    assert.ok(lines.some((each) => /^ {2}and \d+ more nodes$/.test(each)));
  });

  test('shows one command with its output where there is little room, in turn, and all where there is enough', () => {
    const outputs = (lines: readonly string[]) => lines.filter((each) => each.startsWith('$ ')).length;
    assert.equal(outputs(shown(at80)), 1);
    assert.notDeepEqual(shown(at80, { turn: 0 }), shown(at80, { turn: 1 }));
    const large = shown({ columns: 160, rows: 60 });
    assert.equal(outputs(large), 2);
    assert.ok(large.includes('  node-3') && large.includes('  "reason": "Restarted",'));
  });

  test('is in docs/try.md as it is', () => {
    const page = readDocument('docs/try.md').split('\n');
    for (const sentence of headSentences) assert.ok(page.includes(sentence), sentence);
    for (const title of ['NODE', 'POD', 'Try ']) {
      const words = (lines: readonly string[]) => lines.find((each) => each.startsWith(title))?.replaceAll(/ +/g, ' ');
      assert.equal(words(page), words(shown(at80)));
    }
  });

  test('never cuts a command', () => {
    const lines = shown({ columns: 60, rows: 30 }, { turn: 1 });
    assert.ok(lines.includes(`$ ${view.tried[1]?.typed}`));
  });
});

describe('output that is no terminal', () => {
  test('gets the tables and the commands once, then a line for each change, and no escapes', () => {
    let written = '';
    const presenter = createPlainPresenter((text) => (written += text));
    presenter.show({ ...view, reading: undefined, tried: [] }, []);
    presenter.show({ ...view, tried: [] }, []);
    presenter.show(view, []);
    const before = written;
    presenter.show(view, [{ atMs: nowMs, sentence: 'kubegauge: node-2 is scraped again' }]);
    presenter.show(view, []);
    assert.match(written.slice(before.length), /^\d\d:\d\d:\d\d kubegauge: node-2 is scraped again\n$/);
    assert.equal(before.match(/^NODE /gm)?.length, 1);
    assert.match(before, /^\$ kubectl .*\n {2}NAME$/m);
    assert.match(before, /^ {2}Restarted: /m);
    assert.ok(!written.includes('\x1b'));
  });

  test('is a pipe or a file, a dumb terminal, or CI', () => {
    assert.equal(isLive({ isTTY: false }, { TERM: 'xterm' }), false);
    assert.equal(isLive({ isTTY: true }, { TERM: 'dumb' }), false);
    assert.equal(isLive({ isTTY: true }, { TERM: 'xterm', CI: 'true' }), false);
  });
});
