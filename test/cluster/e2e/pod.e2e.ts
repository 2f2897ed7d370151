/** The server as a pod: the image of the Dockerfile and manifests/base as they are, but for what the test cluster lacks. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { statusResourcePath } from '../../../src/api/statusresource.ts';
import type { StatusReport } from '../../../src/server/statuspage.ts';
import { waitFor } from '../wait.ts';
import { apiServiceNames, apiServiceState } from './apiservices.ts';
import { ask } from './ask.ts';
import { harness } from './harness.ts';
import { loadNamespace } from './loads.ts';
import { listServerPods, wellReport } from './podserver.ts';
import { createVerifiedPods } from './verifiedpods.ts';
import { hasLoads, longestGapOfLoads, longestPause, watchPods } from './watch.ts';

const shared = harness();
const { cluster, program, loads, credentials, registration, source } = shared;
const { podNames, published } = createVerifiedPods(shared);
const pods = () => listServerPods(cluster);

describe('the server as a pod', { skip: program.name !== 'kubegauge' && 'the image is our own' }, () => {
  before(async () => {
    await loads.running();
    await shared.basePod();
  });

  test('kubectl top nodes and top pods answer, with the server itself among the pods', async () => {
    // Of itself one sample is enough, from 10 s after its start on; of containers that are older it needs two.
    await waitFor(
      'the server to serve itself and a pod that was there before',
      async () => {
        const rows = await cluster.kubectl(['top', 'pods', '-A']);
        return (
          /^kube-system +metrics-server-\S+ +\d+m +\d+Mi/m.test(rows) &&
          new RegExp(`^${loadNamespace} +burner +\\d+m `, 'm').test(rows)
        );
      },
      180_000,
      1_000,
    );
    assert.match(await cluster.kubectl(['top', 'nodes']), new RegExp(`^${cluster.nodeName} +\\d+m `, 'm'));
  });

  test('it is one pod that is Ready, has not restarted and is not root', async () => {
    const [pod, ...others] = await pods();
    assert.equal(others.length, 0);
    const [status] = pod?.status?.containerStatuses ?? [];
    assert.equal(status?.ready, true);
    assert.equal(status?.restartCount, 0);
    assert.equal(pod?.spec?.containers[0]?.securityContext?.runAsNonRoot, true);
  });

  test("by the manifests alone, kube-apiserver verifies it by its root, and it verifies the kubelet by the cluster's CA", async () => {
    await published(await podNames());
    for (const name of apiServiceNames) {
      const { available, insecure } = await apiServiceState(cluster, name);
      assert.deepEqual([available, insecure], [true, false], name);
    }
    const [pod] = await pods();
    const url = `https://${pod?.status?.podIP}:10250/status`;
    const { body } = await ask(cluster, url, { token: credentials.readerToken });
    const nodes = (JSON.parse(body) as StatusReport).nodes.map(({ name, verifiedBy }) => [name, verifiedBy]);
    assert.deepEqual(nodes, [[cluster.nodeName, 'address']]);
  });

  test('curl at its endpoint gets the same pod as through kube-apiserver', async () => {
    const [pod] = await pods();
    const podPath = `/apis/metrics.k8s.io/v1beta1/namespaces/${loadNamespace}/pods/burner`;
    const token = credentials.readerToken;
    for (const url of [`https://${pod?.status?.podIP}:10250`, cluster.apiServerUrl]) {
      const { status, body } = await ask(cluster, `${url}${podPath}`, { token });
      assert.equal(status, 200, body);
      assert.equal((JSON.parse(body) as { metadata: { name: string } }).metadata.name, 'burner');
    }
  });

  test('through kube-apiserver, its report names the pod', async () => {
    const [pod] = await pods();
    const report = JSON.parse(await cluster.kubectl(['get', '--raw', statusResourcePath])) as StatusReport;
    assert.equal(report.pod, `kube-system/${pod?.metadata?.name}`);
  });

  test('kubegauge status in its container reports the node', async (t) => {
    const report = await wellReport(cluster);
    for (const line of report.trimEnd().split('\n')) t.diagnostic(line);
    assert.match(report, new RegExp(`^${cluster.nodeName} +yes +scraped +cadvisor +${cluster.nodeIp}:10250 `, 'm'));
  });

  test('its log has no warning', async () => {
    const log = await cluster.kubectl(['logs', '--namespace=kube-system', 'deployment/metrics-server']);
    assert.deepEqual(
      log.split('\n').filter((line) => /^[WE] /.test(line)),
      [],
    );
  });

  test('killed, it has all pods at once when it is back', async (t) => {
    const [pod] = await pods();
    const [container] = pod?.status?.containerStatuses ?? [];
    const url = `https://${pod?.status?.podIP}:10250`;
    await using direct = watchPods(cluster, source(url), 250);
    await using aggregated = watchPods(cluster, source(cluster.apiServerUrl));
    await waitFor('all loads to be listed', () => direct.observations.some(hasLoads), 180_000);
    await cluster.killContainer(container?.containerID ?? '');
    const killedMs = performance.now();
    const listens = async () => (await ask(cluster, `${url}/livez`)).status === 200 && performance.now();
    const listeningMs = await waitFor('it to listen again', listens, 60_000, 100);
    const again = await waitFor(
      'all loads to be listed again',
      () => direct.observations.find((observation) => observation.atMs > killedMs && hasLoads(observation)),
      180_000,
      100,
    );
    await registration.available();
    const seconds = (fromMs: number, toMs: number) => `${((toMs - fromMs) / 1000).toFixed(1)} s`;
    t.diagnostic(`it listened ${seconds(killedMs, listeningMs)} after it was killed`);
    t.diagnostic(`all pods ${seconds(listeningMs, again.atMs)} after that`);
    t.diagnostic(`straight: no pods for ${longestGapOfLoads(direct.observations).toFixed(1)} s`);
    t.diagnostic(`through kube-apiserver: no pods for ${longestGapOfLoads(aggregated.observations).toFixed(1)} s`);
    const pauseMs = longestPause(direct.observations.filter(({ atMs }) => atMs > killedMs)) * 1000;
    assert.ok(again.atMs - listeningMs <= 2_000 + pauseMs, `${seconds(listeningMs, again.atMs)} after it listened`);
    // The kubelet reports it a moment later.
    const isCounted = async () => (await pods())[0]?.status?.containerStatuses?.[0]?.restartCount === 1;
    await waitFor('the restart to be reported', isCounted, 60_000);
  });
});
