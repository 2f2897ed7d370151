/** DNS that is silent for some names costs neither other nodes nor reviews anything, and errors say that it is DNS. */
import assert from 'node:assert/strict';
import { lookup } from 'node:dns';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { createRestClient } from '../../src/client/rest.ts';
import { createTokenReviewer } from '../../src/client/reviews.ts';
import { systemClock } from '../../src/clock.ts';
import { replaceLookup } from '../../src/dns/lookup.ts';
import { createKubeletClient, type KubeletClientOptions } from '../../src/kubelet/client.ts';
import type { HttpClient } from '../../src/kubelet/nodeconnections.ts';
import { explainFailure } from '../../src/kubelet/explain/explainfailure.ts';
import { createKubeletProxy } from '../../src/kubelet/proxy.ts';
import { describeError, silentLogger } from '../../src/logging.ts';
import { createWorkerPool } from '../../src/scrape/endpoint/workers/workerpool.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { type Authority, makeAuthority } from '../fakes/certificates.ts';
import { createFakeDns, type DnsAnswer, type FakeDns } from '../fakes/dnsserver.ts';
import { createFakeKubelet, type FakeKubelet } from '../fakes/kubelet.ts';
import { createFakeSystem, type FakeSystem } from '../fakes/resolver.ts';
import { until } from '../fakes/until.ts';

const never = new AbortController().signal;
const silentNames = Array.from({ length: 10 }, (_, index) => `silent-${index}`);

let authority: Authority;
let kubelet: FakeKubelet;
let apiServer: FakeApiServer;
let dns: FakeDns;
let system: FakeSystem;

before(async () => {
  authority = makeAuthority('kubelets');
  const certificate = authority.issue({ cn: 'good', dns: ['good'], ips: ['127.0.0.1'], usages: ['server'] });
  kubelet = await createFakeKubelet({ certificate, accepts: () => true });
  apiServer = await createFakeApiServer();
  const silent = Object.fromEntries(silentNames.map((name): [string, DnsAnswer] => [name, 'silent']));
  dns = await createFakeDns({ ...silent, 'kube.example': { addresses: ['127.0.0.1'] } });
  system = createFakeSystem({ hosts: '127.0.0.1 good' }, { servers: [dns.server] });
});

after(async () => {
  system[Symbol.dispose]();
  await dns[Symbol.asyncDispose]();
  await apiServer.close();
  await kubelet.close();
});

function options(httpClient: HttpClient, requestTimeoutMs: number): KubeletClientOptions {
  return {
    tls: () => ({ ca: authority.cert, cert: undefined, key: undefined, insecure: false }),
    authorization: () => 'Bearer good',
    plainHttp: false,
    requestTimeoutMs,
    httpClient,
    resolve: system.resolver.resolve,
  };
}

function request(node: string) {
  return {
    node,
    host: node,
    port: kubelet.port,
    path: '/metrics/cadvisor',
    accept: 'text/plain',
    gzip: false,
    alternatives: 0,
  };
}

/** kube-apiserver under a name, whose certificate is verified for the address that it has. */
function namedApiServer(name: string) {
  const { url, tls, ...others } = apiServer.connection;
  return { ...others, url: url.replace('127.0.0.1', name), tls: () => ({ ...tls(), rejectUnauthorized: false }) };
}

