/** kube-apiserver verifies the server's two replicas by the roots that they publish themselves. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import type { StatusReport } from '../../../src/server/statuspage.ts';
import { toList } from '../registration.ts';
import { waitFor } from '../wait.ts';
import { apiServiceNames, apiServiceState, patchApiService, rootsOf } from './apiservices.ts';
import { ask } from './ask.ts';
import { harness } from './harness.ts';
import { wellReport } from './podserver.ts';
import { createReplicaLists } from './replicalists.ts';
import type { Replicas } from './replicas.ts';
import { assertNoFailure, createVerifiedPods, inKubeSystem } from './verifiedpods.ts';

const shared = harness();
const { cluster, program, registration, brief } = shared;
const { list, published, shownCertificate } = createVerifiedPods(shared);
const { list: listFast, judge, outOfStepMs } = createReplicaLists(shared);
const [, v1beta1] = apiServiceNames;
const keepOff = {
  metadata: { annotations: { 'kubegauge.io/keep-off-ca-bundle': '' } },
  spec: { caBundle: null, insecureSkipTLSVerify: true },
};

describe('kube-apiserver and two pods', {
  skip: program.name !== 'kubegauge' && 'the image is our own',
}, () => {
  let replicas: Replicas;
  const foreign = readFileSync(cluster.caFile, 'latin1');

  before(async () => {
    replicas = await shared.replicas();
  });

  test('it verifies them by caBundle, without insecureSkipTLSVerify', async () => {
    const pods = await replicas.settled();
    await registration.available();
    for (const name of apiServiceNames) {
      const state = await apiServiceState(cluster, name);
      assert.deepEqual([state.available, state.insecure], [true, false]);
      assert.deepEqual(state.published, pods.map((pod) => pod.name).sort());
      const file = path.join(shared.folder, 'ca-bundle.crt');
      await writeFile(file, state.bundle);
      for (const { ip } of pods) {
        const to = `metrics-server.kube-system.svc:443:${ip}:10250`;
        const url = 'https://metrics-server.kube-system.svc/livez';
        assert.equal(await cluster.runInNamespace('curl', ['-sS', '--cacert', file, '--connect-to', to, url]), 'ok');
      }
    }
  });

  test('no request fails while pods are replaced, leaves renewed and kube-apiserver restarted', async (t) => {
    for (const name of apiServiceNames) {
      const { bundle } = await apiServiceState(cluster, name);
      const caBundle = Buffer.from(foreign + bundle, 'latin1').toString('base64');
      await patchApiService(cluster, name, { spec: { caBundle } });
    }
    // An earlier file may have killed a replica just now.
    const inStepMs = Date.now() + outOfStepMs;
    await using lister = await (brief ? listFast() : list(['v1beta1', 'v1']));
    const replaced = brief ? await replaceByNextVersion() : await replaceTwice();
    const pods = await replicas.settled();
    const certificates = () => Promise.all(pods.map(({ ip }) => shownCertificate(ip)));
    const first = await certificates();
    const downMs = Date.now();
    // From here on it goes to the endpoints themselves.
    await replicas.restartApiServer(true);
    const upMs = Date.now();
    await waitFor(
      'pods to show another certificate',
      async () => {
        const renewed = (await certificates()).map((certificate, at) => certificate !== first[at]);
        return brief ? renewed.includes(true) : !renewed.includes(false);
      },
      120_000,
      1_000,
    );
    await lister.more(10);
    t.diagnostic(`pods replaced: ${replaced}`);
    if (brief)
      judge(
        t,
        lister.answers.filter(({ atMs }) => atMs > inStepMs),
      );
    // Until kube-apiserver is ready again, it answers by 403 and 503 itself: it has no roles and not all paths yet.
    assertNoFailure(
      t,
      lister.answers.filter(({ atMs }) => atMs < downMs || atMs > upMs),
    );
  });

  /** Evicts one and rolls out another version at once. Resolves with the number of pods that others have replaced. */
  async function replaceByNextVersion(): Promise<number> {
    const [first, second] = await replicas.settled();
    await replicas.evict(first);
    await assert.rejects(replicas.evict(second), /disruption budget/);
    const found = await replicas.change({ image: replicas.nextImage });
    assert.deepEqual(new Set(found.map(({ image }) => image)), new Set([replicas.nextImage]));
    return 2;
  }

  /** In the long form replicas.e2e.ts replaces twenty pods, which takes a quarter of an hour. */
  async function replaceTwice(): Promise<number> {
    await replicas.change({ extraArgs: ['--serving-certificate-duration=2m'] });
    await replicas.restart();
    return 4;
  }

  test('kubegauge status verifies the server by its root', async (t) => {
    const report = await wellReport(cluster);
    for (const line of report.trimEnd().split('\n')) t.diagnostic(line);
    for (const name of apiServiceNames) assert.ok(report.includes(`${name}: RootPublished: the bundle holds our root`));
  });

  test('a second server that is started by hand in a pod leaves the root of the first alone, and says so', async () => {
    const [pod] = await replicas.settled();
    const before = await Promise.all(apiServiceNames.map((name) => apiServiceState(cluster, name)));
    const flags = ['--cert-dir=/tmp', '--secure-port=10999', '--kubelet-service-account=kubegauge-kubelets'];
    // It ends with its container, in a later test.
    const second = cluster.startKubectl(['exec', inKubeSystem, pod?.name ?? '', '--', '/metrics-server', ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    for (const stream of [second.stdout, second.stderr])
      stream?.on('data', (chunk: Buffer) => (log += chunk.toString()));
    try {
      const isRefused = () => log.includes('caBundle is left to another process of this pod');
      await waitFor('the second server to leave caBundle alone', isRefused, 180_000);
      assert.match(log, /another process of this pod serves and has published its root certificate/);
    } catch (error) {
      throw new Error(log, { cause: error });
    } finally {
      second.kill();
    }
    const after = await Promise.all(apiServiceNames.map((name) => apiServiceState(cluster, name)));
    assert.deepEqual(after, before);
    await wellReport(cluster, pod?.name);
  });

  test('caBundle is no drift to kubectl diff and to server-side apply by another manager', async () => {
    const objects = registration.base.filter(({ kind }) => kind === 'APIService');
    const before = await Promise.all(apiServiceNames.map((name) => apiServiceState(cluster, name)));
    // It fails where there is a difference.
    assert.equal(await cluster.kubectl(['diff', '-f', '-'], { input: toList(objects) }), '');
    const args = ['apply', '--server-side', '--field-manager=gitops', '-f', '-'];
    await cluster.kubectl(args, { input: toList(objects) });
    const after = await Promise.all(apiServiceNames.map((name) => apiServiceState(cluster, name)));
    assert.deepEqual(
      after.map(({ bundle, insecure }) => [bundle, insecure]),
      before.map(({ bundle, insecure }) => [bundle, insecure]),
    );
  });

  test('a container that restarts replaces the root of its predecessor', async () => {
    const [{ name, containerId } = { name: '', containerId: '' }] = await replicas.settled();
    const roots = async () => rootsOf(await apiServiceState(cluster, v1beta1), name);
    const [older] = await roots();
    assert.ok(older !== undefined);
    await cluster.killContainer(containerId);
    await waitFor(
      'another root of the same pod',
      async () => {
        const [root, ...others] = await roots();
        return root !== undefined && root !== older && others.length === 0;
      },
      180_000,
    );
    await replicas.settled();
  });

  test('roots that another writer removed are put back, but not with the annotation; both pods switch together', async () => {
    const pods = (await replicas.settled()).map(({ name }) => name);
    const caBundle = Buffer.from(foreign, 'latin1').toString('base64');
    await patchApiService(cluster, v1beta1, { spec: { caBundle } });
    await published(pods, [v1beta1]);
    await patchApiService(cluster, v1beta1, keepOff);
    const states = async () => {
      const report = await cluster.kubectl([
        'get',
        '--raw',
        `/api/v1/namespaces/kube-system/pods/https:${pods[0]}:10250/proxy/readyz`,
      ]);
      return report === 'ok';
    };
    await waitFor('the pod to stay ready', states, 180_000);
    const annotated = await apiServiceState(cluster, v1beta1);
    assert.deepEqual([annotated.insecure, annotated.bundle, annotated.staged], [true, '', []]);
    await patchApiService(cluster, v1beta1, {
      metadata: { annotations: { 'kubegauge.io/keep-off-ca-bundle': null } },
    });
    await published(pods, [v1beta1]);
  });

  const byHand = { skip: brief && 'an integration test has it' };
  test('verification does not begin while the Service has an endpoint that is none of its pods', byHand, async () => {
    const pods = await replicas.settled();
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: 'metrics-server-by-hand',
        namespace: 'kube-system',
        labels: { 'kubernetes.io/service-name': 'metrics-server' },
      },
      addressType: 'IPv4',
      ports: [{ name: 'https', port: 10250, protocol: 'TCP' }],
      // Of no machine here.
      endpoints: [{ addresses: ['10.77.0.99'], conditions: { ready: true } }],
    };
    await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(slice) });
    try {
      await patchApiService(cluster, v1beta1, { spec: { caBundle: null, insecureSkipTLSVerify: true } });
      const codeOf = async (ip: string) => {
        const { body } = await ask(cluster, `https://${ip}:10250/status`, { token: shared.credentials.readerToken });
        return (JSON.parse(body) as StatusReport).caBundles?.find(({ apiService }) => apiService === v1beta1)?.code;
      };
      const allWait = async () => {
        const codes = await Promise.all(pods.map(({ ip }) => codeOf(ip)));
        return codes.every((code) => code === 'EndpointByHand');
      };
      await waitFor('both pods to wait for the endpoint', allWait, 60_000, 500);
      const { insecure, staged } = await apiServiceState(cluster, v1beta1);
      assert.deepEqual([insecure, staged], [true, pods.map(({ name }) => name).sort()]);
    } finally {
      await cluster.kubectl(['delete', 'endpointslice', inKubeSystem, slice.metadata.name]);
    }
    await published(
      pods.map(({ name }) => name),
      [v1beta1],
    );
  });

  test('no root of a pod that is gone is left, and the entry of another writer is', async () => {
    const pods = await replicas.settled();
    await published(pods.map(({ name }) => name));
    for (const name of apiServiceNames) {
      const { bundle } = await apiServiceState(cluster, name);
      // The other one was written anew when verification began again.
      assert.equal(bundle.startsWith(foreign), name !== v1beta1, name);
    }
  });
});
