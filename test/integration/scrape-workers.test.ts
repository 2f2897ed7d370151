/** A worker thread reports the same batches and messages as the main thread, and may end without ending the process. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { toPoints } from '../../src/sample/batch.ts';
import { noColumns, type WantedColumns } from '../../src/sample/seriescolumns.ts';
import { createKubeletClient, type KubeletClientOptions } from '../../src/kubelet/client.ts';
import type { KubeletTls } from '../../src/kubelet/http/kubelettls.ts';
import type { KubeletReader } from '../../src/scrape/endpoint/kubeletreader.ts';
import type { ReadResult } from '../../src/scrape/endpoint/readresult.ts';
import { createLocalPool } from '../../src/scrape/endpoint/localpool.ts';
import type { KubeletReaderPool } from '../../src/scrape/endpoint/readerpool.ts';
import type { KubeletAddressList } from '../../src/scrape/endpoint/addressfallback.ts';
import { startWorker } from '../../src/scrape/endpoint/workers/workerthread.ts';
import { createWorkerPool, type WorkerPoolOptions } from '../../src/scrape/endpoint/workers/workerpool.ts';
import { type Authority, makeAuthority } from '../fakes/certificates.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { createFakeKubelet, type FakeKubelet } from '../fakes/kubelet.ts';
import type { KubeletFault } from '../fakes/kubeletfaults.ts';
import { hexId, smallKubeletModel, uuid } from '../fakes/kubeletmodel.ts';
import { ask2, openSession } from '../fakes/http2client.ts';
import { listen } from '../fakes/listen.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';
import { until } from '../fakes/until.ts';
import { startWholeCluster } from '../fakes/wholecluster.ts';

const node = 'node-a';
const nowMs = Date.parse('2026-11-22T20:00:00Z');
const { signal } = new AbortController();
let authority: Authority;
let kubelet: FakeKubelet;
let old: FakeKubelet;
let tls: KubeletTls;

before(async () => {
  authority = makeAuthority('kubelets');
  const certificate = authority.issue({ cn: node, ips: ['127.0.0.1'], dns: [node], usages: ['server'] });
  const options = { certificate, accepts: (token: string) => token === 'good', now: () => nowMs };
  kubelet = await createFakeKubelet(options);
  old = await createFakeKubelet({ ...options, filters: false });
  tls = { ca: authority.cert, cert: undefined, key: undefined, insecure: false };
});

after(async () => {
  await kubelet.close();
  await old.close();
});

beforeEach(() => {
  for (const each of [kubelet, old]) {
    each.model = smallKubeletModel(node, nowMs);
    each.faults.cadvisor = 'none';
    each.faults.resource = 'none';
  }
});

type Source = 'cadvisor' | 'resource';

function optionsOf(other: Partial<KubeletClientOptions> = {}): KubeletClientOptions {
  const authorization = () => Promise.resolve('Bearer good');
  return { tls: () => tls, authorization, plainHttp: false, requestTimeoutMs: 30_000, ...other };
}

function workerOf(options: KubeletClientOptions, other: Partial<WorkerPoolOptions> = {}) {
  const recorded = createRecordingLog();
  const clock = createFakeClock();
  return { recorded, clock, endpoints: createWorkerPool({ ...options, clock, log: recorded.log, ...other }) };
}

/** The same node asked in this thread and by a worker. */
interface Pair extends AsyncDisposable {
  /** Returns the result of both, which is asserted to be the same. */
  ask(source: Source, at?: KubeletAddressList, path?: string, of?: AbortSignal): Promise<ReadResult>;
  /** Asks cAdvisor for these, too. */
  want(columns: WantedColumns): void;
  readonly both: readonly KubeletReaderPool[];
}

