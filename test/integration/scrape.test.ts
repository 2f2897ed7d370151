/** One node's scrape against a real HTTPS kubelet: what is asked, what is read, and every way in which it can go wrong. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createKubeletClient, type KubeletClient } from '../../src/kubelet/client.ts';
import type { KubeletTls } from '../../src/kubelet/http/kubelettls.ts';
import { inOneLine } from '../../src/kubelet/explain/explanation.ts';
import { toPoints } from '../../src/sample/batch.ts';
import type { NodePoints } from '../../src/sample/point.ts';
import { createKubeletReader } from '../../src/scrape/endpoint/kubeletreader.ts';
import { createTarget, type ScrapeOutcome, type Target, type TargetOptions } from '../../src/scrape/source/target.ts';
import { type Authority, makeAuthority } from '../fakes/certificates.ts';
import { createFakeClock, type FakeClock } from '../fakes/clock.ts';
import { httpClientOf } from '../fakes/httpclient.ts';
import { createFakeKubelet, type FakeKubelet } from '../fakes/kubelet.ts';
import { textContentType } from '../fakes/exposition.ts';
import type { KubeletFault } from '../fakes/kubeletfaults.ts';
import { type PodModel, smallKubeletModel } from '../fakes/kubeletmodel.ts';
import { listen } from '../fakes/listen.ts';

const httpClient = httpClientOf(import.meta.url);
const token = 'secret-token';
let authority: Authority;
let kubelet: FakeKubelet;
let old: FakeKubelet;

before(async () => {
  authority = makeAuthority('kubelets');
  const certificate = authority.issue({
    cn: 'system:node:node-a',
    ips: ['127.0.0.1'],
    dns: ['node-a'],
    usages: ['server'],
  });
  const accepts = (shown: string) => shown === token;
  kubelet = await createFakeKubelet({ certificate, accepts });
  old = await createFakeKubelet({ certificate, accepts, filters: false });
});

after(async () => {
  await kubelet.close();
  await old.close();
});

/** A target of which the API expects nothing. */
const quiet = {
  mode: 'auto',
  expectations: { isRunning: () => false, anyUnreported: () => false },
} as const;

interface Setting {
  readonly options?: Partial<TargetOptions>;
  readonly tls?: Partial<KubeletTls>;
  readonly token?: string;
  readonly timeoutMs?: number;
  readonly resourcePath?: string;
  readonly of?: FakeKubelet;
  readonly host?: string;
}

/** Runs with a new client, whose connections are closed afterwards. */
async function withTarget(
  setting: Setting,
  use: (scrape: () => Promise<ScrapeOutcome>, clock: FakeClock) => Promise<void>,
): Promise<void> {
  const tls: KubeletTls = { ca: authority.cert, cert: undefined, key: undefined, insecure: false, ...setting.tls };
  await using client: KubeletClient = createKubeletClient({
    tls: () => tls,
    authorization: () => Promise.resolve(`Bearer ${setting.token ?? token}`),
    plainHttp: false,
    httpClient,
    requestTimeoutMs: setting.timeoutMs ?? 30_000,
  });
  const clock = createFakeClock(Date.now());
  const target: Target = createTarget({
    ...quiet,
    reader: createKubeletReader('node-a', client, clock),
    clock,
    ...setting.options,
  });
  const candidate = { host: setting.host ?? '127.0.0.1', port: (setting.of ?? kubelet).port };
  const address = {
    candidates: { kind: 'candidates', candidates: [candidate] } as const,
    resourcePath: setting.resourcePath,
  };
  await use(() => target.scrape(address, new AbortController().signal), clock);
}

async function withFault(fault: KubeletFault, use: () => Promise<void>): Promise<void> {
  kubelet.faults.cadvisor = fault;
  kubelet.faults.resource = typeof fault === 'number' && fault !== 404 ? fault : 'none';
  try {
    await use();
  } finally {
    kubelet.faults.cadvisor = 'none';
    kubelet.faults.resource = 'none';
  }
}

