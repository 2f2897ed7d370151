/** A restarted server serves what the one before it has stored, and is Ready when it has scraped again. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeApiServer } from '../fakes/apiserver.ts';
import { ask2, openSession } from '../fakes/http2client.ts';
import { uuid } from '../fakes/kubeletmodel.ts';
import { nodeNames, podNode, recentStartMs, startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
const resources = '/apis/metrics.k8s.io/v1';

let folder: string;
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
});
after(() => rmSync(folder, { recursive: true }));

/** Timestamps of the pods, or nodes, that are served, by name, once there are so many. */
async function served(
  cluster: WholeCluster,
  resource: 'pods' | 'nodes',
  atLeast = 1,
): Promise<ReadonlyMap<string, number>> {
  const deadlineMs = performance.now() + 120_000;
  for (;;) {
    const timestamps = await listed(cluster, resource).catch(() => new Map<string, number>());
    if (timestamps.size >= atLeast) return timestamps;
    assert.ok(performance.now() < deadlineMs, `there were no ${atLeast} ${resource} within two minutes`);
  }
}

async function listed(cluster: WholeCluster, resource: string): Promise<Map<string, number>> {
  const { status, text } = await asAdmin(cluster, `${resources}/${resource}`);
  if (status !== 200) return new Map();
  const { items } = JSON.parse(text) as { items: { metadata: { name: string }; timestamp: string }[] };
  return new Map(items.map(({ metadata, timestamp }) => [metadata.name, Date.parse(timestamp)]));
}

async function asAdmin(cluster: WholeCluster, url: string): ReturnType<typeof ask2> {
  const frontProxy = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
  const session = await openSession(cluster.port, frontProxy);
  try {
    return await ask2(session, url, admin);
  } finally {
    session.destroy();
  }
}

/** Resolves when a scrape of each node has failed. */
async function allFailed(cluster: WholeCluster): Promise<void> {
  for (;;) {
    // It may not listen yet.
    const { text } = await asAdmin(cluster, '/metrics').catch(() => ({ text: '' }));
    const count = /^metrics_server_kubelet_request_total\{success="false"\} (\d+)$/m.exec(text)?.[1];
    if (Number(count) >= nodeNames.length) return;
    await sleep(10);
  }
}

async function readiness({ port }: WholeCluster): Promise<{ readonly status: number; readonly text: string }> {
  const session = await openSession(port);
  try {
    return await ask2(session, '/readyz?verbose');
  } finally {
    session.destroy();
  }
}

async function ready(cluster: WholeCluster): Promise<void> {
  while ((await readiness(cluster)).status !== 200) await sleep(10);
}

test('a warm start serves what was stored, but not of a node whose machine was exchanged', async () => {
  const snapshot = `--snapshot-path=${path.join(folder, 'snapshot')}`;
  const first = await startWholeCluster([snapshot]);
  const before = await served(first, 'pods');
  const nodesBefore = await served(first, 'nodes', 2);
  const [exchanged = '', ...others] = [...nodesBefore.keys()].filter((name) => name !== podNode);
  await first[Symbol.asyncDispose]();

  // Nothing listens where the kubelets should be.
  await using second = await startWholeCluster([snapshot, '--kubelet-use-node-status-port=false', '--kubelet-port=1'], {
    nodeUid: (name) => uuid(name === exchanged ? 'another machine' : name),
  });
  assert.deepEqual([...(await served(second, 'pods')).keys()], [...before.keys()]);
  await allFailed(second);
  const nodes = await served(second, 'nodes');
  assert.equal(nodes.has(exchanged), false);
  for (const name of others) assert.ok(nodes.has(name), name);
  assert.equal(second.kubelet.requests.length + second.otherKubelet.requests.length, 0);
});

const tokenPath = '/serviceaccounts/kubegauge-kubelets/token';

/** Faults that keep the first scrapes from succeeding until they are ended. */
const faults: Readonly<Record<string, (apiServer: FakeApiServer) => { isKubeletRefusing: boolean; end(): void }>> = {
  'a token for kubelets': ({ faults }) => {
    faults.answer = ({ path }) => (path.endsWith(tokenPath) ? 503 : undefined);
    return { isKubeletRefusing: false, end: () => void (faults.answer = undefined) };
  },
  'kubelets that accept it': () => {
    const fault = { isKubeletRefusing: true, end: () => void (fault.isKubeletRefusing = false) };
    return fault;
  },
};

for (const [missing, begin] of Object.entries(faults)) {
  test(`a warm start without ${missing} is not Ready with what was stored, and is Ready once it has scraped`, async () => {
    const flags = [
      `--snapshot-path=${path.join(folder, missing)}`,
      '--kubelet-service-account=kube-system/kubegauge-kubelets',
    ];
    let fault = { isKubeletRefusing: false, end: () => undefined as void };
    const options = {
      startTimeMs: recentStartMs(),
      prepare({ tokens }: FakeApiServer) {
        tokens.accounts.add('kube-system/kubegauge-kubelets');
        tokens.allowed.add('kube-system/kubegauge-kubelets');
      },
      accepts: () => !fault.isKubeletRefusing,
    };
    const first = await startWholeCluster(flags, options);
    const before = await served(first, 'nodes', nodeNames.length);
    await first[Symbol.asyncDispose]();

    await using second = await startWholeCluster(flags, {
      ...options,
      prepare(apiServer) {
        options.prepare(apiServer);
        fault = begin(apiServer);
      },
    });
    await allFailed(second);
    const { status, text } = await readiness(second);
    assert.equal(status, 500);
    assert.match(text, /\[-\]metric-storage-ready/);
    fault.end();
    await ready(second);
    for (const [name, timestamp] of await served(second, 'nodes', nodeNames.length)) {
      assert.ok(timestamp > (before.get(name) ?? 0), `${name} is served from the snapshot`);
    }
  });
}
