/** The screen of `kubegauge top`: what is drawn while lists are read, and when they cannot be. */
import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import type { ReadStream, WriteStream } from 'node:tty';
import { runSession } from '../../../src/top/session.ts';
import { initialState, type TopState } from '../../../src/top/state.ts';
import type { ClusterView, PodView } from '../../../src/view/types.ts';
import { ViewError } from '../../../src/view/viewerror.ts';
import { barePodView } from '../../fakes/clusterview.ts';
import { until } from '../../fakes/until.ts';

const podView = (name: string): PodView => barePodView(name, { cpu: { used: 1 } });

interface FakeTerminal {
  type(text: string): void;
  /** Returns what was written since the last call. */
  written(): string;
  /** Resolves when the session ends. */
  readonly ended: Promise<void>;
}

async function withSession(
  view: Partial<ClusterView>,
  initial: TopState,
  look: (terminal: FakeTerminal) => Promise<void>,
  requestsRead?: Promise<void>,
): Promise<void> {
  let text = '';
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => input }) as unknown as ReadStream;
  const output = Object.assign(
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        text += chunk.toString();
        done();
      },
    }),
    { columns: 120, rows: 24, hasColors: () => false },
  ) as unknown as WriteStream;
  const stop = new AbortController();
  const summary = { server: 'kubegauge', nodes: 1, readyNodes: 1, cpu: {}, memory: {}, degraded: [] };
  const session = runSession({
    view: {
      summary: async () => summary,
      nowMs: () => 0,
      containerHistory: async () => new Map(),
      ...view,
    } as unknown as ClusterView,
    ...(requestsRead && { requestsRead }),
    url: 'https://x',
    initial,
    input,
    output,
    intervalMs: 3_600_000,
    isUnicode: true,
    signal: stop.signal,
  });
  try {
    await look({
      ended: session,
      type: (typed) => void (input as unknown as PassThrough).write(typed),
      written() {
        const last = text;
        text = '';
        return last;
      },
    });
  } finally {
    stop.abort();
    await session;
  }
}

test('a list that is read again stays whole until it has been read', async () => {
  let last = Promise.withResolvers<void>();
  let firsts = 0;
  const pods = async ({ continue: token }: { continue?: string }) => {
    if (token !== undefined) await last.promise;
    else firsts += 1;
    const items = Array.from({ length: 250 }, (_, at) => podView(`${token ?? 'a'}-${at}`));
    return { items, ...(token === undefined ? { continue: 'b' } : {}) };
  };
  await withSession({ pods }, initialState('pods', {}), async ({ type, written }) => {
    let text = '';
    await until('the first page is shown', () => /250 read so far/.test((text += written())));
    last.resolve();
    await until('all pods are shown', () => /500 rows/.test((text += written())));
    last = Promise.withResolvers();
    type('pp');
    await until('the list is read again', () => firsts === 2);
    type('?');
    text = '';
    await until('help is shown', () => /at least 75 %/.test((text += written())));
    type('?');
    await until('help is gone', () => /Tab screen/.test(text) || /a-0/.test((text += written())));
    assert.doesNotMatch(text, /250 (?:rows|read)/);
    last.resolve();
  });
});

test('requests are shown when they are known, long before the next read', async () => {
  const requests = Promise.withResolvers<void>();
  let cpu: { used: number; requested?: number } = { used: 1 };
  const summary = async () => ({ server: 'kubegauge', nodes: 1, readyNodes: 1, cpu, memory: {}, degraded: [] });
  const nodes = async () => [{ name: 'node-a', cpu, memory: {} }];
  const view = { summary, nodes, nodeHistory: async () => new Map() };
  await withSession(
    view,
    initialState('nodes', {}),
    async ({ written }) => {
      let text = '';
      await until('nodes are shown', () => /- requested[\s\S]*node-a/.test((text += written())));
      cpu = { used: 1, requested: 2.5 };
      requests.resolve();
      await until('requests are shown', () => /2500m requested/.test((text += written())));
    },
    requests.promise,
  );
});

