/** A restarted server serves what the one before it has stored, though no kubelet answers. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ask2, openSession } from '../fakes/http2client.ts';
import { startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
const pods = '/apis/metrics.k8s.io/v1/pods';

let folder: string;
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
});
after(() => rmSync(folder, { recursive: true }));

/** Names of the pods that are served, once there are any. */
async function served(cluster: WholeCluster): Promise<string[]> {
  const frontProxy = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
  const deadlineMs = performance.now() + 20_000;
  for (;;) {
    const names = await listed(cluster, frontProxy).catch(() => []);
    if (names.length > 0) return names;
    assert.ok(performance.now() < deadlineMs, 'there were no pods within 20 s');
  }
}

async function listed(cluster: WholeCluster, frontProxy: Parameters<typeof openSession>[1]): Promise<string[]> {
  const session = await openSession(cluster.port, frontProxy);
  try {
    const { status, text } = await ask2(session, pods, admin);
    if (status !== 200) return [];
    const { items } = JSON.parse(text) as { items: { metadata: { name: string } }[] };
    return items.map(({ metadata }) => metadata.name);
  } finally {
    session.destroy();
  }
}

test('a warm start', async () => {
  const snapshot = `--snapshot-path=${path.join(folder, 'snapshot')}`;
  const first = await startWholeCluster([snapshot]);
  const before = await served(first);
  await first[Symbol.asyncDispose]();

  // Nobody listens where the kubelets should be.
  await using second = await startWholeCluster([snapshot, '--kubelet-use-node-status-port=false', '--kubelet-port=1']);
  assert.deepEqual(await served(second), before);
  assert.equal(second.kubelet.requests.length, 0);
});
