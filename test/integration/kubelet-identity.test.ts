/** Where a second identity is configured, kubelets get its tokens and never ours: no token with a right to write, or to list pods or HPAs, leaves for a kubelet. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { describe, test } from 'node:test';
import { createOutage } from '../../src/client/outage.ts';
import { createRestClient } from '../../src/client/rest.ts';
import { tokenLifeSeconds } from '../../src/client/tokenrequest.ts';
import { createKubelets } from '../../src/command/kubelets.ts';
import { createResolver } from '../../src/dns/resolver.ts';
import { silentLogger } from '../../src/logging.ts';
import { parseCommandLine } from '../../src/options/parse.ts';
import type { KubeletReader } from '../../src/scrape/endpoint/kubeletreader.ts';
import type { ReadResult } from '../../src/scrape/endpoint/readresult.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { createFakeClock, type FakeClock } from '../fakes/clock.ts';
import { createFakeKubelet, type FakeKubelet } from '../fakes/kubelet.ts';
import { until } from '../fakes/until.ts';
import { startWholeCluster } from '../fakes/wholecluster.ts';
import { Random } from '../fuzz/random.ts';

const account = 'kube-system/kubegauge-kubelets';
const flag = '--kubelet-service-account=kubegauge-kubelets';
const never = new AbortController().signal;
const lifeMs = tokenLifeSeconds * 1000;

interface Rig extends AsyncDisposable {
  readonly apiServer: FakeApiServer;
  readonly kubelet: FakeKubelet;
  readonly clock: FakeClock;
  read(): Promise<ReadResult>;
  /** Builds everything of ours anew, as a new process does. */
  restart(): Promise<void>;
}

