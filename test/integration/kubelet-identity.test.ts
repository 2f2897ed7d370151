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

const account = 'kube-system/kubegauge-kubelets';
const flag = '--kubelet-service-account=kubegauge-kubelets';
const never = new AbortController().signal;
const lifeMs = tokenLifeSeconds * 1000;

interface Rig extends AsyncDisposable {
  readonly apiServer: FakeApiServer;
  readonly kubelet: FakeKubelet;
  readonly reader: KubeletReader;
  readonly clock: FakeClock;
  read(): Promise<ReadResult>;
}

/** Starts a fake kubelet that accepts every token by default, and what reads it by the flags. */
async function start(flags: readonly string[], accepts: (token: string) => boolean = () => true): Promise<Rig> {
  await using disposables = new AsyncDisposableStack();
  const authority = makeAuthority('cluster');
  const certificate = authority.issue({ cn: 'node-a', ips: ['127.0.0.1'], usages: ['server'] });
  const kubelet = disposables.use(await createFakeKubelet({ certificate, accepts }));
  const apiServer = disposables.use(
    await createFakeApiServer({
      authority,
      kubelets: new Map([['node-a', { port: kubelet.port, ca: authority.cert, token: "kube-apiserver's" }]]),
    }),
  );
  const clock = createFakeClock();
  const rest = disposables.use(createRestClient(apiServer.connection, { outage: createOutage(clock) }));
  const { readers } = createKubelets({
    options: parseCommandLine(flags).options,
    apiServer: { ...apiServer.connection, namespace: 'kube-system' },
    rest,
    resolver: disposables.use(createResolver()),
    clock,
    metrics: { workers: () => undefined },
    log: silentLogger,
  });
  disposables.use(readers);
  const reader = readers.of('node-a');
  const owned = disposables.move();
  return {
    apiServer,
    kubelet,
    reader,
    clock,
    read: () => reader.resource([{ host: '127.0.0.1', port: kubelet.port }], never),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
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

/** What happens to TokenRequests. */
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

test('through the node proxy kubelets get only what kube-apiserver sends, and no token is requested', async () => {
  await using rig = await start(['--kubelet-connection=proxy', flag]);
  configure(rig.apiServer);
  assert.equal((await rig.read()).kind, 'batch');
  assert.deepEqual(headersAt(rig.kubelet), ["Bearer kube-apiserver's"]);
  assert.equal(rig.apiServer.tokens.issued.length, 0);
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
