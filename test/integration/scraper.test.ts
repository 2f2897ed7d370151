/** The scraper over real kubelets, on a clock that the test moves: what is published and reported. */
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Change } from '../../src/client/informer.ts';
import type { NodeInfo } from '../../src/cluster/nodes.ts';
import { createKubeletClient } from '../../src/kubelet/client.ts';
import { createRegistry, type Registry } from '../../src/monitoring.ts';
import type { NodeBatch } from '../../src/sample/batch.ts';
import { type ClockReading, clockStep, readClock } from '../../src/sample/clockstep.ts';
import { createLocalPool } from '../../src/scrape/endpoint/localpool.ts';
import { createScrapeMetrics } from '../../src/scrape/report/scrapemetrics.ts';
import { longestFirstScrapeMs, longestWithoutScrapeMs } from '../../src/scrape/schedule/firstscrapes.ts';
import { createScraper, type Scraper } from '../../src/scrape/scraper.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { createFakeClock, type FakeClock } from '../fakes/clock.ts';
import { httpClientOf } from '../fakes/httpclient.ts';
import { createFakeKubelet, type FakeKubelet } from '../fakes/kubelet.ts';
import { listen } from '../fakes/listen.ts';
import { createRecordingLog, type RecordingLog } from '../fakes/recordinglog.ts';
import { until } from '../fakes/until.ts';

const httpClient = httpClientOf(import.meta.url);
const resolutionMs = 15_000;
/** Nothing here may wait for it. */
const requestTimeoutMs = 600_000;

interface Rig extends AsyncDisposable {
  readonly kubelet: FakeKubelet;
  readonly clock: FakeClock;
  readonly recorded: RecordingLog;
  readonly registry: Registry;
  readonly batches: NodeBatch[];
  readonly clocksAheadMs: number[];
  /** Whether the node's clock was set, for each batch. */
  readonly steps: boolean[];
  readonly scraper: Scraper;
  /** Sets the node's clock so far ahead of ours. */
  setAhead(ms: number): void;
  readonly forgotten: string[];
  /** Name and UID of the nodes of which others' numbers were dropped. */
  readonly kept: string[];
  set(name: string, node?: Partial<NodeInfo>): void;
  /** Ends the first list of nodes. */
  synced(): void;
  delete(name: string): void;
  /** Moves on by one resolution and waits until the kubelet was asked so many times more. */
  round(requests: number): Promise<void>;
  stop(): Promise<void>;
}

let rig: Rig;
beforeEach(async () => {
  rig = await setUp();
});
afterEach(() => rig[Symbol.asyncDispose]());

