/** The whole program over a fake Prometheus: flags and the rules file in, custom and external metrics out. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ClientHttp2Session } from 'node:http2';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { waitFor } from '../cluster/wait.ts';
import { aggregatedDiscovery } from '../fakes/discovery.ts';
import { ask2, openSession } from '../fakes/http2client.ts';
import { createFakePrometheus, type FakePrometheus } from '../fakes/prometheus.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';
import { until } from '../fakes/until.ts';
import { startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
const resources = 'resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}';
const rules = `
rules:
- {seriesQuery: 'requests{pod!=""}', ${resources}, metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}
externalRules:
- {seriesQuery: 'queue_depth', ${resources}, metricsQuery: '<<.Series>>{<<.LabelMatchers>>}'}
`;
const password = 'a-password-that-is-in-no-answer';

suite('metrics of Prometheus in the whole program', () => {
  let folder: string;
  let prometheus: FakePrometheus;
  let cluster: WholeCluster;
  let session: ClientHttp2Session;
  const recorded = createRecordingLog();

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'prometheusmetrics-'));
    writeFileSync(path.join(folder, 'config.yaml'), rules);
    prometheus = await createFakePrometheus();
    prometheus.seriesOf = (match) =>
      match.startsWith('requests')
        ? [{ __name__: 'requests', namespace: 'default', pod: 'x' }]
        : [{ __name__: 'queue_depth', namespace: 'default', queue: 'orders' }];
    const url = prometheus.url.replace('//', `//user:${password}@`);
    const flags = ['-c', path.join(folder, 'config.yaml'), `--prometheus-url=main=${url}`, '--logtostderr=true'];
    cluster = await startWholeCluster([...flags, '--prometheus-header=X-Scope-OrgID=team-a'], {
      log: recorded.log,
      prepare: ({ documents }) => {
        for (const [document, body] of aggregatedDiscovery()) documents.set(document, body);
      },
    });
    await until('the program asks for series', () => prometheus.requests.length >= 2);
    const certificate = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
    await until('it listens', () => cluster.apiServer.requests.length > 0);
    session = await openSession(cluster.port, certificate);
  });
  after(async () => {
    session?.destroy();
    await cluster?.[Symbol.asyncDispose]();
    await prometheus?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const get = async (url: string) => {
    const { status, text } = await ask2(session, url, admin);
    return { status, body: JSON.parse(text) };
  };

  /** Asks, each time after the last answer, until found finds what it looks for in one; at most 120 s. */
  const asked = <T>(description: string, found: () => Promise<T | undefined>) =>
    waitFor(description, found, 120_000, 20);

  /** Asks until the answer is a 200. */
  const served = (url: string) =>
    asked(`${url} is served`, async () => {
      const { status, body } = await get(url);
      return status === 200 ? body : undefined;
    });

  const customPath = '/apis/custom.metrics.k8s.io/v1beta2';
  const externalPath = '/apis/external.metrics.k8s.io/v1beta1';

  test('discovery lists the metrics of the rules', async () => {
    await served(customPath);
    const names = async (document: string) =>
      (await get(document)).body.resources.map(({ name }: { name: string }) => name).toSorted();
    const listed = await asked('the metrics are listed', async () => {
      const [custom, external] = [await names(customPath), await names(externalPath)];
      return custom.length >= 2 && external.length > 0 ? { custom, external } : undefined;
    });
    assert.deepEqual(listed, { custom: ['namespaces/requests', 'pods/requests'], external: ['queue_depth'] });
  });

  test('values of pods are matched from memory and asked for in one query, with credentials and headers', async () => {
    prometheus.resultOf = (query) => [...query.matchAll(/[a-z0-9-]+(?=["|])/g)].map(([pod]) => [{ pod }, '1.5']);
    const [pod] = cluster.kubelet.model.pods;
    assert.ok(pod);
    const { items } = await served(`${customPath}/namespaces/${pod.namespace}/pods/*/requests`);
    assert.ok(
      items.some(({ describedObject }: { describedObject: { name: string } }) => describedObject.name === pod.name),
    );
    for (const { value } of items) assert.equal(value, '1500m');
    const call = prometheus.requests.findLast(({ endpoint }) => endpoint === 'query');
    assert.equal(call?.headers['x-scope-orgid'], 'team-a');
    assert.equal(call?.parameters.get('timeout'), '54000ms', 'nine tenths of --request-timeout');
    assert.equal(call?.headers.authorization, `Basic ${Buffer.from(`user:${password}`).toString('base64')}`);
  });

  test('values of external metrics come with their labels', async () => {
    prometheus.resultOf = () => [[{ queue: 'orders' }, '12']];
    const { items } = await served(`${externalPath}/namespaces/default/queue_depth?labelSelector=queue%3Dorders`);
    assert.deepEqual([items[0].metricLabels, items[0].value], [{ queue: 'orders' }, '12']);
  });

  test('/status has the last success, the series and the query of each rule', async () => {
    const { body } = await get('/status');
    const rules = body.metricRules.map((each: Record<string, unknown>) => {
      const { source, rule, metrics, series, query, lastSuccess, error } = each;
      return [source, rule, metrics, series, query, typeof lastSuccess, error];
    });
    const [custom, external] = rules;
    assert.deepEqual([...custom.slice(0, 4), ...custom.slice(5)], ['main', 'rules[0]', 2, 1, 'string', undefined]);
    const query = 'queue_depth{queue="orders",namespace="default"}';
    assert.deepEqual(external, ['main', 'externalRules[0]', 1, 1, query, 'string', undefined]);
  });

  test('a failure of Prometheus is explained without a password', async () => {
    prometheus.fault = () => ({ code: 400, body: JSON.stringify({ status: 'error', error: `no: ${password}` }) });
    const { status, body } = await get(`${externalPath}/namespaces/default/queue_depth?labelSelector=queue%3Dmails`);
    prometheus.fault = undefined;
    assert.equal(status, 500);
    assert.match(JSON.stringify(body), /Prometheus main at http:\/\/127.0.0.1/);
    assert.doesNotMatch(JSON.stringify(body), /a-password/);
  });

  test('changed rules are served without a restart', async () => {
    writeFileSync(
      path.join(folder, 'config.yaml'),
      rules.replaceAll("by (<<.GroupBy>>)'", "by (<<.GroupBy>>)', name: {as: renamed}"),
    );
    await asked('the new name is listed', async () => {
      const names = JSON.stringify((await get(customPath)).body);
      return names.includes('pods/renamed') && !names.includes('pods/requests') ? names : undefined;
    });
  });

  test('a resource that the cluster does not have is logged for changed rules as for the first ones', async () => {
    const unknown = 'warn: a rule names a resource that the cluster does not have';
    assert.ok(!recorded.lines.includes(unknown));
    writeFileSync(path.join(folder, 'config.yaml'), rules.replaceAll('resource: pod', 'resource: widget'));
    await until('it is logged', () => recorded.lines.includes(unknown));
  });
});