describe('a healthy kubelet', () => {
  test('is read as protobuf, filtered, over one connection, and the second time without compression', async () => {
    await withTarget({}, async (scrape) => {
      const seen = kubelet.requests.length;
      for (let turn = 0; turn < 3; turn += 1) assert.equal((await scrape()).kind, 'scraped');
      const requests = kubelet.requests.slice(seen);
      assert.deepEqual(
        requests.map(({ path }) => path),
        ['/metrics/cadvisor', '/metrics/cadvisor', '/metrics/cadvisor'],
      );
      assert.ok(requests.every(({ names }) => names.includes('container_cpu_usage_seconds_total')));
      assert.match(requests[0]?.accept ?? '', /^application\/vnd\.google\.protobuf;.*encoding=delimited/);
      assert.deepEqual(
        requests.map(({ acceptEncoding }) => acceptEncoding),
        ['gzip', 'identity', 'identity'],
      );
      assert.equal(new Set(requests.map(({ remotePort }) => remotePort)).size, 1);
    });
  });

  test('of an older version sends everything, compressed, and yields the same', async () => {
    await withTarget({ of: old }, async (scrape) => {
      const seen = old.requests.length;
      old.model = kubelet.model;
      const outcomes = [await scrape(), await scrape()];
      assert.deepEqual(
        old.requests.slice(seen).map(({ acceptEncoding }) => acceptEncoding),
        ['gzip', 'gzip'],
      );
      await withTarget({}, async (scrapeNew) => assert.deepEqual(pods(outcomes[1]), pods(await scrapeNew())));
    });
  });

  test('a batch has the machine and every container of every pod once', async () => {
    await withTarget({}, async (scrape) => {
      const outcome = await scrape();
      assert.ok(outcome.kind === 'scraped');
      assert.ok(toPoints(outcome.batch).machine);
      const names = toPoints(outcome.batch).pods.flatMap((pod) =>
        pod.containers.map(({ name }) => `${pod.namespace}/${pod.name}/${name}`),
      );
      const expected = kubelet.model.pods.flatMap((pod) =>
        pod.containers.map(({ name }) => `${pod.namespace}/${pod.name}/${name}`),
      );
      assert.deepEqual(names.sort(), [...new Set(expected)].sort());
    });
  });
});

describe('a kubelet on a node with swap', () => {
  const appBytes = 3 * 1024 ** 2;

  /** The batch, and what is said in it of the container app. */
  async function scrapeWith(swapBytes: number, usedBytes: number) {
    const model = smallKubeletModel('node-a', Date.now());
    const app = model.pods[0]?.containers[0];
    assert.ok(app);
    app.swapBytes = usedBytes;
    kubelet.model = { ...model, swapBytes };
    const batches: NodePoints[] = [];
    await withTarget({}, async (scrape) => {
      const outcome = await scrape();
      assert.ok(outcome.kind === 'scraped');
      batches.push(toPoints(outcome.batch));
    });
    const [batch] = batches;
    assert.ok(batch);
    return { batch, point: batch.pods.flatMap(({ containers }) => containers).find(({ name }) => name === 'app') };
  }

  test('says so, and who uses it', async () => {
    const { batch, point } = await scrapeWith(2 ** 31, appBytes);
    assert.deepEqual([batch.hasSwap, batch.machine?.swapBytes, point?.swapBytes], [true, appBytes, appBytes]);
    assert.equal((await scrapeWith(2 ** 31, 0)).batch.hasSwap, true);
    assert.equal((await scrapeWith(0, 0)).batch.hasSwap, false);
  });

  test('says it by using some where it has no word for it', () =>
    withFault('windows', async () => {
      const { batch, point } = await scrapeWith(2 ** 31, appBytes);
      assert.equal(batch.source, 'resource');
      assert.deepEqual([batch.hasSwap, batch.machine?.swapBytes, point?.swapBytes], [true, appBytes, appBytes]);
      assert.equal((await scrapeWith(2 ** 31, 0)).batch.hasSwap, undefined);
    }));
});