function pairOf(other: Partial<KubeletClientOptions> = {}): Pair {
  const options = optionsOf(other);
  const local = createLocalPool(createKubeletClient(options), createFakeClock(), { compressFrom: 0 });
  const worker = workerOf(options).endpoints;
  const [here, there] = [local.of(node), worker.of(node)];
  let wanted = noColumns;
  return {
    both: [local, worker],
    want: (columns) => (wanted = columns),
    async ask(source, at = atOf(kubelet), path, of = signal) {
      const asked = (endpoint: KubeletReader) =>
        source === 'cadvisor' ? endpoint.cadvisor(at, of, wanted) : endpoint.resource(at, of, path);
      const [one, other_] = await Promise.all([asked(here), asked(there)]);
      assert.deepEqual(withoutVersion(other_), withoutVersion(one));
      return one;
    },
    async [Symbol.asyncDispose]() {
      await local[Symbol.asyncDispose]();
      await worker[Symbol.asyncDispose]();
    },
  };
}

function atOf({ port }: { readonly port: number }): KubeletAddressList {
  return [{ host: '127.0.0.1', port }];
}

/** Another second of the node's life. */
function tick({ model }: FakeKubelet): void {
  for (const sample of [model.machine, ...model.pods.flatMap(({ containers }) => containers)]) {
    sample.timestampMs += 1;
    sample.cpuSeconds += 0.25;
  }
}

function startPod({ model }: FakeKubelet, name: string): void {
  const [container] = smallKubeletModel(node, model.machine.timestampMs).pods[0]?.containers ?? [];
  assert.ok(container);
  const containers = [{ ...container, id: hexId(name) }];
  model.pods.push({ namespace: 'shop', name, uid: uuid(name), qos: 'burstable', containers });
}

/** The pods of a result's layout. */
function layoutOf(result: ReadResult) {
  if (result.kind !== 'batch') return assert.fail(result.why.what);
  return result.batch.layout.pods;
}

/** Without the version of the layout, which each decoder chooses. */
function withoutVersion(result: ReadResult) {
  if (result.kind !== 'batch') return result;
  return { ...result, batch: { ...result.batch, layout: { ...result.batch.layout, version: 0 } } };
}

