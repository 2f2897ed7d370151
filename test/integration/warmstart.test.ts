/** A restarted server serves what the one before it has stored, though no kubelet answers. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask2, openSession } from '../fakes/http2client.ts';
import { uuid } from '../fakes/kubeletmodel.ts';
import { podNode, startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
const resources = '/apis/metrics.k8s.io/v1';

let folder: string;
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
});
after(() => rmSync(folder, { recursive: true }));

/** Names of the pods, or nodes, that are served, once there are so many. */
async function served(cluster: WholeCluster, resource: 'pods' | 'nodes', atLeast = 1): Promise<string[]> {
  const frontProxy = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
  const deadlineMs = performance.now() + 20_000;
  for (;;) {
    const names = await listed(cluster, frontProxy, resource).catch(() => []);
    if (names.length >= atLeast) return names;
    assert.ok(performance.now() < deadlineMs, `there were no ${atLeast} ${resource} within 20 s`);
  }
}

async function listed(
  cluster: WholeCluster,
  frontProxy: Parameters<typeof openSession>[1],
  resource: string,
): Promise<string[]> {
  const session = await openSession(cluster.port, frontProxy);
  try {
    const { status, text } = await ask2(session, `${resources}/${resource}`, admin);
    if (status !== 200) return [];
    const { items } = JSON.parse(text) as { items: { metadata: { name: string } }[] };
    return items.map(({ metadata }) => metadata.name);
  } finally {
    session.destroy();
  }
}

/** Resolves when /readyz is 200. */
async function ready({ port }: WholeCluster): Promise<void> {
  const session = await openSession(port);
  try {
    while ((await ask2(session, '/readyz')).status !== 200) await sleep(10);
  } finally {
    session.destroy();
  }
}

test('a warm start serves what was stored, but not of a node whose machine was exchanged', async () => {
  const snapshot = `--snapshot-path=${path.join(folder, 'snapshot')}`;
  const first = await startWholeCluster([snapshot]);
  const before = await served(first, 'pods');
  const nodesBefore = await served(first, 'nodes', 2);
  const [exchanged = '', ...others] = nodesBefore.filter((name) => name !== podNode);
  await first[Symbol.asyncDispose]();

  // Nothing listens where the kubelets should be.
  await using second = await startWholeCluster([snapshot, '--kubelet-use-node-status-port=false', '--kubelet-port=1'], {
    nodeUid: (name) => uuid(name === exchanged ? 'another machine' : name),
  });
  assert.deepEqual(await served(second, 'pods'), before);
  // Each node has failed once.
  await ready(second);
  const nodes = new Set(await served(second, 'nodes'));
  assert.equal(nodes.has(exchanged), false);
  for (const name of others) assert.ok(nodes.has(name), name);
  assert.equal(second.kubelet.requests.length + second.otherKubelet.requests.length, 0);
});
