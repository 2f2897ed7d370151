/** Snapshot files, sealed again after they were harmed: the checksum is no secret. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { readSnapshot, SnapshotError, writeSnapshot } from '../../../src/storage/snapshot.ts';
import { checkSavedSeries, SavedSeriesError } from '../../../src/kubeletsource/seriessnapshot.ts';
import { createHistory, type History } from '../../../src/history/history.ts';
import { SavedHistoryError } from '../../../src/history/savedhistory.ts';
import { SavedValuesError } from '../../../src/prometheussource/valuecodecs.ts';
import { AnswerLimitError } from '../../../src/promql/elementsplitter.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createProcess } from '../../unit/prometheussource/rulesprocess.ts';
import { createNode } from '../../unit/kubeletsource/nodescrapes.ts';
import { createPointStorage } from '../../unit/storage/pointstorage.ts';
import { mutate } from '../mutate.ts';
import { type FuzzTarget, unlessDeclared } from '../target.ts';

const resolutionMs = 15_000;
const oldestMs = 5 * 60_000;
const clock = createFakeClock();
const setUp = () => createPointStorage({ clock, resolutionMs, stalenessMs: oldestMs });

const now = () => ({ wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() });
const body = await makeBody();

/** All lines but the checksum, of a storage with two scrapes. */
async function makeBody(): Promise<Buffer> {
  const storage = setUp();
  for (const at of [100, 115]) {
    const sample = { timestampMs: at * 1_000, cpuSeconds: at, memoryBytes: 9_000 + at, swapBytes: 7 };
    const containers = ['app', 'proxy'].map((name) => ({
      ...sample,
      name,
      containerId: `id of ${name}`,
      startTimeMs: at === 100 ? undefined : 5_000,
    }));
    const pods = ['web-0', 'web-1'].map((name) => ({ namespace: 'shop', name, uid: `uid of ${name}`, containers }));
    for (const node of ['node-a', 'node-b']) {
      // The clock of node-a is set between its scrapes; node-b sends no Date header.
      const dateMs = node === 'node-a' ? at * 3_000 : undefined;
      const times = { dateMs, sentMs: clock.monotonicMs(), receivedMs: clock.monotonicMs() };
      storage.store({ node, source: 'cadvisor', machine: sample, hasSwap: true, pods }, times);
    }
    await clock.advance(resolutionMs);
  }
  const text = [...writeSnapshot(storage.states(), now(), await additions())].join('');
  return Buffer.from(text.slice(0, text.lastIndexOf('{"sha256"')));
}

/** The lines of a node with custom metrics, as command/kubeletmetrics.ts adds them but for the demand. */
async function additions(): Promise<readonly unknown[]> {
  const under = createNode(['threads', 'cpu_system_cores']);
  for (const value of [100, 103]) {
    const rows = ['container_threads', 'container_cpu_system_seconds_total'].map((family) => ({ family, value }));
    const pod = { namespace: 'shop', name: 'web-0', containers: { app: rows } };
    under.scrape({ runtime: 'containerd', machine: rows, pods: [pod] });
    await under.clock.advance(resolutionMs);
  }
  return [...under.store.saved()];
}

/** Restores the added lines and writes them again. Returns false for those that are refused. */
function checkAdditions(lines: readonly unknown[]): boolean {
  const saved = unlessDeclared(() => lines.map(checkSavedSeries), SavedSeriesError);
  if (saved === undefined) return false;
  const { store } = createNode(['threads']);
  store.restore(saved, 0);
  for (const each of store.saved()) checkSavedSeries(each);
  return true;
}

function seal(lines: string): string {
  return `${lines}${JSON.stringify({ sha256: createHash('sha256').update(lines).digest('hex') })}\n`;
}

const words = [
  'null',
  '{}',
  '[]',
  '"',
  ',',
  ':',
  '-1',
  '1e999',
  'true',
  '"__proto__":{},',
  '"constructor"',
  '"uid":',
  '"node":"node-a"',
  '\n',
  '"app"',
  '"shop/web-0"',
  '"steppedAgeMs":',
  '"reading":',
  '"addition":',
  '"objects":',
  '[0,1,2,3,4,5,6]',
];

const historyOptions = { clock, durationMs: 3_600_000, exists: () => true };
const historyRange = { sinceSeconds: 7_200, stepSeconds: 300 };
const historyBody = makeHistoryBody();

/** All lines but the checksum, of the history of a node with two pods. */
function makeHistoryBody(): Buffer {
  const storage = setUp();
  const history = createHistory(historyOptions);
  for (let count = 0; count < 12; count += 1) {
    clock.jump(resolutionMs);
    const sample = {
      timestampMs: clock.wallMs() - 1_000,
      cpuSeconds: count,
      memoryBytes: 9_000,
      startTimeMs: undefined,
    };
    const containers = ['app', 'proxy'].map((name) => ({ ...sample, name, containerId: `id of ${name}` }));
    const pods = ['web-0', 'web-1'].map((name) => ({ namespace: 'shop', name, uid: `uid of ${name}`, containers }));
    storage.store({ node: 'node-a', source: 'cadvisor', machine: sample, hasSwap: false, pods });
    history.scraped('node-a', 'cadvisor', () => storage.currentSamples('node-a'));
  }
  const text = [...writeSnapshot([], now(), history.saved(1e6))].join('');
  return Buffer.from(text.slice(0, text.lastIndexOf('{"sha256"')));
}