describe('a healthy kubelet', () => {
  for (const filters of [true, false]) {
    test(`that ${filters ? 'filters' : 'does not filter'}: batches are equal from scrape to scrape, whatever comes and goes`, async () => {
      const of = filters ? kubelet : old;
      await using pair = pairOf();
      const changes = [tick, (k: FakeKubelet) => startPod(k, 'web-1'), (k: FakeKubelet) => void k.model.pods.shift()];
      for (const change of changes) {
        for (let time = 0; time < 3; time += 1) {
          tick(of);
          const result = await pair.ask('cadvisor', atOf(of));
          assert.ok(result.kind === 'batch' && result.filtered === filters);
          const { pods } = toPoints(result.batch);
          assert.deepEqual(pods.map(({ name }) => name).sort(), of.model.pods.map(({ name }) => name).sort());
          assert.equal((await pair.ask('resource', atOf(of))).kind, 'batch');
        }
        change(of);
      }
    });
  }

  test('wanted series are equal, also after others become wanted', async () => {
    await using pair = pairOf();
    for (const columns of [['networkReceiveBytes'], ['cpuUser', 'memoryRss', 'networkReceiveBytes'], []] as const) {
      pair.want(columns);
      for (let scrape = 0; scrape < 3; scrape += 1) {
        tick(kubelet);
        const result = await pair.ask('cadvisor');
        assert.ok(result.kind === 'batch');
        if (columns.length === 0) assert.equal(result.series, undefined);
        else {
          assert.ok(result.series?.kind === 'series');
          const sandboxes = result.series.batch.cgroups.filter(({ kind }) => kind === 'sandbox');
          assert.equal(sandboxes.length, kubelet.model.pods.length);
        }
      }
    }
  });

  test('without the fast path, a worker never settles: every request is for start times, too', async () => {
    const briefRequests = async (fastPath: boolean): Promise<number> => {
      await using worker = workerOf(optionsOf(), { fastPath }).endpoints;
      const endpoint = worker.of(node);
      const seen = kubelet.requests.length;
      for (let scrape = 0; scrape < 8; scrape += 1) {
        tick(kubelet);
        assert.equal((await endpoint.cadvisor(atOf(kubelet), signal)).kind, 'batch');
      }
      return kubelet.requests.slice(seen).filter(({ names }) => !names.includes('container_start_time_seconds')).length;
    };
    assert.ok((await briefRequests(true)) > 0);
    assert.equal(await briefRequests(false), 0);
  });

  test('its answers are compressed, however small, since a fleet that needs workers has many nodes', async () => {
    await using worker = workerOf(optionsOf()).endpoints;
    const endpoint = worker.of(node);
    const seen = kubelet.requests.length;
    for (let turn = 0; turn < 3; turn += 1)
      assert.equal((await endpoint.cadvisor(atOf(kubelet), signal)).kind, 'batch');
    assert.deepEqual(
      kubelet.requests.slice(seen).map(({ acceptEncoding }) => acceptEncoding),
      ['gzip', 'gzip', 'gzip'],
    );
  });

  test('in this thread its answers are compressed as long as there are many nodes', async () => {
    await using local = createLocalPool(createKubeletClient(optionsOf()), createFakeClock(), { compressFrom: 2 });
    const endpoint = local.of(node);
    const seen = kubelet.requests.length;
    const ask = async () => assert.equal((await endpoint.cadvisor(atOf(kubelet), signal)).kind, 'batch');
    await ask();
    await ask();
    local.of('another');
    await ask();
    local.release('another');
    await ask();
    assert.deepEqual(
      kubelet.requests.slice(seen).map(({ acceptEncoding }) => acceptEncoding),
      ['gzip', 'identity', 'gzip', 'identity'],
    );
  });

  test('its layout is the same object until something comes or goes, for each endpoint', async () => {
    await using worker = workerOf(optionsOf()).endpoints;
    const endpoint = worker.of(node);
    const [first, other] = [
      await endpoint.cadvisor(atOf(kubelet), signal),
      await endpoint.resource(atOf(kubelet), signal),
    ];
    tick(kubelet);
    assert.equal(layoutOf(await endpoint.cadvisor(atOf(kubelet), signal)), layoutOf(first));
    assert.equal(layoutOf(await endpoint.resource(atOf(kubelet), signal)), layoutOf(other));
    startPod(kubelet, 'web-1');
    const second = await endpoint.cadvisor(atOf(kubelet), signal);
    assert.notEqual(layoutOf(second), layoutOf(first));
    assert.equal(layoutOf(await endpoint.cadvisor(atOf(kubelet), signal)), layoutOf(second));
  });

  test('any history of it: batches are equal', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('start' as const), name: fc.stringMatching(/^[a-c]$/) }),
      fc.record({ kind: fc.constant('end' as const), index: fc.nat(5) }),
      fc.record({
        kind: fc.constant('fault' as const),
        fault: fc.constantFrom<KubeletFault>('truncated', 'none', 500),
      }),
      fc.record({ kind: fc.constant('ask' as const), source: fc.constantFrom<Source>('cadvisor', 'resource') }),
    );
    await using pair = pairOf();
    const history = fc.array(step, { minLength: 10, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        kubelet.model = smallKubeletModel(node, nowMs);
        kubelet.faults.cadvisor = 'none';
        for (const each of steps) {
          tick(kubelet);
          if (each.kind === 'start') startPod(kubelet, each.name);
          if (each.kind === 'end') kubelet.model.pods.splice(each.index, 1);
          if (each.kind === 'fault') kubelet.faults.cadvisor = each.fault;
          await pair.ask(each.kind === 'ask' ? each.source : 'cadvisor');
        }
      }),
      { numRuns: 10 },
    );
  });

  test('by plain HTTP it is shown no credentials', async () => {
    const seen: (string | undefined)[] = [];
    const plain = createServer(({ headers }, response) => {
      seen.push(headers.authorization);
      response.setHeader('date', new Date(nowMs).toUTCString());
      response
        .setHeader('content-type', 'text/plain')
        .end('node_cpu_usage_seconds_total 1\nnode_memory_working_set_bytes 1\n');
    });
    const port = await listen(plain, 0);
    const nothing = () => assert.fail('no credentials are sent');
    await using pair = pairOf({ plainHttp: true, tls: nothing, authorization: nothing });
    assert.equal((await pair.ask('resource', atOf({ port }))).kind, 'batch');
    assert.deepEqual(seen, [undefined, undefined]);
    plain.closeAllConnections();
    plain.close();
  });
});