/** Starts a fake kubelet that accepts every token by default, and what reads it by the flags. */
async function start(
  flags: readonly string[],
  accepts: (token: string) => boolean = () => true,
  hasCertificate = false,
): Promise<Rig> {
  await using disposables = new AsyncDisposableStack();
  const authority = makeAuthority('cluster');
  const certificate = authority.issue({ cn: 'node-a', ips: ['127.0.0.1'], usages: ['server'] });
  const kubelet = disposables.use(await createFakeKubelet({ certificate, accepts, clientCa: authority.cert }));
  const apiServer = disposables.use(
    await createFakeApiServer({
      authority,
      kubelets: new Map([['node-a', { port: kubelet.port, ca: authority.cert, token: "kube-apiserver's" }]]),
    }),
  );
  const clock = createFakeClock();
  const resolver = disposables.use(createResolver());
  const own = hasCertificate ? authority.issue({ cn: 'we', usages: ['client'] }) : {};
  let running = new AsyncDisposableStack();
  disposables.defer(() => running.disposeAsync());
  let reader = launch();
  const owned = disposables.move();
  return {
    apiServer,
    kubelet,
    clock,
    read: () => reader.resource([{ host: '127.0.0.1', port: kubelet.port }], never),
    restart: async () => {
      await running.disposeAsync();
      running = new AsyncDisposableStack();
      reader = launch();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };

  function launch(): KubeletReader {
    const rest = running.use(createRestClient(apiServer.connection, { outage: createOutage(clock) }));
    const { readers } = createKubelets({
      options: parseCommandLine(flags).options,
      apiServer: {
        ...apiServer.connection,
        tls: () => ({ ...apiServer.connection.tls(), ...own }),
        namespace: 'kube-system',
      },
      rest,
      nodes: { get: () => undefined, list: () => [], synced: () => true },
      resolver,
      clock,
      metrics: { workers: () => undefined },
      log: silentLogger,
    });
    return running.use(readers).of('node-a');
  }
}

function configure({ tokens }: FakeApiServer): void {
  tokens.accounts.add(account);
  tokens.allowed.add(account);
}

const headersAt = (kubelet: FakeKubelet): readonly string[] => kubelet.requests.map((each) => each.authorization);

/** Reports that each request had a token of the account, and returns how many tokens there were. */
function assertOnlyIssued({ tokens }: FakeApiServer, kubelet: FakeKubelet): number {
  const issued = new Set(tokens.issued.map(({ token }) => `Bearer ${token}`));
  for (const each of tokens.issued) assert.equal(each.account, account);
  for (const header of headersAt(kubelet)) assert.ok(issued.has(header), header);
  return new Set(headersAt(kubelet)).size;
}

const clients: Readonly<Record<string, readonly string[]>> = {
  'the built-in client': ['--scrape-workers=0'],
  undici: ['--scrape-workers=0', '--kubelet-http-client=undici'],
  'worker threads': ['--scrape-workers=2'],
};

/** Faults of TokenRequests. */
const faults: Readonly<Record<string, (apiServer: FakeApiServer) => unknown>> = {
  'kube-apiserver is away': (apiServer) => apiServer.faults.down(),
  'the account is deleted': (apiServer) => apiServer.tokens.accounts.clear(),
  'the right is taken away': (apiServer) => apiServer.tokens.allowed.clear(),
  'kube-apiserver answers 503': (apiServer) => (apiServer.faults.answer = () => 503),
};

for (const [client, flags] of Object.entries(clients)) {
  describe(`through ${client}`, () => {
    test('kubelets get tokens of the account, and a renewed one', async () => {
      await using rig = await start([...flags, flag]);
      configure(rig.apiServer);
      assert.equal((await rig.read()).kind, 'batch');
      assert.equal((await rig.read()).kind, 'batch');
      rig.clock.jump(lifeMs);
      assert.equal((await rig.read()).kind, 'batch');
      assert.equal(rig.kubelet.requests.length, 3);
      assert.equal(assertOnlyIssued(rig.apiServer, rig.kubelet), 2);
    });

    test('an account that was deleted and created again costs a scrape or two', async () => {
      let invalid = '';
      await using rig = await start([...flags, flag], (token) => token !== invalid);
      configure(rig.apiServer);
      assert.equal((await rig.read()).kind, 'batch');
      invalid = 'issued.token-1';
      assert.equal((await rig.read()).kind, 'failed');
      // Scrapes are some seconds apart; here the next ones come before the renewal has been answered.
      await rig.read();
      await until('the token was renewed', () => rig.apiServer.tokens.issued.length === 2);
      while ((await rig.read()).kind !== 'batch') assert.ok(rig.kubelet.requests.length < 500);
      assert.equal(assertOnlyIssued(rig.apiServer, rig.kubelet), 2);
      assert.equal(rig.apiServer.tokens.issued.length, 2);
    });

    for (const [fault, begin] of Object.entries(faults)) {
      test(`while ${fault}, they get the last token until it expires, then no request`, async () => {
        await using rig = await start([...flags, flag]);
        configure(rig.apiServer);
        await rig.read();
        await begin(rig.apiServer);
        rig.clock.jump(lifeMs * 0.9);
        assert.equal((await rig.read()).kind, 'batch');
        rig.clock.jump(lifeMs * 0.1);
        for (let hours = 0; hours < 12; hours += 1) {
          const result = await rig.read();
          assert.equal(result.kind, 'unanswered');
          assert.match(inspect(result), /no request was sent to .*kubegauge-kubelets has no token for kubelets/s);
          rig.clock.jump(3_600_000);
        }
        assert.equal(rig.kubelet.requests.length, 2);
        assert.equal(assertOnlyIssued(rig.apiServer, rig.kubelet), 1);
      });
    }

    test('without the account and with the flag, they get no request', async () => {
      await using rig = await start([...flags, flag]);
      assert.equal((await rig.read()).kind, 'unanswered');
      assert.equal(rig.kubelet.requests.length, 0);
    });

    test('without the account and the flag, as with the manifests of metrics-server, they get our own token', async () => {
      await using rig = await start(flags);
      assert.equal((await rig.read()).kind, 'batch');
      assert.deepEqual(headersAt(rig.kubelet), ['Bearer fake']);
    });
  });
}

/** Events that may come between two scrapes. */
const events: readonly ((rig: Rig, random: Random) => unknown)[] = [
  ({ apiServer }) => apiServer.faults.down(),
  ({ apiServer }) => apiServer.faults.up(),
  ({ apiServer }) => (apiServer.faults.answer = () => 503),
  ({ apiServer }) => (apiServer.faults.answer = () => 403),
  ({ apiServer }) => (apiServer.faults.answer = ({ path }) => (path.endsWith('/token') ? 401 : undefined)),
  ({ apiServer }) => (apiServer.faults.answer = undefined),
  ({ apiServer }) => apiServer.tokens.accounts.add(account),
  ({ apiServer }) => apiServer.tokens.accounts.clear(),
  ({ apiServer }) => apiServer.tokens.allowed.add(account),
  ({ apiServer }) => apiServer.tokens.allowed.clear(),
  ({ apiServer }) => configure(apiServer),
  ({ clock }, random) => clock.jump(random.below(lifeMs)),
  ({ clock }) => clock.jump(60_000),
  (rig) => rig.restart(),
];

describe('whatever happens, from the first request on and across restarts,', () => {
  const steps = 25;
  /** Threads take a third of a second to start again. */
  const runsOf = (client: string) => (client === 'worker threads' ? 4 : 12);

  /** Runs random events with a read after each, and returns what the kubelet got. */
  async function headersOf(
    flags: readonly string[],
    seed: number,
    prepare: (rig: Rig) => void = () => undefined,
  ): Promise<{ readonly headers: readonly string[]; readonly issued: ReadonlySet<string> }> {
    const random = new Random('kubelet-identity', seed);
    await using rig = await start(flags, () => !random.once(10));
    prepare(rig);
    if (random.once(2)) configure(rig.apiServer);
    for (let step = 0; step < steps; step += 1) {
      await random.of(events)(rig, random);
      await rig.read();
    }
    const issued = new Set(rig.apiServer.tokens.issued.map(({ token }) => `Bearer ${token}`));
    return { headers: headersAt(rig.kubelet), issued };
  }

  for (const [client, flags] of Object.entries(clients)) {
    const runs = runsOf(client);
    test(`our own token never leaves for a kubelet with the flag, through ${client}`, async () => {
      let requests = 0;
      for (let seed = 1; seed <= runs; seed += 1) {
        const { headers, issued } = await headersOf([...flags, flag], seed);
        requests += headers.length;
        for (const header of headers) assert.ok(issued.has(header), `seed ${seed}: ${header}`);
      }
      assert.ok(requests > 0, `${requests} requests`);
    });

    test(`nor without it, if it may write, through ${client}`, async () => {
      let requests = 0;
      for (let seed = 1; seed <= runs; seed += 1) {
        const { headers, issued } = await headersOf(flags, seed, ({ apiServer }) => {
          apiServer.reviews.access = (_spec, authorization) => ({ allowed: authorization === 'Bearer fake' });
        });
        requests += headers.length;
        for (const header of headers) assert.ok(issued.has(header), `seed ${seed}: ${header}`);
      }
      assert.ok(requests > 0, `${requests} requests`);
    });
  }

  test('nothing but our own token leaves without account and flag, as with the manifests of metrics-server', async () => {
    await using rig = await start(['--scrape-workers=0']);
    for (const restart of [false, true, true]) {
      if (restart) await rig.restart();
      assert.equal((await rig.read()).kind, 'batch');
    }
    assert.deepEqual(headersAt(rig.kubelet), Array(3).fill('Bearer fake'));
  });
});

test('without the flag, our own token is sent only after kube-apiserver has said that it may not write', async () => {
  await using rig = await start(['--scrape-workers=0']);
  let mayWrite: object = { allowed: true };
  const asked: unknown[] = [];
  rig.apiServer.reviews.access = (spec) => {
    asked.push(spec['resourceAttributes']);
    return mayWrite;
  };
  assert.match(inspect(await rig.read()), /since it may write to the cluster/);
  mayWrite = { allowed: false, evaluationError: 'a webhook is away' };
  rig.clock.jump(60_000);
  assert.match(inspect(await rig.read()), /cannot decide what is allowed: a webhook is away/);
  assert.equal(rig.kubelet.requests.length, 0);
  mayWrite = { allowed: false };
  rig.clock.jump(60_000);
  assert.equal((await rig.read()).kind, 'batch');
  assert.deepEqual(headersAt(rig.kubelet), ['Bearer fake']);
  const names = asked.slice(0, 6).map((right) =>
    Object.values(right as object)
      .filter(Boolean)
      .join(' '),
  );
  assert.deepEqual(names.sort(), [
    'patch apiregistration.k8s.io apiservices v1.metrics.k8s.io',
    'patch apiregistration.k8s.io apiservices v1beta1.custom.metrics.k8s.io',
    'patch apiregistration.k8s.io apiservices v1beta1.external.metrics.k8s.io',
    'patch apiregistration.k8s.io apiservices v1beta1.metrics.k8s.io',
    'patch apiregistration.k8s.io apiservices v1beta2.custom.metrics.k8s.io',
    'update configmaps kubegauge-kubelet-pins kube-system',
  ]);
});

test('a token of an account that may write is not sent, and is once it may not', async () => {
  await using rig = await start(['--scrape-workers=0', flag]);
  configure(rig.apiServer);
  let mayWrite: object = { allowed: true };
  const asked = new Set<string | undefined>();
  rig.apiServer.reviews.access = (_spec, authorization) => {
    asked.add(authorization);
    return mayWrite;
  };
  assert.match(inspect(await rig.read()), /kubegauge-kubelets has no token.*it may write to the cluster/s);
  mayWrite = {};
  rig.clock.jump(60_000);
  assert.match(inspect(await rig.read()), /has no answer/);
  assert.equal(rig.kubelet.requests.length, 0);
  mayWrite = { allowed: false };
  rig.clock.jump(60_000);
  assert.equal((await rig.read()).kind, 'batch');
  assert.deepEqual(
    [...asked],
    rig.apiServer.tokens.issued.map(({ token }) => `Bearer ${token}`),
  );
  assertOnlyIssued(rig.apiServer, rig.kubelet);
});

test('a token that may write when it is renewed is not sent; the last one is used until it expires', async () => {
  await using rig = await start(['--scrape-workers=0', flag]);
  configure(rig.apiServer);
  await rig.read();
  rig.apiServer.reviews.access = () => ({ allowed: true });
  rig.clock.jump(lifeMs * 0.9);
  await rig.read();
  rig.clock.jump(lifeMs * 0.1);
  assert.match(inspect(await rig.read()), /it may write to the cluster/);
  assert.deepEqual(new Set(headersAt(rig.kubelet)), new Set([`Bearer ${rig.apiServer.tokens.issued[0]?.token}`]));
});

test('through the node proxy kubelets get only what kube-apiserver sends, and no token is requested', async () => {
  await using rig = await start(['--kubelet-connection=proxy', flag]);
  configure(rig.apiServer);
  assert.equal((await rig.read()).kind, 'batch');
  assert.deepEqual(headersAt(rig.kubelet), ["Bearer kube-apiserver's"]);
  assert.equal(rig.apiServer.tokens.issued.length, 0);
});

test('our own client certificate is shown to kubelets only without an account for them', async () => {
  for (const [flags, names] of [
    [[flag], [undefined]],
    [['--kubelet-service-account=own'], ['we']],
  ] as const) {
    await using rig = await start(['--scrape-workers=0', ...flags], () => true, true);
    configure(rig.apiServer);
    assert.equal((await rig.read()).kind, 'batch');
    assert.deepEqual(
      rig.kubelet.requests.map(({ clientName }) => clientName),
      names,
    );
  }
});

test('plain HTTP carries no token, and none is requested', async () => {
  await using rig = await start(['--scrape-workers=0', '--deprecated-kubelet-completely-insecure', flag]);
  configure(rig.apiServer);
  await rig.read();
  assert.equal(rig.apiServer.tokens.issued.length, 0);
});

test('the whole program scrapes every node with tokens of the account alone', async () => {
  const accepts = (token: string, { tokens }: FakeApiServer) => tokens.issued.some((each) => each.token === token);
  await using cluster = await startWholeCluster([`--kubelet-service-account=${account}`], {
    accepts,
    prepare: configure,
  });
  const { apiServer, kubelet, otherKubelet } = cluster;
  await until('both kubelets were scraped', () => [kubelet, otherKubelet].every(({ requests }) => requests.length > 0));
  for (const each of [kubelet, otherKubelet]) assertOnlyIssued(apiServer, each);
  assert.equal(apiServer.tokens.issued.length, 1, 'one token for all nodes');
});
