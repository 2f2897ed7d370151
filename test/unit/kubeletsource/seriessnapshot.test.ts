/** What a restarted server serves of custom metrics, by its snapshot. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkSavedDemand, checkSavedSeries, type SavedSeries } from '../../../src/kubeletsource/seriessnapshot.ts';
import { createNode, node, type NodeRows, type NodeUnderTest, type PodRows } from './nodescrapes.ts';

const metric = 'network_receive_bytes_per_second';
const received = 'container_network_receive_bytes_total';

const web: PodRows = { namespace: 'shop', name: 'web-0', containers: { app: [] } };

const rows = (bytes: number): NodeRows => {
  const traffic = [{ family: received, value: bytes, labels: { interface: 'eth0' } }];
  return { runtime: 'containerd', machine: traffic, pods: [{ ...web, sandbox: traffic }] };
};

/** As through a file. */
function asJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

interface Saved {
  readonly wanted: unknown;
  readonly series: readonly unknown[];
}

/** A server that has scraped twice, with a value of 10. */
async function saved(options: Parameters<typeof createNode>[1] = {}): Promise<Saved> {
  const before = createNode([], options);
  before.setPods([web]);
  await before.get(metric, 'pods', 'shop', 'web-0');
  before.scrape(rows(0));
  await before.clock.advance(15_000);
  before.scrape(rows(150));
  assert.equal(await before.valueOf(metric), 10);
  return asJson({ wanted: before.demand.saved(), series: [...before.store.saved()] });
}

/** A server that starts with it, in the same second but for a pause. */
async function restarted({ wanted, series }: Saved, pauseMs = 0, nodeUid?: string): Promise<NodeUnderTest> {
  const after = createNode([], nodeUid === undefined ? {} : { nodeUid });
  await after.clock.advance(15_000 + pauseMs);
  const thenMs = after.clock.monotonicMs() - pauseMs;
  after.demand.restore(checkSavedDemand(wanted), thenMs);
  after.store.restore(series.map(checkSavedSeries), thenMs);
  after.setPods([web]);
  return after;
}

test('values are served at once, with their time and window, of pods and nodes', async () => {
  const after = await restarted(await saved(), 5_000);
  const expected = { timestampMs: after.clock.wallMs() - 5_000, windowSeconds: 15, valueMilli: 10_000n };
  const ofPod = await after.get(metric, 'pods', 'shop', 'web-0');
  assert.deepEqual(ofPod.samples, [{ name: 'web-0', ...expected }]);
  const ofNode = await after.get(metric, 'nodes', '', node);
  assert.deepEqual(ofNode.samples, [{ name: node, ...expected }]);
});

test('the first scrape requests what was wanted, and the value stands until the second', async () => {
  const after = await restarted(await saved());
  assert.deepEqual(after.demand.columns(), ['networkReceiveBytes']);
  after.scrape(rows(1_000));
  assert.equal(await after.valueOf(metric), 10);
  await after.clock.advance(15_000);
  after.scrape(rows(1_300));
  assert.equal(await after.valueOf(metric), 20);
});

test('a value does not live longer for the restart', async () => {
  const after = await restarted(await saved(), 40_000);
  assert.equal(await after.valueOf(metric), 10);
  await after.clock.advance(5_001);
  assert.deepEqual((await after.get(metric, 'pods', 'shop', 'web-0')).samples, []);
});

test('nor does the demand of a request', async () => {
  const after = await restarted(await saved(), 0);
  await after.clock.advance(3_599_999);
  assert.equal(after.demand.metrics().length, 1);
  await after.clock.advance(1);
  assert.deepEqual(after.demand.metrics(), []);
});

test("an autoscaler's demand lasts an hour more, until autoscalers are listed", async () => {
  const before = createNode([metric]);
  const after = createNode([]);
  after.demand.restore(checkSavedDemand(asJson(before.demand.saved())), after.clock.monotonicMs());
  assert.deepEqual(
    after.demand.metrics().map(({ name }) => name),
    [metric],
  );
});

test('a metric that this version does not have is not wanted', () => {
  const after = createNode([]);
  after.demand.restore(checkSavedDemand([['metric_of_another_version', 0]]), 0);
  assert.deepEqual(after.demand.metrics(), []);
});

describe('a node of another UID', () => {
  test('is not restored', async () => {
    const after = await restarted(await saved({ nodeUid: 'uid-of-a-node' }), 0, 'uid-of-another-node');
    assert.deepEqual((await after.get(metric, 'pods', 'shop', 'web-0')).samples, []);
  });

  test('is dropped as soon as its UID is known', async () => {
    const after = await restarted(await saved({ nodeUid: 'uid-of-a-node' }));
    after.store.keepOnly(node, 'uid-of-a-node');
    assert.equal(await after.valueOf(metric), 10);
    after.store.keepOnly(node, 'uid-of-another-node');
    assert.deepEqual((await after.get(metric, 'pods', 'shop', 'web-0')).samples, []);
  });
});

test('a node that was scraped since is not replaced', async () => {
  const { wanted, series } = await saved();
  const after = createNode([metric]);
  after.scrape(rows(0));
  await after.clock.advance(15_000);
  after.scrape(rows(30));
  after.demand.restore(checkSavedDemand(wanted), 0);
  after.store.restore(series.map(checkSavedSeries), 0);
  assert.equal(await after.valueOf(metric), 2);
});

test('what no process writes is refused', async () => {
  const { series } = await saved();
  const good = series[0] as SavedSeries;
  checkSavedSeries(good);
  const number = good.objects[0]![1][0]!;
  const withNumber = (change: Readonly<Record<number, unknown>>) => ({
    ...good,
    objects: [['', [number.map((each, index) => (index in change ? change[index] : each))]]],
  });
  const bad: readonly unknown[] = [
    null,
    [],
    { ...good, node: 7 },
    { ...good, uid: {} },
    { ...good, spacingMs: -1 },
    { ...good, metrics: [metric, 7] },
    { ...good, objects: {} },
    { ...good, objects: [['shop/web-0/uid']] },
    { ...good, objects: [['shop/\u0000/uid', []]] },
    { ...good, objects: [['', [[0, 1]]]] },
    withNumber({ 0: 1 }),
    withNumber({ 0: 0.5 }),
    withNumber({ 1: null }),
    withNumber({ 1: -1 }),
    withNumber({ 1: 2 ** 62 }),
    withNumber({ 2: 1e18 }),
    withNumber({ 3: -1 }),
    withNumber({ 4: -1 }),
    withNumber({ 5: 'x' }),
    withNumber({ 6: -1 }),
  ];
  for (const each of bad)
    assert.throws(() => checkSavedSeries(each), /of custom metrics cannot be/, JSON.stringify(each));
  for (const each of [{}, [metric], [[metric]], [[metric, -1]], [[7, 0]]]) {
    assert.throws(() => checkSavedDemand(each), /of custom metrics cannot be/);
  }
});
