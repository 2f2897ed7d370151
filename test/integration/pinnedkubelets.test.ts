/** --kubelet-tls=pin in the whole program, outside of a pod: pins in memory, and a kubelet with a new key. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ClientHttp2Session } from 'node:http2';
import type { StatusReport } from '../../src/server/statuspage.ts';
import { selfSignedKubelet } from '../fakes/certificates.ts';
import { openFrontProxySession } from '../fakes/frontproxysession.ts';
import { ask2 } from '../fakes/http2client.ts';
import { waitFor } from '../cluster/wait.ts';
import { nodeNames, podNode, startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
let cluster: WholeCluster;
let session: ClientHttp2Session;

before(async () => {
  cluster = await startWholeCluster(['--kubelet-tls=pin', '--metric-resolution=10s']);
  session = await openFrontProxySession(cluster, admin);
});
after(async () => {
  session.destroy();
  await cluster[Symbol.asyncDispose]();
});

async function status(): Promise<StatusReport | undefined> {
  const answer = await ask2(session, '/status', admin);
  return answer.status === 200 ? (JSON.parse(answer.text) as StatusReport) : undefined;
}

const nodeOf = async (name: string) => (await status())?.nodes.find((node) => node.name === name);

test('a kubelet that a CA verifies is verified by it, and /status says that pins are in memory', async () => {
  await waitFor(
    'all nodes to be scraped',
    async () => (await status())?.nodes.filter(({ state }) => state === 'scraped').length === nodeNames.length,
    30_000,
    50,
  );
  const report = await status();
  assert.ok(report?.nodes.every(({ verifiedBy }) => verifiedBy === 'address'));
  const [note] = report?.degraded ?? [];
  assert.equal(note?.code, 'PinsInMemory');
  assert.match(note.message, /^the keys of kubelets are pinned in memory only, .*: this server runs outside of a pod$/);
});

test('a self-signed certificate instead is refused, with the reason in /status and a code in the 404', async () => {
  cluster.kubelet.useCertificate(selfSignedKubelet(podNode));
  const failed = async () => {
    const found = await nodeOf(podNode);
    return found?.error !== undefined && found;
  };
  const node = await waitFor('the node to fail', failed, 30_000, 50);
  assert.equal(node.error?.code, 'KubeletKeyChanged');
  assert.match(node.error?.message ?? '', /although it had a certificate of a trusted CA before/);
  assert.match(node.error?.remedy ?? '', /`kubegauge trust node-0`/);
  // It is 200 while the last usage is served.
  const answer = await ask2(session, '/apis/metrics.k8s.io/v1/nodes/node-0', admin);
  if (answer.status === 404) assert.match(answer.text, /KubeletKeyChanged/);
});