for (const httpClient of ['built-in', 'undici'] as const) {
  describe(`with the ${httpClient} client`, () => {
    test('ten silent names hold up neither a good node nor a review', async () => {
      apiServer.reviews.token = () => ({ authenticated: true, user: { username: 'ann' } });
      await using kubelets = createKubeletClient(options(httpClient, 60_000));
      await using rest = createRestClient(namedApiServer('kube.example'), { resolve: system.resolver.resolveFirst });
      const abort = new AbortController();
      const silent = silentNames.map((name) => kubelets.fetch(request(name), abort.signal).catch(explainFailure));
      await until('all silent names are asked for', () =>
        silentNames.every((name) => dns.questions.includes(`A ${name}`)),
      );
      const answer = await kubelets.fetch(request('good'), never);
      assert.deepEqual([answer.status, answer.verifiedBy], [200, 'address']);
      assert.equal((await createTokenReviewer(rest).review('token')).kind, 'authenticated');
      abort.abort(new Error('enough'));
      await Promise.all(silent);
    });

    test('a name that is not resolved in time is reported as such and its look-up ends', async () => {
      await using kubelets = createKubeletClient(options(httpClient, 300));
      const explanation = await kubelets.fetch(request('silent-0'), never).then(() => assert.fail(), explainFailure);
      assert.equal(explanation.code, 'NameUnknown');
      assert.match(
        explanation.what,
        /^the name silent-0 could not be resolved: no answer from .*DNS.* within \d+ ms; .* node silent-0/,
      );
      assert.doesNotMatch(`${explanation.what} ${explanation.remedy}`, /firewall|NetworkPolic/);
      // A look-up that went on would repeat its question after a second.
      const asked = dns.questions.length;
      await system.resolver.resolve('kube.example', never);
      const later = new AbortController();
      const other = system.resolver.resolve('silent-9', later.signal).catch(() => undefined);
      await until(
        'another name is asked for again',
        () => dns.questions.slice(asked).filter((each) => each === 'A silent-9').length > 1,
      );
      later.abort();
      await other;
      assert.ok(
        !dns.questions.slice(asked).some((each) => each.endsWith('silent-0')),
        dns.questions.slice(asked).join(),
      );
    });

    test('a name that does not exist is reported as such', async () => {
      await using kubelets = createKubeletClient(options(httpClient, 10_000));
      const explanation = await kubelets.fetch(request('nowhere'), never).then(() => assert.fail(), explainFailure);
      assert.equal(explanation.code, 'NameUnknown');
      assert.match(explanation.what, /^the name nowhere could not be resolved: there is no such name/);
    });
  });
}

test('a worker thread leaves look-ups to the main thread, and ends them', async () => {
  await using endpoints = createWorkerPool({ ...options('built-in', 3_000), clock: systemClock, log: silentLogger });
  const at = (host: string) => [{ host, port: kubelet.port }] as const;
  const silent = silentNames.map((name) => endpoints.of(name).cadvisor(at(name), never));
  const result = await endpoints.of('good').cadvisor(at('good'), never);
  assert.equal(result.kind, 'batch');
  for (const each of await Promise.all(silent)) {
    assert.equal(each.kind, 'unanswered');
    assert.match(
      each.kind === 'unanswered' ? each.why.what : '',
      /^the name silent-\d could not be resolved: no answer from .*DNS/,
    );
  }
});

test('a request to kube-apiserver whose name is not resolved says so', async () => {
  await using rest = createRestClient(namedApiServer('silent-1'), { resolve: system.resolver.resolveFirst });
  await assert.rejects(rest.get('/api', { timeoutMs: 100 }), (error) => {
    assert.match(describeError(error), /the name silent-1 could not be resolved: no answer from DNS within \d+ ms/);
    return true;
  });
});

test('the node proxy says so, too', async () => {
  const proxy = createKubeletProxy({
    apiServer: namedApiServer('silent-2'),
    requestTimeoutMs: 100,
    resolve: system.resolver.resolveFirst,
  });
  const explanation = await proxy.fetch(request('good'), never).then(() => assert.fail(), explainFailure);
  assert.match(explanation.what, /kube-apiserver at silent-2:\d+.*the name silent-2 could not be resolved/);
  await proxy[Symbol.asyncDispose]();
});

test('code that cannot be given a look-up uses the same one', async () => {
  const dnsModule = (await import('node:dns')).default;
  const { lookup: original } = dnsModule;
  replaceLookup(system.resolver.resolve);
  try {
    const response = await fetch(`http://kube.example:${new URL(apiServer.connection.url).port}/`).catch(
      (error: unknown) => error,
    );
    // kube-apiserver speaks TLS, so this fails, but only after the name was found.
    assert.match(describeError(response), /socket|terminated|closed|reset/i);
    assert.ok(dns.questions.includes('A kube.example'));
    await assert.rejects(fetch('http://nowhere/'), (error) =>
      /the name nowhere could not be resolved/.test(describeError(error)),
    );
    const replaced = promisify(dnsModule.lookup);
    assert.deepEqual(await replaced('good'), '127.0.0.1');
    assert.deepEqual(await replaced('good', { all: true }), [{ address: '127.0.0.1', family: 4 }]);
    assert.notEqual(dnsModule.lookup, lookup);
  } finally {
    dnsModule.lookup = original;
  }
});