describe('an endpoint that cannot be used', () => {
  const cases: readonly KubeletFault[] = [404, 'scrape-error', 'unlabelled', 'windows', 'empty', 'endless'];
  for (const fault of cases) {
    test(`${fault}: the node is served from /metrics/resource, and stays there`, () =>
      withFault(fault, () =>
        withTarget({}, async (scrape) => {
          const outcome = await scrape();
          assert.ok(outcome.kind === 'scraped', JSON.stringify(outcome));
          assert.equal(outcome.batch.source, 'resource');
          assert.ok(outcome.fallback);
          const seen = kubelet.requests.length;
          await scrape();
          assert.deepEqual(
            kubelet.requests.slice(seen).map(({ path }) => path),
            ['/metrics/resource'],
          );
        }),
      ));
  }

  test('is tried again as soon as the other one cannot be used either', () =>
    withFault('windows', () =>
      withTarget({}, async (scrape) => {
        await scrape();
        kubelet.faults.resource = 404;
        assert.equal((await scrape()).kind, 'failed');
        kubelet.faults.cadvisor = 'none';
        const outcome = await scrape();
        assert.equal(outcome.kind === 'scraped' && outcome.batch.source, 'cadvisor');
      }),
    ));

  test('is not gone back to because the other one fails once', () =>
    withFault('windows', () =>
      withTarget({}, async (scrape) => {
        await scrape();
        kubelet.faults.resource = 500;
        assert.equal((await scrape()).kind, 'failed');
        kubelet.faults.resource = 'none';
        kubelet.faults.cadvisor = 'none';
        const outcome = await scrape();
        assert.equal(outcome.kind === 'scraped' && outcome.batch.source, 'resource');
      }),
    ));

  test('is tried again after a while', () =>
    withFault('windows', () =>
      withTarget({}, async (scrape, clock) => {
        await scrape();
        kubelet.faults.cadvisor = 'none';
        await clock.advance(9 * 60_000);
        const during = await scrape();
        assert.equal(during.kind === 'scraped' && during.batch.source, 'resource');
        await clock.advance(4 * 60_000);
        const after = await scrape();
        assert.equal(after.kind === 'scraped' && after.batch.source, 'cadvisor');
      }),
    ));

  test('is no better known for not answering when it is tried again', () =>
    withFault('windows', () =>
      withTarget({ timeoutMs: 1_500 }, async (scrape, clock) => {
        const first = await scrape();
        assert.ok(first.kind === 'scraped' && first.fallback !== undefined);
        kubelet.faults.cadvisor = 'hang';
        await clock.advance(13 * 60_000);
        const again = await scrape();
        assert.equal(again.kind === 'scraped' && again.fallback, first.fallback);
      }),
    ));

  test('is not used while the other endpoint does not respond', () =>
    withFault('windows', () =>
      withTarget({ timeoutMs: 1_500 }, async (scrape) => {
        kubelet.faults.resource = 'hang';
        const outcome = await scrape();
        assert.match(reasonOf(outcome), /^no response within 1500 ms/);
      }),
    ));

  test('is not even tried where the node is annotated with a path of its own', async () => {
    await withTarget({ resourcePath: '/metrics/resource' }, async (scrape) => {
      const outcome = await scrape();
      assert.ok(outcome.kind === 'scraped');
      assert.equal(outcome.batch.source, 'resource');
      assert.equal(outcome.fallback, undefined);
    });
  });
});

describe('a pod that cAdvisor does not see', () => {
  const pod = 'jobs/batch-x7k2p';
  const expecting = {
    expectations: {
      isRunning: (namespace: string, name: string) => `${namespace}/${name}` === pod,
      anyUnreported: () => false,
    },
  };

  async function withSandboxing(sandboxing: PodModel['sandboxing'], use: () => Promise<void>): Promise<void> {
    const model = kubelet.model.pods.find(({ name }) => pod.endsWith(name));
    assert.ok(model && sandboxing);
    model.sandboxing = sandboxing;
    try {
      await use();
    } finally {
      delete model.sandboxing;
    }
  }

  async function sourcesOf(scrape: () => Promise<ScrapeOutcome>, times: number): Promise<string[]> {
    const sources: string[] = [];
    for (let turn = 0; turn < times; turn += 1) {
      const outcome = await scrape();
      assert.ok(outcome.kind === 'scraped', JSON.stringify(outcome));
      sources.push(`${outcome.batch.source}${outcome.fallback === undefined ? '' : `: ${outcome.fallback}`}`);
    }
    return sources;
  }

  const fallback = `resource: cAdvisor has no numbers of pod ${pod}`;
  for (const sandboxing of ['gvisor', 'kata'] as const) {
    test(`${sandboxing}: the node is served from /metrics/resource from the third scrape on`, () =>
      withSandboxing(sandboxing, () =>
        withTarget({ options: expecting }, async (scrape) =>
          assert.deepEqual(await sourcesOf(scrape, 4), ['cadvisor', 'cadvisor', fallback, fallback]),
        ),
      ));
  }

  test('and of which it has no cgroup either: as well, since there are running pods that no row reports', () =>
    withSandboxing('gvisor-hidden', () =>
      withTarget({ options: { expectations: { isRunning: () => false, anyUnreported: () => true } } }, async (scrape) =>
        assert.deepEqual(await sourcesOf(scrape, 3), ['cadvisor', 'cadvisor', fallback]),
      ),
    ));

  test('because its containers have no labels: the others on the node have', () =>
    withSandboxing('unlabelled', () =>
      withTarget({ options: {} }, async (scrape) =>
        assert.deepEqual(await sourcesOf(scrape, 3), ['cadvisor', 'cadvisor', fallback]),
      ),
    ));

  test('keeps its numbers when /metrics/cadvisor is tried again and still does not know it', () =>
    withSandboxing('gvisor', () =>
      withTarget({ options: expecting }, async (scrape, clock) => {
        await sourcesOf(scrape, 3);
        await clock.advance(13 * 60_000);
        const seen = kubelet.requests.length;
        assert.deepEqual(await sourcesOf(scrape, 2), [fallback, fallback]);
        assert.deepEqual(
          kubelet.requests.slice(seen).map(({ path }) => path),
          ['/metrics/resource', '/metrics/cadvisor', '/metrics/resource'],
        );
      }),
    ));

  test('is looked for once in a while only, where the runtime does not know it either', () =>
    withTarget(
      { options: { expectations: { isRunning: () => false, anyUnreported: () => true } } },
      async (scrape, clock) => {
        const seen = kubelet.requests.length;
        await sourcesOf(scrape, 20);
        const paths = () => kubelet.requests.slice(seen).map(({ path }) => path);
        assert.equal(paths().filter((path) => path === '/metrics/resource').length, 1);
        await clock.advance(11 * 60_000);
        await sourcesOf(scrape, 1);
        assert.equal(paths().filter((path) => path === '/metrics/resource').length, 2);
      },
    ));
});

