/** The client of PromQL engines against the fake Prometheus. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { inClusterApiServer } from '../../src/client/apiserver.ts';
import { kubeconfigApiServer } from '../../src/client/kubeconfig.ts';
import { keepSecret } from '../../src/foreigntext.ts';
import { silentLogger } from '../../src/logging.ts';
import { createPromqlClient, type PromqlClient, type PromqlClientOptions } from '../../src/promql/client.ts';
import { createEngine, type EngineOptions } from '../../src/promql/engine.ts';
import { laneLimits } from '../../src/promql/requestslots.ts';
import { createResolver } from '../../src/dns/resolver.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { createFakePrometheus, type FakePrometheus, type PromqlFault } from '../fakes/prometheus.ts';
import { until } from '../fakes/until.ts';

const forever = new AbortController().signal;
const { resolve } = createResolver();

interface ClientSettings extends Partial<Omit<PromqlClientOptions, 'engine'>> {
  readonly engine?: Partial<EngineOptions>;
}

function clientOf(
  prometheus: Pick<FakePrometheus, 'url'>,
  { engine = {}, ...options }: ClientSettings = {},
): PromqlClient {
  const base = {
    name: 'prometheus',
    url: prometheus.url,
    verb: 'GET',
    headers: [],
    clock: systemClock,
    log: silentLogger,
  } as const;
  return createPromqlClient({ engine: createEngine({ ...base, ...engine }), resolve, random: () => 0, ...options });
}

const ask = (client: PromqlClient, query = 'up', subject = 'rule', signal = forever) =>
  client.query({ query, subject, flow: { lane: 'users', key: 'alice' } }, signal);

const list = (client: PromqlClient, match: string, signal = forever) =>
  client.series({ match, startMs: 0, subject: `series ${match}` }, namesOf, signal);

const namesOf = () => {
  const names: string[] = [];
  return {
    add: (labels: Readonly<Record<string, unknown>>) => names.push(String(labels['__name__'])),
    result: () => names,
  };
};

test('a query is sent with the remaining time and answered with samples', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus, { deadlineMs: 20_000 });
  prometheus.resultOf = () => [[{ pod: 'web-0' }, '1.5']];
  const { type, samples } = await ask(client, 'sum(up) by (pod)');
  assert.equal(type, 'vector');
  assert.deepEqual([...(samples[0]?.labels ?? [])], [['pod', 'web-0']]);
  assert.equal(samples[0]?.value, 1.5);
  const [call] = prometheus.requests;
  assert.equal(call?.method, 'GET');
  assert.deepEqual(
    [...(call?.parameters ?? [])],
    [
      ['query', 'sum(up) by (pod)'],
      ['timeout', '20000ms'],
    ],
  );
});

test('as the adapter, a query has its time and an empty timeout', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus, { asAdapter: true });
  await client.query(
    { query: 'up', timeMs: 1_795_913_979_894, subject: 'rule', flow: { lane: 'users', key: '' } },
    forever,
  );
  assert.deepEqual(
    [...(prometheus.requests[0]?.parameters ?? [])],
    [
      ['query', 'up'],
      ['time', '1795913979.894'],
      ['timeout', ''],
    ],
  );
});

test('series are folded while they arrive', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus);
  prometheus.seriesOf = () => Array.from({ length: 5_000 }, (_, index) => ({ __name__: `m${index}`, pod: 'a' }));
  const answer = await client.series({ match: '{pod!=""}', startMs: 1_000, subject: 'rule' }, namesOf, forever);
  assert.equal(answer.series, 5_000);
  assert.equal(answer.result.at(-1), 'm4999');
  assert.equal(prometheus.requests[0]?.parameters.get('start'), '1.000');
});

test('a big answer is read while other work goes on', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus);
  const labels = { __name__: 'm', namespace: 'shop', pod: 'a-pod-with-a-rather-long-name-0123456789', path: '/a/b/c' };
  prometheus.seriesOf = () => Array.from({ length: 100_000 }, (_, index) => ({ ...labels, instance: String(index) }));
  let iterations = 0;
  let isDone = false;
  const count = (): void => {
    iterations += 1;
    if (!isDone) setImmediate(count);
  };
  const answering = client.series({ match: 'm', startMs: 0, subject: 'rule' }, namesOf, forever);
  count();
  assert.equal((await answering).series, 100_000);
  isDone = true;
  assert.ok(iterations > 20, `the event loop went on ${iterations} times`);
});

test('a header that is given twice is sent twice, as by prometheus-adapter', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus, { engine: { headers: ['X-Scope-OrgID=a', 'x-scope-orgid=b'] } });
  await ask(client);
  // Node joins them.
  assert.equal(prometheus.requests[0]?.headers['x-scope-orgid'], 'a, b');
});

test('a long query is sent by POST', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus);
  const query = `up{pod=~"${Array.from({ length: 1_500 }, (_, index) => `a-deployment-5f7d8c9b6d-${index}`).join('|')}"}`;
  await ask(client, query);
  assert.equal(prometheus.requests[0]?.method, 'POST');
  assert.equal(prometheus.requests[0]?.parameters.get('query'), query);
  assert.ok((prometheus.requests[0]?.urlBytes ?? 0) < 100);
});

test('a hung query ends at its deadline, and its connection is closed', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus, { deadlineMs: 500 });
  prometheus.fault = () => 'hang';
  await assert.rejects(ask(client), { name: 'PromqlError', problem: 'late', message: /did not answer within 0.5 s/ });
  await until('Prometheus sees the end of the query', () => prometheus.cancelled === 1);
  assert.equal(prometheus.requests.length, 1, 'a timeout is not retried');
});

test('an answer that stalls in its middle ends at the deadline', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus, { deadlineMs: 100 });
  prometheus.fault = () => 'stall';
  await assert.rejects(ask(client), { problem: 'late' });
});

test('lists that wait for hung ones are sent and have the whole deadline then', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus, { deadlineMs: 2_000 });
  prometheus.fault = ({ parameters }) => (parameters.get('match[]')?.startsWith('hung') === true ? 'hang' : undefined);
  const { slots } = laneLimits.lists;
  const hung = Array.from({ length: 2 * slots }, (_, index) =>
    assert.rejects(list(client, `hung${index}`), { problem: 'late', message: /did not answer within 2 s/ }),
  );
  const answered = list(client, 'answered');
  await Promise.all(hung);
  await answered;
  assert.equal(prometheus.requests.length, 2 * slots + 1);
});

test('a list has a deadline of its own', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus, { deadlineMs: 50, listDeadlineMs: 600_000 });
  prometheus.seriesOf = () => [{ __name__: 'slow' }];
  prometheus.fault = () => 'hang';
  const slow = list(client, 'slow');
  await assert.rejects(ask(client), { problem: 'late', message: /within 0.05 s/ });
  prometheus.fault = undefined;
  prometheus.release();
  assert.deepEqual((await slow).result, ['slow']);
});

test('the wait of a list for others is limited', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus, { listWaitMs: 50 });
  prometheus.fault = () => 'hang';
  const { slots } = laneLimits.lists;
  const end = new AbortController();
  const hung = Array.from({ length: slots }, () => assert.rejects(list(client, 'hung', end.signal), /the test ends/));
  await assert.rejects(list(client, 'waits'), { problem: 'late', message: /earlier lists of series.*for 0.05 s/ });
  await until('the others are sent', () => prometheus.requests.length >= slots);
  assert.equal(prometheus.requests.length, slots);
  end.abort(new Error('the test ends'));
  await Promise.all(hung);
});

test('a query whose caller leaves is cancelled at Prometheus and counts for no breaker', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus);
  prometheus.fault = () => 'hang';
  for (let count = 1; count <= 5; count += 1) {
    const caller = new AbortController();
    const asked = assert.rejects(ask(client, 'up', 'rule', caller.signal), /the client left/);
    await until('the query hangs', () => prometheus.waiting === 1);
    caller.abort(new Error('the client left'));
    await asked;
    await until('it is cancelled', () => prometheus.cancelled === count);
  }
  prometheus.fault = undefined;
  await ask(client);
});

test('a hung rule does not keep another one from its answers', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus, { deadlineMs: 3_000 });
  prometheus.fault = ({ parameters }) => (parameters.get('query') === 'heavy' ? 'hang' : undefined);
  const heavy = Array.from({ length: 4 }, () => assert.rejects(ask(client, 'heavy', 'heavy'), { problem: 'late' }));
  await ask(client, 'light', 'light');
  await Promise.all(heavy);
  await assert.rejects(ask(client, 'heavy', 'heavy'), /not asked/);
  await ask(client, 'light', 'light');
});

for (const [what, fault] of [
  ['a connection that is cut', 'hang up'],
  ['half a body', 'half'],
  ['503 of a proxy', 503],
  ['an error of the engine', { code: 500, body: '{"status":"error","errorType":"internal","error":"no disk"}' }],
  ['408', 408],
  ['425', 425],
  [
    '422 since a store is away',
    {
      code: 422,
      body: '{"status":"error","errorType":"execution","error":"proxy Series(): rpc error: code = Unavailable desc = connection error"}',
    },
  ],
] as const satisfies readonly (readonly [string, PromqlFault])[]) {
  test(`a GET is tried again after ${what}`, async () => {
    await using prometheus = await createFakePrometheus();
    await using client = clientOf(prometheus);
    let faults = 2;
    prometheus.fault = () => (faults-- > 0 ? fault : undefined);
    await ask(client);
    assert.equal(prometheus.requests.length, 3);
  });
}

test('a query that took the engine too long is late, and is not tried again, whatever the status', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus);
  const error = 'query timed out in expression evaluation';
  prometheus.fault = () => ({ code: 422, body: JSON.stringify({ status: 'error', errorType: 'execution', error }) });
  await assert.rejects(ask(client), { problem: 'late', message: /422 execution: query timed out/ });
  assert.equal(prometheus.requests.length, 1);
});

test('an engine that asks for fewer requests is not asked again at once', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus);
  const body = '{"status":"error","errorType":"too_many_requests","error":"too many outstanding requests"}';
  prometheus.fault = () => ({ code: 429, body });
  await assert.rejects(ask(client), { problem: 'failed', message: /429 too_many_requests/ });
  assert.equal(prometheus.requests.length, 1);
});

test('a long query that a proxy refuses as POST is sent by GET, and later ones at once', async () => {
  await using prometheus = await createFakePrometheus();
  const clock = createFakeClock();
  await using client = clientOf(prometheus, { clock });
  prometheus.fault = ({ method }) => (method === 'POST' ? 405 : undefined);
  const methods = async () => {
    const before = prometheus.requests.length;
    await ask(client, `up{pod=~"${'web|'.repeat(1_000)}"}`);
    return prometheus.requests.slice(before).map(({ method }) => method);
  };
  assert.deepEqual(await methods(), ['POST', 'GET']);
  assert.deepEqual(await methods(), ['GET']);
  clock.jump(600_000);
  prometheus.fault = undefined;
  assert.deepEqual(await methods(), ['POST']);
});

test('an account that may not query at all is refused by both methods, and POST stays the one for long queries', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus);
  prometheus.fault = () => 403;
  const long = `up{pod=~"${'web|'.repeat(1_000)}"}`;
  await assert.rejects(ask(client, long), /answered 403.*allow our account/);
  await assert.rejects(ask(client, long), /answered 403/);
  assert.deepEqual(
    prometheus.requests.map(({ method }) => method),
    ['POST', 'GET', 'POST', 'GET'],
  );
});

test('a POST that was asked for is not sent by GET', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus, { engine: { verb: 'POST' } });
  prometheus.fault = () => 405;
  await assert.rejects(ask(client, 'up'), /answered 405/);
  assert.equal(prometheus.requests.length, 1);
});

test('a POST is not tried again', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus, { engine: { verb: 'POST' } });
  prometheus.fault = () => 503;
  await assert.rejects(ask(client), { problem: 'interrupted' });
  assert.equal(prometheus.requests.length, 1);
});

for (const [what, fault, message] of [
  [
    '400',
    { code: 400, body: '{"status":"error","errorType":"bad_data","error":"1:5: parse error"}' },
    /400 bad_data: 1:5: parse error/,
  ],
  ['401', 401, /401.*--prometheus-token-file/],
  ['404', 404, /404.*path of --prometheus-url/],
  [
    '422',
    { code: 422, body: '{"status":"error","errorType":"execution","error":"duplicate series"}' },
    /422 execution: duplicate/,
  ],
  [
    'a redirect',
    { code: 302, body: '', headers: { location: 'http://other:1/x?y=z' } },
    /redirects \(302\) to http:\/\/other:1\/x;/,
  ],
  ['HTML', { code: 200, body: '<html></html>' }, /not JSON/],
  ['an empty body', { code: 200, body: '' }, /is empty/],
  ['an empty object', { code: 200, body: '{}' }, /status/],
  ['no data', { code: 200, body: '{"status":"success","data":null}' }, /resultType is missing/],
  ['an error with 200', { code: 200, body: '{"status":"error","errorType":"x","error":"y"}' }, /status/],
  [
    'another result type',
    { code: 200, body: '{"status":"success","data":{"resultType":"streams","result":[]}}' },
    /streams/,
  ],
  ['deep nesting', { code: 200, body: `{"data":${'['.repeat(50)}${']'.repeat(50)}}` }, /nested deeper/],
] as const satisfies readonly (readonly [string, PromqlFault, RegExp])[]) {
  test(`${what} is an error with its reason, and is not tried again`, async () => {
    await using prometheus = await createFakePrometheus();
    await using client = clientOf(prometheus);
    prometheus.fault = () => fault;
    await assert.rejects(ask(client), (error: Error) => error.name === 'PromqlError' && message.test(error.message));
    assert.equal(prometheus.requests.length, 1);
  });
}

test('answers beyond a limit are refused with it', async () => {
  await using prometheus = await createFakePrometheus();
  const limits = { bytes: 2_000, elements: 10, elementBytes: 500, envelopeBytes: 500, depth: 8 };
  await using client = clientOf(prometheus, { limits: { query: limits, series: limits } });
  prometheus.resultOf = () => Array.from({ length: 11 }, () => [{}, '1'] as const);
  await assert.rejects(ask(client), /more than 10 series; let the rule select or aggregate more/);
  prometheus.resultOf = () => [[{ label: 'x'.repeat(500) }, '1']];
  await assert.rejects(ask(client), /more than 500 bytes/);
  prometheus.extra = { warnings: ['x'.repeat(500)] };
  prometheus.resultOf = () => [];
  await assert.rejects(ask(client), /beside its series/);
  prometheus.resultOf = () => Array.from({ length: 9 }, () => [{ label: 'x'.repeat(300) }, '1'] as const);
  await assert.rejects(ask(client), /more than 2000 bytes/);
});

test('an engine that is away is asked seldom, and at once after its return', async () => {
  const prometheus = await createFakePrometheus();
  const clock = createFakeClock();
  let draws = 0;
  const random = () => {
    draws += 1;
    return 0;
  };
  await using client = clientOf(prometheus, { clock, random });
  await prometheus.down();
  await assert.rejects(ask(client), { problem: 'unavailable', message: /cannot be reached \(ECONNREFUSED\)/ });
  const before = draws;
  await assert.rejects(ask(client, 'up', 'another'), /not asked, since the last requests failed/);
  assert.equal(draws, before, 'a request that is not sent has no pause before another try');
  await prometheus.up();
  clock.jump(5_000);
  await ask(client);
  await ask(client, 'up', 'another');
  await prometheus.down();
});

test('warnings and partial answers come with the samples', async () => {
  await using prometheus = await createFakePrometheus();
  await using client = clientOf(prometheus);
  prometheus.extra = { warnings: ['store a is away'], infos: ['not a counter'], isPartial: true };
  assert.deepEqual((await ask(client)).notes, {
    warnings: ['store a is away'],
    infos: ['not a counter'],
    isPartial: true,
  });
});

test('headers, basic authentication, path prefix and URL parameters reach Prometheus', async () => {
  await using prometheus = await createFakePrometheus({ prefix: '/prometheus' });
  const url = `${prometheus.url.replace('//', '//user:pa%3Ass@')}/?dedup=true`;
  await using client = clientOf(prometheus, { engine: { url, headers: ['X-Scope-OrgID=team-a=b'] } });
  await ask(client);
  const [call] = prometheus.requests;
  assert.equal(call?.path, '/prometheus/api/v1/query');
  assert.equal(call?.parameters.get('dedup'), 'true');
  assert.equal(call?.headers['x-scope-orgid'], 'team-a=b');
  assert.equal(call?.headers.authorization, `Basic ${Buffer.from('user:pa:ss').toString('base64')}`);
});

test('no request, and so no credential, follows a redirect to another host', async () => {
  using folder = createFolder();
  await using other = await createFakePrometheus();
  await using prometheus = await createFakePrometheus();
  const tokenFile = folder.write('token', 'a-token-for-the-first-host-only');
  for (const verb of ['GET', 'POST'] as const) {
    await using client = clientOf(prometheus, { engine: { tokenFile, verb, headers: ['X-Scope-OrgID=team-a'] } });
    for (const code of [301, 302, 303, 307, 308]) {
      prometheus.fault = () => ({ code, body: '', headers: { location: `${other.url}/api/v1/query` } });
      await assert.rejects(ask(client), { problem: 'refused', message: new RegExp(`redirects \\(${code}\\) to`) });
    }
  }
  assert.equal(prometheus.requests.length, 10);
  assert.equal(other.requests.length, 0);
});

test('TLS is verified by --prometheus-ca-file, and a client certificate is shown', async () => {
  using folder = createFolder();
  const authority = makeAuthority('prometheus CA');
  const serving = authority.issue({ cn: 'prometheus', ips: ['127.0.0.1'], usages: ['server'] });
  const own = authority.issue({ cn: 'kubegauge', usages: ['client'] });
  await using prometheus = await createFakePrometheus({ tls: { ...serving, clientCa: authority.cert } });
  await using stranger = clientOf(prometheus);
  await assert.rejects(ask(stranger), { problem: 'unavailable', message: /TLS failed.*--prometheus-ca-file/ });
  const files = { caFile: folder.write('ca', authority.cert), certFile: folder.write('cert', own.cert) };
  await using client = clientOf(prometheus, { engine: { ...files, keyFile: folder.write('key', own.key) } });
  await ask(client);
  assert.equal(prometheus.requests.at(-1)?.clientName, 'kubegauge');
});

test('a rotated token is used without a restart, and its newline is no part of it', async () => {
  using folder = createFolder();
  await using prometheus = await createFakePrometheus();
  const tokenFile = folder.write('token', 'first-token-for-prometheus\n');
  await using client = clientOf(prometheus, { engine: { tokenFile } });
  let accepted = 'Bearer first-token-for-prometheus';
  prometheus.fault = ({ headers }) => (headers.authorization === accepted ? undefined : 401);
  await ask(client);
  accepted = 'Bearer second-token-for-prometheus';
  folder.write('token', 'second-token-for-prometheus\n');
  await ask(client);
  assert.deepEqual(
    prometheus.requests.map(({ headers }) => headers.authorization),
    ['Bearer first-token-for-prometheus', 'Bearer first-token-for-prometheus', 'Bearer second-token-for-prometheus'],
  );
});

test('credentials and CA of a kubeconfig are used for Prometheus', async () => {
  using folder = createFolder();
  const authority = makeAuthority('prometheus CA');
  const serving = authority.issue({ cn: 'prometheus', ips: ['127.0.0.1'], usages: ['server'] });
  await using prometheus = await createFakePrometheus({ tls: serving });
  const kubeconfig = {
    'current-context': 'a',
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    clusters: [
      {
        name: 'a',
        cluster: {
          server: 'https://kube-apiserver.example',
          'certificate-authority-data': Buffer.from(authority.cert).toString('base64'),
        },
      },
    ],
    users: [{ name: 'a', user: { token: 'from-the-kubeconfig' } }],
  };
  const account = await kubeconfigApiServer(folder.write('config', JSON.stringify(kubeconfig)));
  await using client = clientOf(prometheus, { engine: { account } });
  await ask(client);
  assert.equal(prometheus.requests[0]?.headers.authorization, 'Bearer from-the-kubeconfig');
});

test("our pod's token and CA are used for Prometheus", async () => {
  using folder = createFolder();
  const authority = makeAuthority('cluster CA');
  const serving = authority.issue({ cn: 'prometheus', ips: ['127.0.0.1'], usages: ['server'] });
  await using prometheus = await createFakePrometheus({ tls: serving });
  folder.write('token', 'of-our-pod');
  folder.write('ca.crt', authority.cert);
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
  await using client = clientOf(prometheus, { engine: { account: inClusterApiServer(env, { folder: folder.path }) } });
  await ask(client);
  assert.equal(prometheus.requests[0]?.headers.authorization, 'Bearer of-our-pod');
});

test('no error repeats a secret that Prometheus repeats', async () => {
  using folder = createFolder();
  await using prometheus = await createFakePrometheus();
  const secret = 'a-secret-token-of-32-characters!';
  const headers = [`X-Api-Key=${secret.toUpperCase()}`];
  await using client = clientOf(prometheus, { engine: { tokenFile: folder.write('token', secret), headers } });
  const said = `Bearer ${secret} and ${secret.toUpperCase()} are unknown`;
  prometheus.fault = () => ({ code: 403, body: JSON.stringify({ status: 'error', errorType: 'x', error: said }) });
  await assert.rejects(ask(client), (error: Error) => {
    assert.match(error.message, /are unknown/);
    assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /a-secret-token/i);
    return true;
  });
});

test('secrets in headers and in the URL stay redacted, however often other tokens rotate', async () => {
  await using prometheus = await createFakePrometheus();
  const secrets = ['an-api-key-that-never-changes-itself', 'a-parameter-that-is-a-secret-of-ours'];
  const [header = '', parameter = ''] = secrets;
  const url = `${prometheus.url}/?access_token=${parameter}`;
  await using client = clientOf(prometheus, { engine: { url, headers: [`X-Api-Key=${header}`] } });
  for (let rotation = 0; rotation < 100; rotation += 1)
    keepSecret(`Bearer another-token-for-kubelets-of-rotation-${rotation}`);
  prometheus.fault = () => ({ code: 422, body: JSON.stringify({ error: secrets.join(' and ') }) });
  await assert.rejects(ask(client), (error: Error) => {
    assert.match(error.message, /422: <redacted> and <redacted>/);
    return true;
  });
});

interface Folder extends Disposable {
  readonly path: string;
  write(name: string, text: string): string;
}

function createFolder(): Folder {
  const folder = mkdtempSync(path.join(tmpdir(), 'promql-'));
  return {
    path: folder,
    write(name, text) {
      writeFileSync(path.join(folder, name), text);
      return path.join(folder, name);
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