test('requests of all pods are shown above a list of pods, which is not read again for them', async () => {
  const requests = Promise.withResolvers<void>();
  let cpu: { used: number; requested?: number } = { used: 1 };
  const summary = async () => ({ server: 'kubegauge', nodes: 1, readyNodes: 1, cpu, memory: {}, degraded: [] });
  let reads = 0;
  const pods = async () => ((reads += 1), { items: [podView('web-0')] });
  await withSession(
    { summary, pods },
    initialState('pods', {}),
    async ({ written }) => {
      let text = '';
      await until('pods are shown', () => /- requested[\s\S]*web-0/.test((text += written())));
      cpu = { used: 1, requested: 2.5 };
      requests.resolve();
      await until('requests are shown', () => /2500m requested/.test((text += written())));
      assert.equal(reads, 1);
    },
    requests.promise,
  );
});

test('rows of one namespace are not shown as those of another', async () => {
  const pods = async ({ namespace }: { namespace?: string }) => {
    if (namespace === 'slow') await new Promise(() => undefined);
    if (namespace === 'denied') throw new ViewError('cannot list pods in namespace denied', 403);
    return { items: [podView('web-0')] };
  };
  await withSession({ pods }, initialState('pods', {}), async ({ type, written }) => {
    let text = '';
    await until('pods are shown', () => /web-0/.test((text += written())));
    type('nslow\r');
    text = '';
    await until('nothing is shown', () => /namespace slow/.test((text += written())));
    assert.match(text, /reading/);
    type('n\x7f\x7f\x7f\x7fdenied\r');
    await until('the failure is shown', () => /cannot be read; see above/.test((text += written())));
    assert.match(text, /! cannot list pods in namespace denied/);
  });
});

test('pods of a node are those of the namespace for a user who may not list those of all', async () => {
  const nodes = async () => [{ name: 'node-a', cpu: {}, memory: {} }];
  const asked: (string | undefined)[] = [];
  const pods = async ({ namespace }: { namespace?: string }) => {
    asked.push(namespace);
    if (namespace === undefined) throw new ViewError('cannot list pods', 403);
    return { items: [podView('web-0')] };
  };
  const nodeHistory = async () => new Map();
  await withSession(
    { nodes, pods, nodeHistory },
    initialState('nodes', { namespace: 'shop' }),
    async ({ type, written }) => {
      let text = '';
      await until('nodes are shown', () => /node-a/.test((text += written())));
      text = '';
      type('\r');
      await until('pods are shown', () => /web-0/.test((text += written())));
      assert.match(text, /node node-a, namespace shop, 1 row/);
      assert.doesNotMatch(text, /cannot/);
      type('pp');
      await until('they are read again', () => asked.length >= 3);
      assert.deepEqual(asked, [undefined, 'shop', 'shop']);
    },
  );
});

test('pages of a screen that was left are not read', async () => {
  const first = Promise.withResolvers<void>();
  const asked: (string | undefined)[] = [];
  const pods = async ({ continue: token }: { continue?: string }) => {
    asked.push(token);
    await first.promise;
    return { items: [podView('web-0')], continue: 'next' };
  };
  const nodes = async () => [];
  await withSession({ pods, nodes }, initialState('pods', {}), async ({ type, written }) => {
    let text = '';
    await until('the page is asked for', () => asked.length === 1);
    type('1');
    await until('nodes are shown', () => /no nodes/.test((text += written())));
    first.resolve();
    await new Promise(setImmediate);
    assert.deepEqual(asked, [undefined]);
  });
});

test('the age of the oldest usage goes on between reads, as those of rows do', async () => {
  const summary = async () => ({
    server: 'kubegauge',
    nodes: 1,
    cpu: {},
    memory: {},
    timestampMs: 90_000,
    degraded: [],
  });
  let nowMs = 100_000;
  const pods = async () => ({ items: [{ ...podView('web-0'), timestampMs: 90_000 }] });
  await withSession({ summary, pods, nowMs: () => nowMs }, initialState('pods', {}), async ({ type, written }) => {
    let text = '';
    await until('pods are shown', () => /web-0/.test((text += written())));
    assert.match(text, /usage up to 10s old/);
    nowMs += 32_000;
    type('p');
    await until('it pauses', () => /PAUSED/.test((text = written())));
    assert.match(text, /usage up to 42s old[\s\S]*42s/);
  });
});