describe('a kubelet that fails: the explanations are equal', () => {
  let pair: Pair;
  before(() => {
    pair = pairOf({ requestTimeoutMs: 3_000 });
  });
  after(() => pair[Symbol.asyncDispose]());

  const statuses: readonly KubeletFault[] = [302, 401, 403, 404, 500];
  const bodies: readonly KubeletFault[] = ['cut', 'truncated', 'cut-number', 'garbage', 'empty'];
  const rows: readonly KubeletFault[] = ['scrape-error', 'unlabelled', 'windows'];
  for (const fault of [...statuses, ...bodies, ...rows, 'hang', 'drip'] as const) {
    test(String(fault), async () => {
      kubelet.faults.cadvisor = fault;
      const result = await pair.ask('cadvisor');
      assert.notEqual(result.kind, 'batch');
      kubelet.faults.cadvisor = 'none';
      assert.equal((await pair.ask('cadvisor')).kind, 'batch');
    });
  }

  test('nothing listens, and the other name is unknown', async () => {
    const at = [{ host: '127.0.0.1', port: 1 }] as const;
    assert.match(whyOf(await pair.ask('cadvisor', at)), /ECONNREFUSED/);
    assert.match(whyOf(await pair.ask('cadvisor', [...at, { host: 'nobody.invalid', port: 1 }])), /, and /);
  });

  test('a path that is none', async () => {
    assert.match(whyOf(await pair.ask('resource', atOf(kubelet), '/metrics\r\n')), /path of a request/);
    assert.match(whyOf(await pair.ask('resource', atOf(kubelet), '/none')), /\/none answers 404/);
  });

  test('a CA that did not sign it', async () => {
    const ca = makeAuthority('other').cert;
    await using other = pairOf({ tls: () => ({ ...tls, ca }) });
    assert.match(whyOf(await other.ask('cadvisor')), /certificate/i);
  });

  test('it is given up', async () => {
    kubelet.faults.cadvisor = 'hang';
    const left = new AbortController();
    const seen = kubelet.requests.length;
    const asked = pair.ask('cadvisor', undefined, undefined, left.signal);
    await until('both are asked', () => kubelet.requests.length === seen + 2);
    left.abort(new Error('the node left the cluster'));
    assert.match(whyOf(await asked), /the node left the cluster/);
    assert.match(whyOf(await pair.ask('cadvisor', undefined, undefined, left.signal)), /the node left the cluster/);
  });
});

function whyOf(result: ReadResult): string {
  assert.ok(result.kind !== 'batch');
  return `${result.why.code}: ${result.why.what}; ${result.why.remedy}`;
}