test('an endpoint that hangs is not compared with at every scrape', () =>
  withTarget(
    { timeoutMs: 1_500, options: { expectations: { isRunning: () => false, anyUnreported: () => true } } },
    async (scrape, clock) => {
      kubelet.faults.resource = 'hang';
      try {
        const seen = kubelet.requests.length;
        for (let turn = 0; turn < 8; turn += 1) assert.equal((await scrape()).kind, 'scraped');
        const asked = () => kubelet.requests.slice(seen).filter(({ path }) => path === '/metrics/resource').length;
        assert.equal(asked(), 1);
        await clock.advance(61_000);
        await scrape();
        assert.equal(asked(), 2);
      } finally {
        kubelet.faults.resource = 'none';
      }
    },
  ));

describe('--metrics-source', () => {
  test('resource reads nothing else, and that is no fallback', () =>
    withTarget({ options: { mode: 'resource' } }, async (scrape) => {
      const seen = kubelet.requests.length;
      const outcome = await scrape();
      assert.ok(outcome.kind === 'scraped' && outcome.fallback === undefined);
      assert.deepEqual(
        kubelet.requests.slice(seen).map(({ path }) => path),
        ['/metrics/resource'],
      );
    }));

  test('cadvisor reads nothing else, and says what is wrong with it', () =>
    withFault('windows', () =>
      withTarget({ options: { mode: 'cadvisor' } }, async (scrape) => {
        const outcome = await scrape();
        assert.match(reasonOf(outcome), /no container rows/);
      }),
    ));
});

describe('a kubelet that fails is an outcome that says why', () => {
  const check = (name: string, fault: KubeletFault, expected: RegExp, setting: Setting = {}) =>
    test(name, () =>
      withFault(fault, () =>
        withTarget(setting, async (scrape) => {
          const outcome = await scrape();
          assert.equal(outcome.kind, 'failed');
          assert.match(reasonOf(outcome), expected);
        }),
      ),
    );
  check('500', 500, /returned 500/);
  check('a redirect, which is not followed', 302, /returned 302/);
  check('401', 'none', /returned 401.*webhook token authentication/, { token: 'other' });
  check('403', 403, /returned 403.*nodes\/metrics/);
  check('hung', 'hang', /no response within 1000 ms/, { timeoutMs: 1_000 });
  check('slow drip', 'drip', /no response within 1000 ms/, { timeoutMs: 1_000 });
  check('cut connection', 'cut', /127\.0\.0\.1/);
  check('truncated body', 'truncated', /malformed body/);
  check('a body that ends inside a number', 'cut-number', /malformed body/);
  check('garbage', 'garbage', /malformed body|content type/);
  check('a CA that did not sign it', 'none', /certificate|self-signed|issuer/i, {
    tls: { ca: makeAuthority('other').cert },
  });
});

test('a certificate that only names the node is good for its IP address, one that names neither is not', async () => {
  const accepts = () => true;
  const named = authority.issue({ cn: 'node-a', dns: ['node-a'], usages: ['server'] });
  const other = authority.issue({ cn: 'node-b', dns: ['node-b'], usages: ['server'] });
  const nodeKubelet = await createFakeKubelet({ certificate: named, accepts });
  const otherKubelet = await createFakeKubelet({ certificate: other, accepts });
  try {
    await withTarget({ of: nodeKubelet }, async (scrape) => assert.equal((await scrape()).kind, 'scraped'));
    await withTarget({ of: otherKubelet }, async (scrape) => {
      const outcome = await scrape();
      assert.match(reasonOf(outcome), /neither that address nor the node/);
    });
    await withTarget({ of: otherKubelet, tls: { insecure: true, ca: undefined } }, async (scrape) =>
      assert.equal((await scrape()).kind, 'scraped'),
    );
  } finally {
    await nodeKubelet.close();
    await otherKubelet.close();
  }
});