test('Escape and the key after it are two keys, pressed at once or one after the other', async () => {
  const nodes = async () => [{ name: 'node-a', cpu: {}, memory: {} }];
  const view = { nodes, pods: async () => ({ items: [podView('web-0')] }), nodeHistory: async () => new Map() };
  await withSession(view, initialState('pods', {}), async ({ type, written }) => {
    let text = '';
    const typed = async (keys: string, shown: RegExp) => {
      text = '';
      type(keys);
      await until(`${JSON.stringify(keys)} shows ${shown}`, () => shown.test((text += written())));
    };
    await typed('/web', /filter by text: web_/);
    await typed('\x1b\x1b[Z', /\[1 Nodes\]/);
    await typed('\t/x', /filter by text: webx_/);
    await typed('\x1b\x1b?', /at least 75 %/);
    await typed('x\x1b1', /\[1 Nodes\] [\s\S]*node-a/);
    type('/');
    await typed('node', /filter by text: node_/);
    type('\x1b');
    // In the order of timers: that of Escape is over before this one, however busy the machine is.
    await sleep(300);
    await typed('2', /\[2 Pods\]/);
    assert.doesNotMatch(text, /filter by text/);
  });
});

test('Ctrl-C behind Escape ends it', async () => {
  const pods = async () => ({ items: [] });
  await withSession({ pods }, initialState('pods', {}), async ({ type, ended }) => {
    let isOver = false;
    void ended.then(() => (isOver = true));
    type('\x1b\x03');
    await until('it has ended', () => isOver);
  });
});

test('keys that come faster than answers begin few reads, and the last screen is read', async () => {
  const gate = Promise.withResolvers<void>();
  const reads: string[] = [];
  const reading =
    <T>(name: string, value: T) =>
    async () => {
      reads.push(name);
      await gate.promise;
      return value;
    };
  const view = {
    nodes: reading('nodes', []),
    pods: reading('pods', { items: [podView('web-0')] }),
    autoscalers: reading('hpas', []),
  };
  await withSession(view, initialState('nodes', {}), async ({ type, written }) => {
    await until('the first read waits', () => reads.length === 1);
    type('14'.repeat(20));
    type('2');
    let text = '';
    await until('all keys were taken', () => /\[2 Pods\]/.test((text += written())));
    const begun = reads.length;
    assert.ok(begun <= 4, `${begun} reads`);
    gate.resolve();
    await until('pods are shown', () => /web-0/.test((text += written())));
    assert.deepEqual(reads.slice(begun), ['pods']);
  });
});

test('what cannot be read is said once where header and rows lack the same rights', async () => {
  const lacking = ['cannot list nodes: x', 'cannot list nodes.metrics.k8s.io: x', 'cannot list pods: x'];
  const view = {
    summary: async () => ({ server: 'unknown', nodes: 0, cpu: {}, memory: {}, degraded: lacking }),
    nodes: async () => {
      throw new ViewError(lacking.join('; '), undefined);
    },
  };
  await withSession(view, initialState('nodes', {}), async ({ written }) => {
    let text = '';
    await until('the failure is shown', () => /cannot be read; see above/.test((text += written())));
    const screen = text.slice(text.lastIndexOf('kubegauge top'));
    for (const sentence of lacking) assert.ok(screen.includes(`! ${sentence}`), screen);
    assert.equal(screen.split(lacking[0] ?? '').length, 2, screen);
    assert.doesNotMatch(screen, /more/);
  });
});

test('trends of rows that were scrolled past are not read, and few at a time', async () => {
  const gate = Promise.withResolvers<void>();
  const asked: string[] = [];
  const containerHistory = async ({ name = '' }: { name?: string }) => {
    asked.push(name);
    await gate.promise;
    return new Map();
  };
  const items = Array.from({ length: 240 }, (_, at) =>
    barePodView(`web-${String(at).padStart(3, '0')}`, { cpu: { used: 1 }, timestampMs: 1 }),
  );
  const pods = async () => ({ items });
  await withSession({ pods, containerHistory }, initialState('pods', {}), async ({ type, written }) => {
    let text = '';
    await until('the first trends are read', () => asked.length === 4);
    type('\x1b[6~'.repeat(20));
    await until('the last row is in sight', () => /web-239/.test((text += written())));
    assert.equal(asked.length, 4);
    gate.resolve();
    await until('the trend of the last row is read', () => asked.includes('web-239'));
    assert.ok(!asked.includes('web-100'));
  });
});