async function setUp(): Promise<Rig> {
  const authority = makeAuthority('kubelets');
  const clock = createFakeClock(Date.now());
  let nodeAheadMs = 0;
  const kubelet = await createFakeKubelet({
    certificate: authority.issue({ cn: 'kubelet', ips: ['127.0.0.1'], usages: ['server'] }),
    accepts: () => true,
    now: () => clock.wallMs() + nodeAheadMs,
  });
  const recorded = createRecordingLog();
  const registry = createRegistry();
  const batches: NodeBatch[] = [];
  const clocksAheadMs: number[] = [];
  const steps: boolean[] = [];
  let reading: ClockReading | undefined;
  const forgotten: string[] = [];
  const kept: string[] = [];
  const nodes = new Map<string, NodeInfo>();
  let nodesSynced = false;
  const listeners: ((change: Change<NodeInfo>) => void)[] = [];
  const client = createKubeletClient({
    tls: () => tls,
    authorization: () => Promise.resolve(undefined),
    plainHttp: false,
    httpClient,
    requestTimeoutMs,
  });
  const tls = { ca: authority.cert, cert: undefined, key: undefined, insecure: false };
  const scraper = createScraper({
    nodes: {
      synced: () => nodesSynced,
      get: (name) => nodes.get(name),
      list: () => [...nodes.values()],
      onChange: (each) => void listeners.push(each),
    },
    addressOf: (node) => ({
      candidates: {
        kind: 'candidates',
        candidates: [{ host: '127.0.0.1', port: node.kubeletPort ?? kubelet.port }],
      },
      resourcePath: undefined,
    }),
    readers: createLocalPool(client, clock),
    mode: 'auto',
    expectations: { isRunning: () => false, anyUnreported: () => false },
    store: {
      store(batch, clockAheadMs, times) {
        batches.push(batch);
        clocksAheadMs.push(clockAheadMs);
        const previous = reading;
        reading = readClock(times, { newestMs: -Infinity, oldestNewMs: Infinity }, previous);
        const hasStepped = previous !== undefined && clockStep(previous, reading) !== undefined;
        steps.push(hasStepped);
        return { waiting: 0, spacingMs: 0, hasStepped };
      },
      forget: (node) => void forgotten.push(node),
      keepOnly: (node, uid) => void kept.push(`${node} ${uid}`),
    },
    resolutionMs,
    clock,
    metrics: createScrapeMetrics(registry, resolutionMs),
    log: recorded.log,
  });
  const stop = new AbortController();
  const loop = scraper.run(stop.signal);
  const end = () => {
    stop.abort();
    return loop;
  };
  return {
    kubelet,
    clock,
    recorded,
    registry,
    batches,
    clocksAheadMs,
    steps,
    scraper,
    setAhead: (ms) => void (nodeAheadMs = ms),
    forgotten,
    kept,
    set(name, rest = {}) {
      const value: NodeInfo = {
        name,
        uid: `uid of ${name}`,
        labels: new Map(),
        addresses: [],
        kubeletPort: undefined,
        ready: true,
        capacityCores: undefined,
        capacityMemoryBytes: undefined,
        resourceMetricsPath: undefined,
        ...rest,
      };
      nodes.set(name, value);
      for (const listener of listeners) listener({ type: 'set', key: name, value });
    },
    synced: () => void (nodesSynced = true),
    delete(name) {
      const value = nodes.get(name);
      assert.ok(value);
      nodes.delete(name);
      for (const listener of listeners) listener({ type: 'delete', key: name, value });
    },
    async round(requests) {
      const before = await observed(registry);
      await clock.advance(resolutionMs);
      await untilObserved(registry, before + requests);
    },
    stop: end,
    async [Symbol.asyncDispose]() {
      await end();
      await client[Symbol.asyncDispose]();
      await kubelet.close();
    },
  };
}

/** How many scrapes have ended. */
async function observed(registry: Registry): Promise<number> {
  const metric = await registry.getSingleMetric('metrics_server_kubelet_request_total')?.get();
  return (metric?.values ?? []).reduce((sum, { value }) => sum + value, 0);
}

async function untilObserved(registry: Registry, count: number): Promise<void> {
  let seen = 0;
  await until(`${count} scrapes have ended`, () => {
    void observed(registry).then((now) => (seen = now));
    return seen >= count;
  });
}

