/** The whole program with --custom-metrics=kubelet: what it serves, and what it does not without a source. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Agent, request } from 'undici';
import { waitFor } from '../cluster/wait.ts';
import { startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const C = '/apis/custom.metrics.k8s.io/v1beta2';
const metric = 'memory_rss_bytes';

let cluster: WholeCluster;
let frontProxy: Agent;

before(async () => {
  cluster = await startWholeCluster(['--custom-metrics=kubelet']);
  frontProxy = agentOf(cluster);
  await untilTrusted(cluster, frontProxy);
});
after(async () => {
  await frontProxy.close();
  await cluster[Symbol.asyncDispose]();
});

function agentOf({ frontProxies }: WholeCluster): Agent {
  const certificate = frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
  return new Agent({ connect: { rejectUnauthorized: false, ...certificate } });
}

async function ask({ port }: WholeCluster, dispatcher: Agent, target: string) {
  const headers = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
  const answer = await request(`https://127.0.0.1:${port}${target}`, { dispatcher, headers });
  const text = await answer.body.text();
  const body: ReturnType<typeof JSON.parse> = text.startsWith('{') ? JSON.parse(text) : undefined;
  return { status: answer.statusCode, body };
}

const answerTimeoutMs = 60_000;
const askEveryMs = 20;

/** Asks until the answer is good, and returns it. */
function untilAnswered(
  of: WholeCluster,
  agent: Agent,
  target: string,
  isGood: (answer: Awaited<ReturnType<typeof ask>>) => boolean,
): Promise<Awaited<ReturnType<typeof ask>>> {
  const answered = async () => {
    const answer = await ask(of, agent, target);
    return isGood(answer) && answer;
  };
  return waitFor(`a good answer for ${target}`, answered, answerTimeoutMs, askEveryMs);
}

async function untilTrusted(of: WholeCluster, agent: Agent): Promise<void> {
  await untilAnswered(of, agent, '/version', ({ status }) => status === 200);
}

test('the first request for a metric of kubelets is a 404 that says when it is served, and then it is served', async () => {
  const { body: list } = await ask(cluster, frontProxy, C);
  const names = list.resources.map(({ name }: { name: string }) => name);
  assert.ok(names.includes(`pods/${metric}`), names.join());
  assert.deepEqual(names, names.toSorted());
  const target = `${C}/namespaces/shop/pods/*/${metric}`;
  const first = await ask(cluster, frontProxy, target);
  assert.equal(first.status, 404);
  assert.match(first.body.message, new RegExp(`^the server could not find the metric ${metric} for pods: .*next`));
  const { body } = await untilAnswered(cluster, frontProxy, target, ({ status }) => status === 200);
  assert.equal(body.kind, 'MetricValueList');
  assert.equal(body.items[0].describedObject.name, 'web-0');
  assert.match(body.items[0].value, /^[1-9][0-9]*[kMG]?$/);
  const object = await untilAnswered(
    cluster,
    frontProxy,
    `${C}/namespaces/shop/metrics/${metric}`,
    ({ status }) => status === 200,
  );
  assert.deepEqual(object.body.items[0].describedObject, { kind: 'Namespace', name: 'shop', apiVersion: '/v1' });
});

test('a restarted program serves what it had, and its first scrape requests what was wanted', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
  const flags = ['--custom-metrics=kubelet', `--snapshot-path=${path.join(folder, 'snapshot')}`];
  const target = `${C}/namespaces/shop/pods/web-0/${metric}`;
  const isServed = ({ status }: { readonly status: number }) => status === 200;
  try {
    const timestampOf = async (more: readonly string[], work?: (of: WholeCluster) => Promise<void>) => {
      await using other = await startWholeCluster([...flags, ...more]);
      const agent = agentOf(other);
      await untilTrusted(other, agent);
      const { body } = await untilAnswered(other, agent, target, isServed);
      await work?.(other);
      await agent.close();
      return String(body.items[0].timestamp);
    };
    const before = await timestampOf([]);
    // Nothing listens where the kubelets should be.
    const unreachable = ['--kubelet-use-node-status-port=false', '--kubelet-port=1'];
    // The first program may have scraped once more after its answer. Times of one format and zone sort as text.
    assert.ok((await timestampOf(unreachable)) >= before);
    await timestampOf([], async ({ kubelet }) => {
      await waitFor('a scrape', () => Promise.resolve(kubelet.requests.length > 0), answerTimeoutMs, askEveryMs);
      assert.ok(kubelet.requests[0]!.names.includes('container_memory_rss'));
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a group without a source is not served, nor listed', async () => {
  for (const [flags, groups] of [
    [[], ['metrics.k8s.io']],
    [['--custom-metrics=kubelet'], ['metrics.k8s.io', 'custom.metrics.k8s.io']],
  ] as const) {
    await using other = await startWholeCluster(flags);
    const agent = agentOf(other);
    await untilTrusted(other, agent);
    const { body } = await ask(other, agent, '/apis');
    assert.deepEqual(
      body.groups.map(({ name }: { name: string }) => name),
      groups,
    );
    const missing = await ask(other, agent, '/apis/external.metrics.k8s.io/v1beta1');
    assert.deepEqual([missing.status, Object.keys(missing.body)], [404, ['paths']]);
    await agent.close();
  }
});