describe('what kubelets are shown', () => {
  test('is asked for anew, once for all who wait', async () => {
    let token = 'good';
    let times = 0;
    const authorization = async () => {
      times += 1;
      return `Bearer ${token}`;
    };
    await using worker = workerOf(optionsOf({ authorization })).endpoints;
    const nodes = ['node-a', 'node-b', 'node-c'].map((name) => worker.of(name));
    const askAll = () => Promise.all(nodes.map((endpoint) => endpoint.cadvisor(atOf(kubelet), signal)));
    assert.deepEqual(
      (await askAll()).map(({ kind }) => kind),
      ['batch', 'batch', 'batch'],
    );
    assert.equal(times, 1);
    token = 'other';
    assert.deepEqual(
      (await askAll()).map(({ kind }) => kind),
      ['failed', 'failed', 'failed'],
    );
    assert.equal(times, 2);
  });

  test('brings new connections when it is other TLS material, and only then', async () => {
    const shown = { clientName: 'node-reader' };
    const client = authority.issue({ cn: shown.clientName, usages: ['client'] });
    let current = tls;
    await using asking = await createFakeKubelet({
      certificate: authority.issue({ cn: node, ips: ['127.0.0.1'], usages: ['server'] }),
      accepts: () => true,
      clientCa: authority.cert,
    });
    await using worker = workerOf(optionsOf({ tls: () => current })).endpoints;
    const endpoint = worker.of(node);
    const ask = () => endpoint.cadvisor(atOf(asking), signal);
    await ask();
    await ask();
    current = { ...tls, ...client };
    await ask();
    await ask();
    assert.deepEqual(
      asking.requests.map(({ clientName }) => clientName),
      [undefined, undefined, shown.clientName, shown.clientName],
    );
    assert.equal(new Set(asking.requests.map(({ remotePort }) => remotePort)).size, 2);
  });

  test('is not to be had: the explanations are equal', async () => {
    const unreadable = () => {
      throw new Error('cannot read the token', { cause: Object.assign(new Error('gone'), { code: 'ENOENT' }) });
    };
    const refused = async () => {
      throw Object.assign(new Error('the plugin says no'), { code: 'ECONNREFUSED', name: 'PluginError' });
    };
    await using withoutTls = pairOf({ tls: unreadable });
    assert.match(whyOf(await withoutTls.ask('cadvisor')), /cannot read the token: gone/);
    await using withoutToken = pairOf({ authorization: refused });
    assert.equal((await withoutToken.ask('cadvisor')).kind, 'unanswered');
    await using hung = pairOf({ authorization: () => new Promise(() => {}), requestTimeoutMs: 1_000 });
    assert.match(whyOf(await hung.ask('cadvisor')), /Timeout.*1000 ms/);
  });
});

test('bodies come uncompressed where the operator wants them so', async () => {
  await using usual = pairOf();
  await using plain = pairOf({ compression: false });
  const [compressed, whole] = [await usual.ask('cadvisor'), await plain.ask('cadvisor')];
  assert.ok(compressed.kind === 'batch' && whole.kind === 'batch');
  assert.deepEqual(layoutOf(whole), layoutOf(compressed));
  assert.deepEqual(whole.batch.numbers, compressed.batch.numbers);
  assert.ok(whole.wireBytes > 2 * compressed.wireBytes, `${whole.wireBytes} bytes instead of ${compressed.wireBytes}`);
});

test('a node that was released is asked over a new connection, and nothing is remembered of it', async () => {
  await using worker = workerOf(optionsOf()).endpoints;
  const endpoint = worker.of(node);
  const first = await endpoint.cadvisor(atOf(kubelet), signal);
  worker.release(node);
  const second = await endpoint.cadvisor(atOf(kubelet), signal);
  assert.notEqual(layoutOf(second), layoutOf(first));
  assert.deepEqual(layoutOf(second), layoutOf(first));
  const [before_, after_] = kubelet.requests.slice(-2).map(({ remotePort }) => remotePort);
  assert.notEqual(before_, after_);
});