/** Serves what was restored, and scrapes after it. */
function useHistory(history: History): void {
  const storage = setUp();
  for (const range of [historyRange, { ...historyRange, stepSeconds: undefined }]) {
    for (const { cpuNanocores, windowMs } of history.node({ name: 'node-a' }, range)) {
      if (!Number.isFinite(cpuNanocores) || !(windowMs > 0)) throw new Error('a point that cannot be is served');
    }
    const pod = { namespace: 'shop', name: 'web-0', uid: 'uid of web-0', configHash: undefined, node: 'node-a' };
    if (history.pod(pod, range).length !== history.countPod(pod, range)) throw new Error('points are counted wrongly');
  }
  for (let count = 0; count < 2; count += 1) {
    const sample = { timestampMs: clock.wallMs() + count, cpuSeconds: count, memoryBytes: 1, startTimeMs: undefined };
    const pods = [
      {
        namespace: 'shop',
        name: 'web-0',
        uid: 'uid of web-0',
        containers: [{ ...sample, name: 'app', containerId: 'a' }],
      },
    ];
    storage.store({ node: 'node-a', source: 'cadvisor', machine: sample, hasSwap: false, pods });
    history.scraped('node-a', 'cadvisor', () => storage.currentSamples('node-a'));
  }
}

const rulesLines: readonly unknown[] = [
  ['engines', 'salt', 'main salt'],
  ['series', 'main requests', 1_700_000_000_000, [['requests', 'namespace', 'pod']]],
  [
    'values',
    'custom',
    'system',
    'question',
    [
      ['web-0', 5, 1_700_000_000_000, '1500'],
      ['web-1', 5, 1, '-7'],
    ],
  ],
  [
    'values',
    'external',
    'users',
    'question',
    [
      ['0', 5, 1_700_000_000_000, '12000', ['queue', 'orders']],
      ['1', 0, 1, '0'],
    ],
  ],
  ['values', 'nodes', 'strangers', 'question', [['node-a', 5, 1_700_000_000_000, 300_000, 5, 4096]]],
  [
    'values',
    'pods',
    'system',
    'question',
    [['web-0', 5, 'uid of web-0', ['app', 1_700_000_000_000, 300_000, 5, 4096]]],
  ],
];
const rulesText = [...writeSnapshot([], now(), rulesLines)].join('');
const rulesBody = Buffer.from(rulesText.slice(0, rulesText.lastIndexOf('{"sha256"')));

export const targets: readonly FuzzTarget[] = [
  {
    name: 'prometheussource/rulessnapshot.ts: sealed lines are refused, or restored and written again as they are',
    make: (random) => (random.once(50) ? rulesBody : mutate(random, rulesBody, words)),
    check(input) {
      const snapshot = unlessDeclared(() => readSnapshot(seal(input.toString('utf8')), now(), oldestMs), SnapshotError);
      if (snapshot === undefined) return false;
      const restored = (lines: readonly unknown[]) => {
        const process = createProcess({ clock });
        process.snapshot.restore(lines, clock.monotonicMs());
        return process;
      };
      const first = unlessDeclared(() => restored(snapshot.additions), SavedValuesError, AnswerLimitError);
      if (first === undefined) return false;
      const saved = JSON.stringify(first.lines());
      const again = JSON.stringify(restored(JSON.parse(saved)).lines());
      if (again !== saved) throw new Error('it is written otherwise the second time');
      return true;
    },
  },
  {
    name: 'history/savedhistory.ts: sealed lines are refused, or restored, served and written again as they are',
    make: (random) => (random.once(50) ? historyBody : mutate(random, historyBody, words)),
    check(input) {
      const snapshot = unlessDeclared(
        () => readSnapshot(seal(input.toString('utf8')), now(), 3_600_000),
        SnapshotError,
      );
      if (snapshot === undefined) return false;
      const history = createHistory(historyOptions);
      const taken = unlessDeclared(() => {
        history.restore(snapshot.additions);
        return true;
      }, SavedHistoryError);
      if (taken === undefined) return false;
      const saved = JSON.stringify([...history.saved(1e6)]);
      const other = createHistory(historyOptions);
      other.restore(JSON.parse(saved));
      if (JSON.stringify([...other.saved(1e6)]) !== saved) throw new Error('it is written otherwise the second time');
      useHistory(history);
      return true;
    },
  },
  {
    name: 'storage/snapshot.ts: a sealed file is refused, or restored, served and written again as it is',
    make: (random) => (random.once(50) ? body : mutate(random, body, words)),
    check(input) {
      const at = now();
      const snapshot = unlessDeclared(() => readSnapshot(seal(input.toString('utf8')), at, oldestMs), SnapshotError);
      if (snapshot === undefined) return false;
      if (!checkAdditions(snapshot.additions)) return false;
      const storage = setUp();
      storage.restore(snapshot.nodes);
      for (const node of ['node-a', 'node-b']) storage.nodeUsage(node);
      for (const name of ['web-0', 'web-1'])
        storage.podUsage({ namespace: 'shop', name, uid: `uid of ${name}`, configHash: undefined, node: 'node-a' });
      const again = readSnapshot([...writeSnapshot(storage.states(), at)].join(''), at, oldestMs);
      const third = setUp();
      third.restore(again.nodes);
      const written = [...writeSnapshot(third.states(), at)].join('');
      if (!isDeepStrictEqual(written, [...writeSnapshot(storage.states(), at)].join('')))
        throw new Error('it is written otherwise the second time');
      return true;
    },
  },
  {
    name: 'storage/snapshot.ts: any file',
    make: (random) => mutate(random, Buffer.from(seal(body.toString())), words),
    check: (input) =>
      unlessDeclared(() => readSnapshot(input.toString('utf8'), now(), oldestMs), SnapshotError) !== undefined,
  },
];
