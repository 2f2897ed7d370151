/** The doctor beside the running server, as in its pod: it reads the server's own status, and needs no right to get nodes/proxy, pods' logs or metrics. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { readLocalStatus } from '../../src/client/localstatus.ts';
import { type Examination, examine } from '../../src/doctor/examination.ts';
import { kubeletCheck } from '../../src/doctor/nodes/kubeletcheck.ts';
import { type CommandLine, parseCommandLine } from '../../src/options/parse.ts';
import type { StatusReport } from '../../src/server/statuspage.ts';
import { nodeNames, podNode, startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

let folder: string;
let cluster: WholeCluster;
let options: CommandLine['options'];

before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
  cluster = await startWholeCluster([`--cert-dir=${folder}`, '--authentication-token-webhook-cache-ttl=0s']);
  cluster.apiServer.reviews.token = () => ({ authenticated: true, user: { username: 'server' } });
  cluster.apiServer.reviews.access = () => ({ allowed: true, reason: '' });
  const flags = [`--cert-dir=${folder}`, `--secure-port=${cluster.port}`, '--bind-address=127.0.0.1'];
  ({ options } = parseCommandLine(flags));
});

after(async () => {
  await cluster[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Resolves when the server's status is as wanted. */
async function reported(condition: (nodes: StatusReport['nodes']) => boolean): Promise<void> {
  const endMs = performance.now() + 120_000;
  for (;;) {
    const report = (await readLocalStatus(options, cluster.apiServer.connection, []).catch(() => undefined)) as
      | StatusReport
      | undefined;
    if (report !== undefined && condition(report.nodes)) return;
    assert.ok(performance.now() < endMs, JSON.stringify(report?.nodes));
  }
}

function examineInPod(): Promise<Examination> {
  return examine([kubeletCheck], { server: cluster.apiServer.connection, options, place: 'pod' });
}

test('failures and fallbacks are those of the status, and no kubelet is read through kube-apiserver', async () => {
  cluster.otherKubelet.faults.cadvisor = 'unlabelled';
  cluster.kubelet.faults.cadvisor = 401;
  cluster.kubelet.faults.resource = 401;
  // The server's account may not read what it serves.
  cluster.apiServer.faults.answer = ({ path: requested }) => (requested.includes('metrics.k8s.io') ? 403 : undefined);
  await reported(
    (nodes) =>
      nodes.length === nodeNames.length &&
      nodes.every(({ name, error, served }) => (name === podNode ? error !== undefined : served)),
  );
  const { findings } = await examineInPod();
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'error').map(({ code }) => code),
    ['kubelet-unauthorized'],
  );
  const unauthorized = findings.find(({ code }) => code === 'kubelet-unauthorized');
  assert.equal(unauthorized?.object, `Node ${podNode}`);
  assert.match(
    unauthorized.evidence ?? '',
    /^Unauthorized: the kubelet of node node-0 at 127\.0\.0\.1:\d+ returned 401/,
  );
  assert.deepEqual(
    cluster.apiServer.requests.filter(({ path: requested }) => /\/proxy\/|\/log$/.test(requested)),
    [],
  );
});