describe('a worker thread that ends', () => {
  test('leaves its questions without an answer, and another one goes on after a pause', async () => {
    const threads: Worker[] = [];
    const start: typeof startWorker = (settings) => threads[threads.push(startWorker(settings)) - 1] ?? assert.fail();
    const { endpoints: worker, clock, recorded } = workerOf(optionsOf(), { start });
    await using endpoints = worker;
    const endpoint = endpoints.of(node);
    const first = await endpoint.cadvisor(atOf(kubelet), signal);
    kubelet.faults.cadvisor = 'hang';
    const seen = kubelet.requests.length;
    const asked = endpoint.cadvisor(atOf(kubelet), signal);
    await until('the kubelet is asked', () => kubelet.requests.length > seen);
    await threads[0]?.terminate();
    const result = await asked;
    const why = `the worker thread that scrapes the kubelet of node node-a at 127.0.0.1:${kubelet.port} has ended: it ended with code 1`;
    assert.deepEqual([result.kind, result.kind === 'unanswered' && result.why.what], ['unanswered', why]);
    assert.deepEqual(recorded.lines, ['error: a scrape worker has ended and is replaced']);

    kubelet.faults.cadvisor = 'none';
    assert.equal(whyOf(await endpoint.cadvisor(atOf(kubelet), signal)).includes(why), true);
    assert.equal(threads.length, 1);
    await clock.advance(2_000);
    const second = await endpoint.cadvisor(atOf(kubelet), signal);
    assert.equal(threads.length, 2);
    assert.deepEqual(layoutOf(second), layoutOf(first));
  });

  /** Returns the result of a question to a worker thread that runs the script. */
  async function askOf(script: string, watch?: (advance: (ms: number) => Promise<void>) => Promise<void>) {
    const resourceLimits = { maxOldGenerationSizeMb: 16 };
    const start = () => new Worker(script, { eval: true, resourceLimits });
    const { endpoints: worker, clock, recorded } = workerOf(optionsOf({ requestTimeoutMs: 1_000 }), { start });
    await using endpoints = worker;
    const asked = endpoints.of(node).cadvisor(atOf(kubelet), signal);
    await watch?.((ms) => clock.advance(ms));
    const result = await asked;
    assert.deepEqual(recorded.lines, ['error: a scrape worker has ended and is replaced']);
    return result;
  }

  const listening = "require('node:worker_threads').parentPort.on('message', () => {";

  test('by an error', async () => {
    assert.match(whyOf(await askOf(`${listening} throw new Error('a mistake'); })`)), /has ended: a mistake/);
  });

  test('again and again: is replaced less and less often', async () => {
    let started = 0;
    const start = () => {
      started += 1;
      return new Worker(`${listening} throw new Error('a mistake'); })`, { eval: true });
    };
    const { endpoints: worker, clock } = workerOf(optionsOf(), { start });
    await using endpoints = worker;
    const endpoint = endpoints.of(node);
    /** How long it takes until there is another thread, in seconds. */
    async function pause(): Promise<number> {
      const before_ = started;
      for (let seconds = 0; ; seconds += 1) {
        assert.equal((await endpoint.cadvisor(atOf(kubelet), signal)).kind, 'unanswered');
        if (started > before_) return seconds;
        await clock.advance(1_000);
      }
    }
    const pauses: number[] = [];
    for (let time = 0; time < 9; time += 1) pauses.push(await pause());
    assert.deepEqual(pauses, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
  });

  test('by all its memory', async () => {
    const result = await askOf(`${listening} const all = []; for (;;) all.push(new Array(1e4).fill(all.length)); })`);
    assert.match(whyOf(result), /has ended: .*memory/);
  });

  test('because it says nothing any more', async () => {
    const result = await askOf(`${listening} for (;;); })`, (advance) => advance(20_000));
    assert.match(whyOf(result), /has ended: it did not answer any more/);
  });

  test('because it is not needed any more, with all who wait for it', async () => {
    const { endpoints, recorded } = workerOf(optionsOf());
    const endpoint = endpoints.of(node);
    kubelet.faults.cadvisor = 'hang';
    const seen = kubelet.requests.length;
    const asked = endpoint.cadvisor(atOf(kubelet), signal);
    await until('the kubelet is asked', () => kubelet.requests.length > seen);
    await endpoints[Symbol.asyncDispose]();
    assert.equal((await asked).kind, 'unanswered');
    assert.equal((await endpoint.cadvisor(atOf(kubelet), signal)).kind, 'unanswered');
    assert.deepEqual(recorded.lines, []);
  });
});

test('the whole program serves what its workers read', async () => {
  let started = 0;
  const count = () => void (started += 1);
  process.on('worker', count);
  try {
    await using cluster = await startWholeCluster(['--scrape-workers=2']);
    const frontProxy = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
    const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
    const served = async () => {
      const session = await openSession(cluster.port, frontProxy);
      try {
        return (await ask2(session, '/apis/metrics.k8s.io/v1/nodes', admin)).text;
      } finally {
        session.destroy();
      }
    };
    const endMs = performance.now() + 120_000;
    while (!(await served().catch(() => '')).includes('"usage"')) {
      assert.ok(performance.now() < endMs, 'there was no usage within two minutes');
      await sleep(50);
    }
    assert.equal(started, 2);
  } finally {
    process.off('worker', count);
  }
});