describe('scraper', () => {
  test('publishes a node as soon as it joins and then once per resolution', async () => {
    rig.set('node-a');
    await untilObserved(rig.registry, 1);
    assert.equal(rig.batches.length, 1);
    await rig.round(1);
    assert.equal(rig.batches.length, 2);
    assert.equal(rig.batches[1]?.node, 'node-a');
  });

  describe('is fresh', () => {
    test('when each node of the first list was scraped; one that fails is retried', async () => {
      rig.kubelet.faults.cadvisor = 500;
      rig.set('node-a');
      rig.synced();
      await until('it has failed', () => rig.scraper.statuses()[0]?.state === 'failing');
      assert.equal(rig.scraper.isFresh(), false);
      rig.kubelet.faults.cadvisor = 'none';
      await rig.clock.advance(3_000);
      await until('it is fresh', rig.scraper.isFresh);
    });

    test('some seconds after the start, if one of several nodes refuses or hangs', async () => {
      // Nothing listens there.
      rig.set('refusing', { kubeletPort: 1 });
      rig.set('node-a');
      rig.synced();
      await untilObserved(rig.registry, 2);
      await rig.clock.advance(longestFirstScrapeMs - 1);
      assert.equal(rig.scraper.isFresh(), false);
      await rig.clock.advance(1);
      assert.equal(rig.scraper.isFresh(), true);
      assert.deepEqual(
        rig.scraper.statuses().map(({ state }) => state),
        ['scraped', 'failing'],
      );
    });

    test('later, if no node was scraped', async () => {
      rig.kubelet.faults.cadvisor = 'hang';
      rig.set('node-a');
      rig.synced();
      await rig.clock.advance(longestWithoutScrapeMs - 1);
      assert.equal(rig.scraper.isFresh(), false);
      await rig.clock.advance(1);
      assert.equal(rig.scraper.isFresh(), true);
    });

    test('without nodes that are not Ready, have left, or came later', async () => {
      rig.kubelet.faults.cadvisor = 'hang';
      rig.set('down', { ready: false });
      assert.equal(rig.scraper.isFresh(), true);
      rig.set('leaving');
      assert.equal(rig.scraper.isFresh(), false);
      rig.delete('leaving');
      assert.equal(rig.scraper.isFresh(), true);
      rig.synced();
      rig.set('later');
      await until('all are asked', () => rig.kubelet.requests.length > 0);
      assert.equal(rig.scraper.isFresh(), true);
    });
  });

  test('logs a failure once, and its end once', async () => {
    rig.set('node-a');
    await untilObserved(rig.registry, 1);
    rig.kubelet.faults.cadvisor = 500;
    await rig.round(1);
    await rig.round(1);
    rig.kubelet.faults.cadvisor = 'none';
    await rig.round(1);
    await rig.round(1);
    assert.deepEqual(rig.recorded.lines, ['warn: cannot scrape node', 'info: node is scraped again']);
  });

  test('logs a failure that was not logged while the node was not ready, once it is', async () => {
    rig.kubelet.faults.cadvisor = 500;
    rig.set('node-a', { ready: false });
    await untilObserved(rig.registry, 1);
    rig.set('node-a', { ready: true });
    await rig.round(1);
    assert.deepEqual(rig.recorded.lines, ['warn: cannot scrape node']);
  });

  test('ends also while a connection is being opened', { timeout: 60_000 }, async () => {
    // Takes connections and says nothing: a TLS handshake that hangs.
    const mute = createServer();
    const port = await listen(mute, 0);
    const sockets: Socket[] = [];
    mute.on('connection', (socket) => sockets.push(socket));
    rig.set('node-a', { kubeletPort: port });
    await until('the connection is being opened', () => sockets.length === 1);
    await rig.stop();
    for (const socket of sockets) socket.destroy();
    mute.close();
  });

  test('logs a fallback once', async () => {
    rig.kubelet.faults.cadvisor = 'windows';
    rig.set('node-a');
    await untilObserved(rig.registry, 1);
    await rig.round(1);
    assert.deepEqual(rig.recorded.lines, ['warn: node is served from /metrics/resource']);
    assert.match(await rig.registry.metrics(), /kubegauge_node_source\{node="node-a",source="resource"\} 1/);
  });

  test('gives up on a node that leaves while it is scraped, and tries no other address of it', async () => {
    rig.kubelet.faults.cadvisor = 'hang';
    rig.set('node-a');
    await until('the kubelet is asked', () => rig.kubelet.requests.length === 1);
    rig.delete('node-a');
    rig.kubelet.faults.cadvisor = 'none';
    rig.set('node-b');
    await untilObserved(rig.registry, 1);
    assert.deepEqual(
      rig.batches.map(({ node }) => node),
      ['node-b'],
    );
    assert.equal(rig.kubelet.requests.length, 2);
  });

  test('takes a node with another UID for another node, though its deletion was not seen', async () => {
    rig.kubelet.faults.cadvisor = 'hang';
    rig.set('node-a', { uid: 'machine-1' });
    await until('the kubelet is asked', () => rig.kubelet.requests.length === 1);
    rig.kubelet.faults.cadvisor = 'none';
    rig.set('node-a', { uid: 'machine-1', ready: false });
    assert.deepEqual(rig.forgotten, []);
    rig.set('node-a', { uid: 'machine-2' });
    assert.deepEqual(rig.forgotten, ['node-a']);
    assert.deepEqual(rig.kept, ['node-a machine-1', 'node-a machine-2']);
    // What the first machine was asked is given up.
    await untilObserved(rig.registry, 1);
    assert.equal(rig.batches.length, 1);
    assert.equal(rig.kubelet.requests.length, 2);
  });

  test('logs a wrong clock once', async () => {
    rig.setAhead(60_000);
    rig.set('node-a');
    await untilObserved(rig.registry, 1);
    await rig.round(1);
    rig.setAhead(0);
    await rig.round(1);
    rig.setAhead(-60_000);
    await rig.round(1);
    const step = 'warn: the clock of a node was set; its last usages are served until there are two newer samples';
    assert.deepEqual(rig.recorded.lines, ['warn: a clock is wrong', step, 'warn: a clock is wrong']);
    assert.match(rig.scraper.statuses()[0]?.last?.clockSkew?.what ?? '', /node-a is at least \d+ s behind ours/);
  });

  test('a step of the clock of a node is published with the next batch, also after a failed scrape, and from either endpoint', async () => {
    rig.set('node-a');
    await untilObserved(rig.registry, 1);
    await rig.round(1);
    rig.kubelet.faults.cadvisor = 500;
    rig.setAhead(-60_000);
    await rig.round(1);
    rig.kubelet.faults.cadvisor = 404;
    await rig.round(1);
    rig.setAhead(120_000);
    await rig.round(1);
    await rig.round(1);
    // A failed scrape is repeated soon, so a round may have a batch more.
    assert.match(rig.steps.join(' '), /^false false true (false )*true( false)+$/);
    const sources = rig.batches.map(({ source }) => source);
    assert.match(sources.join(' '), /^cadvisor cadvisor( resource){3,}$/);
  });

  test('publishes how far the clock of the node is ahead, as its Date header has it', async () => {
    rig.setAhead(3_600_000);
    rig.set('node-a');
    await untilObserved(rig.registry, 1);
    rig.setAhead(-3_600_000);
    await rig.round(1);
    const hours = rig.clocksAheadMs.map((ms) => Math.round(ms / 3_600_000));
    assert.deepEqual([hours[0], hours.at(-1)], [1, -1]);
  });

  test('knows of every node how its scrapes go', async () => {
    rig.set('node-b', { kubeletPort: 1, ready: false });
    rig.set('node-a');
    await untilObserved(rig.registry, 2);
    const [a, b] = rig.scraper.statuses();
    assert.deepEqual([a?.node, a?.ready, a?.state, a?.failures, a?.error], ['node-a', true, 'scraped', 0, undefined]);
    const { durationMs, wireBytes, ...last } = a?.last ?? {};
    assert.ok(durationMs !== undefined && wireBytes !== undefined && wireBytes > 0);
    assert.deepEqual(last, {
      atMs: rig.clock.wallMs(),
      source: 'cadvisor',
      fallback: undefined,
      address: `127.0.0.1:${rig.kubelet.port}`,
      verifiedBy: 'address',
      pods: 3,
      containers: 4,
      clockSkew: undefined,
      spacingMs: 0,
    });
    assert.deepEqual([b?.node, b?.ready, b?.state, b?.failures], ['node-b', false, 'failing', 1]);
    assert.equal(b?.error?.code, 'ConnectionRefused');
    assert.deepEqual(
      ['node-a', 'node-b', 'node-c'].map((node) => rig.scraper.troubleOf(node)),
      [undefined, 'ConnectionRefused', undefined],
    );
  });

  test('scrapes a node at once when it turns Ready, and tries again soon after a first failure', async () => {
    rig.kubelet.faults.cadvisor = 500;
    rig.set('node-a', { ready: false });
    await untilObserved(rig.registry, 1);
    await rig.clock.advance(2_500);
    await untilObserved(rig.registry, 2);
    rig.kubelet.faults.cadvisor = 'none';
    rig.set('node-a', { ready: true });
    await rig.clock.advance(500);
    await untilObserved(rig.registry, 3);
    assert.equal(rig.batches.length, 1);
  });

  test('scrapes a node with the next wave of all when its scrape is brought forward, and an unknown one never', async () => {
    rig.set('node-a');
    await untilObserved(rig.registry, 1);
    rig.scraper.bringForward('node-a');
    rig.scraper.bringForward('unknown');
    await rig.clock.advance(500);
    await untilObserved(rig.registry, 2);
    assert.deepEqual(
      rig.batches.map(({ node }) => node),
      ['node-a', 'node-a'],
    );
  });

  test('is quiet about nodes that are not ready or have no kubelet', async () => {
    rig.kubelet.faults.cadvisor = 500;
    rig.set('not-ready', { ready: false });
    rig.set('virtual', { labels: new Map([['type', 'virtual-kubelet']]) });
    rig.set('fargate', { labels: new Map([['eks.amazonaws.com/compute-type', 'fargate']]) });
    await untilObserved(rig.registry, 3);
    assert.deepEqual(rig.recorded.lines, []);
  });

  test('forgets a node that leaves, and its series', async () => {
    rig.set('node-a');
    await untilObserved(rig.registry, 1);
    rig.delete('node-a');
    assert.deepEqual(rig.forgotten, ['node-a']);
    assert.doesNotMatch(await rig.registry.metrics(), /node="node-a"/);
    await rig.clock.advance(2 * resolutionMs);
    assert.equal(rig.kubelet.requests.length, 1);
  });
});
