/** The whole program with --resource-metrics=prometheus over a fake Prometheus: metrics.k8s.io out, and no kubelet is asked. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ClientHttp2Session } from 'node:http2';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { waitFor } from '../cluster/wait.ts';
import { ask2, openSession } from '../fakes/http2client.ts';
import { createFakePrometheus, type FakePrometheus } from '../fakes/prometheus.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';
import { until } from '../fakes/until.ts';
import { nodeNames, startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
const ruleOf = (series: string) => `
    containerQuery: 'sum by (<<.GroupBy>>) (${series}{<<.LabelMatchers>>,container!=""})'
    nodeQuery: 'sum by (<<.GroupBy>>) (${series}{<<.LabelMatchers>>,id="/"})'
    resources: {overrides: {namespace: {resource: namespace}, node: {resource: node}, pod: {resource: pod}}}
    containerLabel: container`;
const rules = `resourceRules:\n  cpu:${ruleOf('cpu')}\n  memory:${ruleOf('memory')}\n  window: 5m\n`;
const api = '/apis/metrics.k8s.io/v1beta1';

suite('metrics.k8s.io of Prometheus in the whole program', () => {
  let folder: string;
  let prometheus: FakePrometheus;
  let cluster: WholeCluster;
  let session: ClientHttp2Session;
  const recorded = createRecordingLog();

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'resourcemetrics-'));
    const file = path.join(folder, 'config.yaml');
    writeFileSync(file, rules);
    prometheus = await createFakePrometheus();
    prometheus.evaluationSeconds = Date.now() / 1000;
    const flags = [`--config=${file}`, `--prometheus-url=${prometheus.url}`, '--resource-metrics=prometheus'];
    cluster = await startWholeCluster(flags, { log: recorded.log });
    const certificate = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
    await until('it listens', () => recorded.lines.includes('info: serving'));
    session = await openSession(cluster.port, certificate);
    await waitFor('it to be ready', async () => (await ask2(session, '/readyz', admin)).status === 200, 60_000, 20);
  });
  after(async () => {
    session?.destroy();
    await cluster?.[Symbol.asyncDispose]();
    await prometheus?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const get = async (url: string, headers = {}) => {
    const { status, text } = await ask2(session, url, { ...admin, ...headers });
    return { status, body: JSON.parse(text) };
  };

  test("pods of a namespace are listed by two queries, with their labels, the engine's time and the file's window", async () => {
    const [pod] = cluster.kubelet.model.pods;
    assert.ok(pod);
    prometheus.resultOf = (query) => [
      [{ pod: pod.name, container: 'app' }, query.includes('(cpu{') ? '0.25' : '1048576'],
    ];
    const before = prometheus.requests.length;
    const { status, body } = await get(`${api}/namespaces/${pod.namespace}/pods`);
    assert.equal(status, 200);
    const [item, ...others] = body.items;
    assert.deepEqual(others, []);
    assert.deepEqual(item.metadata.labels, { app: pod.name });
    assert.deepEqual(item.containers, [{ name: 'app', usage: { cpu: '250m', memory: '1Mi' } }]);
    assert.equal(item.window, '5m0s');
    assert.equal(Date.parse(item.timestamp), Math.floor(prometheus.evaluationSeconds) * 1000);
    assert.equal(prometheus.requests.length - before, 2);
    const selected = await get(`${api}/namespaces/${pod.namespace}/pods?labelSelector=app%3D${pod.name}`);
    assert.equal(selected.body.items.length, 1);
    assert.match(prometheus.requests.at(-1)?.parameters.get('query') ?? '', new RegExp(`pod="${pod.name}"`));
    const table = await get(`${api}/namespaces/${pod.namespace}/pods`, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    });
    assert.equal(table.body.kind, 'Table');
  });

  test('an object without a sample is a 404 with the cause, and a history is a 400', async () => {
    prometheus.resultOf = () => [];
    const { status, body } = await get(`${api}/nodes/${nodeNames[1]}`);
    assert.equal(status, 404);
    assert.deepEqual(body.details.causes, [{ reason: 'NoSample', message: 'Prometheus has no sample of its CPU' }]);
    const past = await get(`${api}/nodes?sinceSeconds=600`);
    assert.equal(past.status, 400);
    assert.match(past.body.message, /sinceSeconds: no history is kept with --resource-metrics=prometheus/);
    const [cause] = past.body.details.causes;
    assert.deepEqual([cause.reason, cause.field], ['HistoryInPrometheus', 'sinceSeconds']);
  });

  test('a failure of Prometheus is an error with its reason, which /status has, too', async () => {
    prometheus.fault = () => ({ code: 422, body: JSON.stringify({ status: 'error', error: 'no such function' }) });
    const { status, body } = await get(`${api}/nodes/${nodeNames[2]}`);
    prometheus.fault = undefined;
    assert.deepEqual([status, body.reason], [500, 'InternalError']);
    assert.match(JSON.stringify(body.details.causes), /no such function/);
    const { body: report } = await get('/status');
    assert.deepEqual(report.resourceMetrics, { source: 'prometheus', scrapesKubelets: false });
    const rule = report.metricRules.find((each: { rule: string }) => each.rule === 'resourceRules.cpu.nodeQuery');
    assert.match(rule.error, /no such function/);
    assert.match(rule.query, /cpu\{node="node-2"/);
    assert.deepEqual(report.nodes, []);
  });

  test('no kubelet is asked, the groups of the other rules are not served, and the server is alive', async () => {
    assert.equal(cluster.kubelet.requests.length + cluster.otherKubelet.requests.length, 0);
    assert.equal((await ask2(session, '/apis/custom.metrics.k8s.io/v1beta2', admin)).status, 404);
    assert.equal((await ask2(session, '/livez', admin)).status, 200);
    assert.equal((await get(api)).body.resources.length, 2);
    assert.deepEqual(
      recorded.lines.filter((line) => /resourceRules|has no rules/.test(line)),
      [],
    );
  });
});
