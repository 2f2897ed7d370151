/** A server process that is restarted while Prometheus is away: what it serves of the values that the first one had. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { aggregatedDiscovery } from '../fakes/discovery.ts';
import { ask2, openSession } from '../fakes/http2client.ts';
import { createFakePrometheus, type FakePrometheus } from '../fakes/prometheus.ts';
import { freePort, serverFlags, startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const main = path.resolve(import.meta.dirname, '../../src/main.ts');
const resources =
  'resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}, instance: {resource: node}}}';
const rules = (metricsQuery: string) => `
rules:
- {seriesQuery: 'requests{pod!=""}', ${resources}, metricsQuery: '${metricsQuery}'}
externalRules:
- {seriesQuery: 'queue_depth', ${resources}, metricsQuery: '<<.Series>>{<<.LabelMatchers>>}'}
resourceRules:
  window: 5m
  cpu: {containerQuery: 'sum(cpu{<<.LabelMatchers>>}) by (<<.GroupBy>>)', nodeQuery: 'sum(cpu_node{<<.LabelMatchers>>}) by (<<.GroupBy>>)', ${resources}, containerLabel: container}
  memory: {containerQuery: 'sum(mem{<<.LabelMatchers>>}) by (<<.GroupBy>>)', nodeQuery: 'sum(mem_node{<<.LabelMatchers>>}) by (<<.GroupBy>>)', ${resources}, containerLabel: container}
`;
const sum = 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)';
const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
const autoscaler = {
  'x-remote-user': 'system:serviceaccount:kube-system:horizontal-pod-autoscaler',
  'x-remote-group': 'system:masters',
};

const custom = '/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/*/requests';
const external = '/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue_depth';
const nodes = '/apis/metrics.k8s.io/v1beta1/nodes';
const pods = '/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods';

interface Server extends AsyncDisposable {
  /** Asks until the server's answer has this status. */
  answered(
    url: string,
    status: number,
    headers?: Readonly<Record<string, string>>,
  ): Promise<ReturnType<typeof JSON.parse>>;
  output(): string;
  /** As Kubernetes stops a container. */
  stop(): Promise<void>;
}

suite('a server that is restarted while Prometheus is away', () => {
  let folder: string;
  let config: string;
  let snapshot: string;
  let prometheus: FakePrometheus;
  let cluster: WholeCluster;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'rulessnapshot-'));
    config = path.join(folder, 'config.yaml');
    snapshot = path.join(folder, 'snapshot');
    prometheus = await createFakePrometheus();
    prometheus.seriesOf = (match) =>
      match.startsWith('requests')
        ? [{ __name__: 'requests', namespace: 'shop', pod: 'x' }]
        : [{ __name__: 'queue_depth', namespace: 'shop', queue: 'orders' }];
    cluster = await startWholeCluster([], {
      prepare: ({ documents }) => {
        for (const [document, body] of aggregatedDiscovery()) documents.set(document, body);
      },
    });
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await prometheus?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const answers = () => {
    prometheus.resultOf = (query) => {
      if (query.startsWith('queue_depth'))
        return [
          [{ queue: 'orders' }, '12'],
          [{ queue: 'returns' }, '3'],
        ];
      const value = query.includes('mem') ? '4096' : '0.5';
      if (query.includes('_node')) return [[{ instance: 'node-0' }, value]];
      const { pods: all } = cluster.kubelet.model;
      return all.map(({ name, namespace }) => [{ namespace, pod: name, container: 'app' }, value]);
    };
  };

  async function start(flags: readonly string[] = []): Promise<Server> {
    const port = await freePort();
    const argv = [
      ...serverFlags(cluster.kubeconfig, port),
      `--config=${config}`,
      `--prometheus-url=${prometheus.url}`,
      `--snapshot-path=${snapshot}`,
      '--resource-metrics=prometheus',
      ...flags,
    ];
    const child = spawn(process.execPath, [main, ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = once(child, 'exit');
    let output = '';
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    const certificate = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
    const ask = async (url: string, headers: Readonly<Record<string, string>>) => {
      const session = await openSession(port, certificate);
      try {
        return await ask2(session, url, headers);
      } finally {
        session.destroy();
      }
    };
    const stop = async () => {
      child.kill('SIGTERM');
      await ended;
    };
    return {
      async answered(url, status, headers = autoscaler) {
        let last = 'no answer';
        for (const deadlineMs = performance.now() + 60_000; performance.now() < deadlineMs; await sleep(20)) {
          const answer = await ask(url, headers).catch(() => undefined);
          if (answer?.status === status) return JSON.parse(answer.text);
          last = answer?.text ?? last;
        }
        throw new Error(`${url} is not answered by ${status}, but by ${last}; ${output}`);
      },
      output: () => output,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  }

  /** Without the time of the answer, which metrics.k8s.io has. */
  const itemsOf = async (server: Server, url: string) =>
    JSON.parse(
      JSON.stringify((await server.answered(url, 200)).items, (key, value) =>
        key === 'creationTimestamp' ? undefined : value,
      ),
    );

  const urls = [custom, external, nodes, pods];

  /** Starts with an engine that answers, and ends when the server has stopped and the engine is away. */
  async function serveAndStop(ask: (server: Server) => Promise<void>): Promise<void> {
    answers();
    await prometheus.down();
    await prometheus.up();
    rmSync(`${snapshot}.rules`, { force: true });
    writeFileSync(config, rules(sum));
    await using server = await start();
    await ask(server);
    await server.stop();
    await prometheus.down();
  }

  test('it serves the last values of custom, external and resource rules with their own times', async () => {
    const before = new Map<string, unknown>();
    await serveAndStop(async (server) => {
      for (const url of urls) before.set(url, await itemsOf(server, url));
    });
    assert.deepEqual(readdirSync(folder).sort(), ['config.yaml', 'snapshot.rules']);
    await using server = await start();
    for (const url of urls) assert.deepEqual(await itemsOf(server, url), before.get(url), url);
    // The autoscaler asked for them. Another user gets none of them, as before the restart.
    for (const url of urls) await server.answered(url, 500, admin);
  });

  test('values of a rule that has changed are not served, nor those of another tenant', async () => {
    await serveAndStop(async (server) => {
      for (const url of urls) await server.answered(url, 200);
    });
    writeFileSync(config, rules(sum.replace('sum', 'max')));
    {
      await using server = await start();
      await server.answered(external, 200);
      const { details } = await server.answered(custom, 500);
      assert.match(details.causes[1].message, /cannot be reached/);
    }
    await using server = await start(['--prometheus-header=X-Scope-OrgID=team-b']);
    await server.answered(nodes, 500);
    await server.answered(external, 404);
    assert.match(server.output(), /code=SnapshotIgnored .*it is of other engines/);
  });
});