test('a kubelet is reached over IPv6, and shown a client certificate beside the token', async () => {
  const clients = makeAuthority('clients');
  const shown = clients.issue({ cn: 'kubegauge', usages: ['client'] });
  const kubelet6 = await createFakeKubelet({
    certificate: authority.issue({ cn: 'node-a', ips: ['::1'], usages: ['server'] }),
    accepts: (given) => given === token,
    host: '::1',
    clientCa: clients.cert,
  });
  try {
    await withTarget({ of: kubelet6, host: '::1', tls: shown }, async (scrape) => {
      const outcome = await scrape();
      assert.equal(outcome.kind, 'scraped', JSON.stringify(outcome));
    });
    assert.equal(kubelet6.requests[0]?.clientName, 'kubegauge');
  } finally {
    await kubelet6.close();
  }
});

test('a kubelet over plain HTTP gets no credentials', async () => {
  const seen: (string | undefined)[] = [];
  const plain = createServer((asked, answer) => {
    seen.push(asked.headers.authorization);
    answer
      .writeHead(200, { 'content-type': textContentType })
      .end('node_cpu_usage_seconds_total 1\nnode_memory_working_set_bytes 1\n');
  });
  const port = await listen(plain, 0);
  await using client = createKubeletClient({
    tls: () => ({ ca: undefined, cert: undefined, key: undefined, insecure: false }),
    authorization: () => Promise.resolve('Bearer secret'),
    plainHttp: true,
    httpClient,
    requestTimeoutMs: 30_000,
  });
  const clock = createFakeClock(Date.now());
  const target = createTarget({ ...quiet, reader: createKubeletReader('node-a', client, clock), clock });
  const candidates = [{ host: '127.0.0.1', port }] as const;
  const outcome = await target.scrape(
    { candidates: { kind: 'candidates', candidates }, resourcePath: '/metrics/resource' },
    new AbortController().signal,
  );
  assert.equal(outcome.kind, 'scraped', JSON.stringify(outcome));
  assert.deepEqual(seen, [undefined]);
  plain.closeAllConnections();
  plain.close();
});

test('the next address is tried at once where one does not answer, and the one that did is remembered', async () => {
  const tls: KubeletTls = { ca: authority.cert, cert: undefined, key: undefined, insecure: false };
  const client = createKubeletClient({
    tls: () => tls,
    authorization: () => Promise.resolve(`Bearer ${token}`),
    plainHttp: false,
    httpClient,
    requestTimeoutMs: 30_000,
  });
  const gone = await createFakeKubelet({
    certificate: authority.issue({ cn: 'gone', ips: ['127.0.0.1'], usages: ['server'] }),
    accepts: () => true,
  });
  await gone.close();
  const clock = createFakeClock(Date.now());
  const target = createTarget({ ...quiet, reader: createKubeletReader('node-a', client, clock), clock });
  const candidates = [
    { host: '127.0.0.1', port: gone.port },
    { host: '127.0.0.1', port: kubelet.port },
  ] as const;
  const address = { candidates: { kind: 'candidates', candidates } as const, resourcePath: undefined };
  const signal = new AbortController().signal;
  const seen = kubelet.requests.length;
  for (let turn = 0; turn < 3; turn += 1) assert.equal((await target.scrape(address, signal)).kind, 'scraped');
  assert.equal(new Set(kubelet.requests.slice(seen).map(({ remotePort }) => remotePort)).size, 1);
  const nowhere = [candidates[0], { host: 'nobody.invalid', port: 1 }] as const;
  const outcome = await target.scrape({ ...address, candidates: { kind: 'candidates', candidates: nowhere } }, signal);
  assert.match(reasonOf(outcome), /ECONNREFUSED.*, and .*nobody\.invalid/);
  await client[Symbol.asyncDispose]();
});

function pods(outcome: ScrapeOutcome | undefined) {
  assert.ok(outcome?.kind === 'scraped', JSON.stringify(outcome));
  return toPoints(outcome.batch).pods;
}

function reasonOf(outcome: ScrapeOutcome): string {
  return outcome.kind === 'failed' ? inOneLine(outcome.why) : '';
}
