/**
 * kube-apiserver verifies the server's pods by the roots that they publish themselves: from the manifests, while pods are
 * replaced, over metrics-server's release and back by the steps of manifests/README.md.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { makeAuthority } from '../../fakes/certificates.ts';
import { inPod, type KubernetesObject, parseObjects, toList } from '../registration.ts';
import { waitFor } from '../wait.ts';
import { apiServiceNames, apiServiceState, patchApiService } from './apiservices.ts';
import { harness } from './harness.ts';
import { failures, type Listed, type Lister, startLister } from './lister.ts';
import { metricsServerRelease } from './metricsserver.ts';
import { deployReplicas, type Replicas } from './replicas.ts';

const shared = harness();
const { cluster, program, loads, credentials, registration, server, brief } = shared;
const namespace = '--namespace=kube-system';
const [, v1beta1] = apiServiceNames;

/** The steps of manifests/README.md; a test compares them. */
const forgetLastApplied = [
  'annotate',
  'apiservice',
  v1beta1,
  'kubectl.kubernetes.io/last-applied-configuration-',
] as const;
const removeV1 = ['delete', 'apiservice', 'v1.metrics.k8s.io'] as const;
const wayBack = {
  metadata: { annotations: { 'kubegauge.io/keep-off-ca-bundle': '' } },
  spec: { caBundle: null, insecureSkipTLSVerify: true },
};
const manifests = path.resolve(import.meta.dirname, '../../../manifests');

describe('the certificate of pods', { skip: program.name !== 'kubegauge' && 'the image is our own' }, () => {
  before(async () => {
    await loads.running();
    await cluster.importArchive(await shared.productImage());
    await registration.remove();
    assert.equal(await server().stop(), 0, server().log());
  });
  after(async () => {
    await registration.remove();
    await registration.add();
    await credentials.renewServer();
    await shared.restart();
    await registration.available();
  });

  /** Lists nodes through kube-apiserver every 200 ms. */
  function list(versions: readonly string[]): Promise<Lister> {
    const paths = versions.map((version) => `/apis/metrics.k8s.io/${version}/nodes`);
    return startLister(cluster, { url: cluster.apiServerUrl, paths, token: credentials.readerToken, everyMs: 200 });
  }

  function assertNoFailure(t: TestContext, answers: readonly Listed[]): void {
    t.diagnostic(`${answers.length} requests, ${failures(answers).length} failed`);
    assert.deepEqual(failures(answers), []);
  }

  function published(pods: readonly string[], names: readonly string[] = apiServiceNames): Promise<true> {
    return waitFor(
      `the bundles to hold the roots of ${pods.join(' and ')} only`,
      async () => {
        const states = await Promise.all(names.map((name) => apiServiceState(cluster, name)));
        return states.every((state) => state.published.join() === pods.toSorted().join() && !state.insecure);
      },
      120_000,
      500,
    );
  }

  describe('of a default installation with two replicas', () => {
    let replicas: Replicas;
    const foreign = readFileSync(cluster.caFile, 'latin1');

    before(async () => {
      replicas = await deployReplicas(shared);
    });
    after(() => replicas.remove());

    test('is verified by caBundle, and insecureSkipTLSVerify is not set', async () => {
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

    test('verifies the server for kubegauge status', async (t) => {
      const command = ['exec', namespace, 'deployment/metrics-server', '--', '/metrics-server', 'status'];
      const report = await cluster.kubectl([...command, '--cert-dir=/tmp']);
      for (const line of report.trimEnd().split('\n')) t.diagnostic(line);
      assert.match(report, /^all is well$/m);
      for (const name of apiServiceNames) assert.ok(report.includes(`${name}: the bundle holds our root`));
    });

    test('is no drift to kubectl diff and to server-side apply by another manager', async () => {
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

    test('survives replacements, renewals and a restart of kube-apiserver without a failed request', async (t) => {
      for (const name of apiServiceNames) {
        const { bundle } = await apiServiceState(cluster, name);
        const caBundle = Buffer.from(foreign + bundle, 'latin1').toString('base64');
        await patchApiService(cluster, name, { spec: { caBundle } });
      }
      await using lister = await list(['v1beta1', 'v1']);
      await replicas.change({ extraArgs: ['--serving-certificate-duration=2m'] });
      const rollouts = brief ? 1 : 9;
      for (let count = 0; count < rollouts; count += 1) {
        await cluster.kubectl(['rollout', 'restart', 'deployment/metrics-server', namespace]);
        const args = ['rollout', 'status', 'deployment/metrics-server', namespace, '--timeout=120s'];
        await cluster.kubectl(args, { timeoutMs: 130_000 });
        await replicas.settled();
      }
      const pods = await replicas.settled();
      const certificates = () => Promise.all(pods.map(({ ip }) => shownCertificate(ip)));
      const first = await certificates();
      const downMs = Date.now();
      await cluster.stopComponent('kube-apiserver');
      await cluster.startComponent('kube-apiserver');
      const startedMs = Date.now();
      await waitFor('kube-apiserver to answer again', () => lister.answers.some(isAnswerAfter(startedMs)), 60_000);
      const upMs = Date.now();
      await waitFor(
        'each pod to show another certificate',
        async () => (await certificates()).every((certificate, at) => certificate !== first[at]),
        120_000,
        2_000,
      );
      await published(pods.map(({ name }) => name));
      for (const name of apiServiceNames) {
        const { bundle } = await apiServiceState(cluster, name);
        assert.ok(bundle.startsWith(foreign), `the entry of another writer is gone from ${name}`);
      }
      await lister.more(10);
      t.diagnostic(`${(rollouts + 1) * 2} pods were replaced`);
      // Without kube-apiserver there is no answer of anything.
      assertNoFailure(
        t,
        lister.answers.filter(({ atMs, status }) => status !== 0 || atMs < downMs || atMs > upMs),
      );
    });

    test('is published again by a container that restarts, in the place of its older root', async () => {
      const [pod] = await replicas.settled();
      const before = await apiServiceState(cluster, v1beta1);
      await cluster.killContainer(pod?.containerId ?? '');
      await waitFor(
        'another root of the same pod',
        async () => {
          const now = await apiServiceState(cluster, v1beta1);
          return now.published.join() === before.published.join() && now.bundle !== before.bundle;
        },
        60_000,
      );
      const pods = await replicas.settled();
      await published(pods.map(({ name }) => name));
    });

    test('is put back where another writer removed it, but not with the annotation', async () => {
      const pods = (await replicas.settled()).map(({ name }) => name);
      const caBundle = Buffer.from(foreign, 'latin1').toString('base64');
      await patchApiService(cluster, v1beta1, { spec: { caBundle } });
      await published(pods, [v1beta1]);
      await patchApiService(cluster, v1beta1, wayBack);
      const states = async () => {
        const report = await cluster.kubectl([
          'get',
          '--raw',
          `/api/v1/namespaces/kube-system/pods/https:${pods[0]}:10250/proxy/readyz`,
        ]);
        return report === 'ok';
      };
      await waitFor('the pod to stay ready', states, 30_000);
      const annotated = await apiServiceState(cluster, v1beta1);
      assert.deepEqual([annotated.insecure, annotated.bundle, annotated.staged], [true, '', []]);
      await patchApiService(cluster, v1beta1, {
        metadata: { annotations: { 'kubegauge.io/keep-off-ca-bundle': null } },
      });
      await published(pods, [v1beta1]);
    });
  });

  describe("over metrics-server's release", () => {
    let release: KubernetesObject[] = [];

    before(async () => {
      release = await metricsServerRelease(cluster, shared.folder);
      await cluster.kubectl(['apply', '-f', '-'], { input: toList(release) });
      await rolledOut();
    });
    after(async () => {
      await cluster.kubectl(['delete', '--ignore-not-found', '--timeout=60s', '-f', '-'], {
        input: toList(apiServicesFirst(release)),
      });
      await registration.remove();
    });

    async function rolledOut(): Promise<void> {
      const args = ['rollout', 'status', 'deployment/metrics-server', namespace, '--timeout=120s'];
      await cluster.kubectl(args, { timeoutMs: 130_000 });
      await cluster.kubectl(['wait', '--for=condition=Available', '--timeout=60s', `apiservice/${v1beta1}`]);
    }

    async function podNames(): Promise<string[]> {
      const args = ['get', 'pods', namespace, '--selector=k8s-app=metrics-server', '-o', 'name'];
      return (await cluster.kubectl(args))
        .trim()
        .split('\n')
        .map((name) => name.replace('pod/', ''));
    }

    test('the steps are those of manifests/README.md', () => {
      const text = readFileSync(path.join(manifests, 'README.md'), 'utf8');
      for (const command of [forgetLastApplied, removeV1, [`'${JSON.stringify(wayBack)}'`]]) {
        assert.ok(text.includes(command.join(' ')), command.join(' '));
      }
    });

    test('it is replaced without a failed answer, and verified from then on', async (t) => {
      await using lister = await list(['v1beta1']);
      await cluster.kubectl(forgetLastApplied);
      const objects = inPod(registration.base, { ip: cluster.nodeIp, port: cluster.settings.apiServerPort });
      await cluster.kubectl(['apply', '-f', '-'], { input: toList(objects) });
      assert.equal((await apiServiceState(cluster, v1beta1)).insecure, true);
      await rolledOut();
      const [pod = '', ...others] = await waitFor(
        'one pod',
        async () => {
          const names = await podNames();
          return names.length === 1 && names;
        },
        60_000,
      );
      assert.deepEqual(others, []);
      await published([pod]);
      await registration.available();
      await lister.more(10);
      assertNoFailure(t, lister.answers);
    });

    test('it comes back without a failed answer', async (t) => {
      await using lister = await list(['v1beta1']);
      await patchApiService(cluster, v1beta1, wayBack);
      await cluster.kubectl(removeV1);
      await cluster.kubectl(['apply', '-f', '-'], { input: toList(release) });
      await rolledOut();
      await waitFor('one pod', async () => (await podNames()).length === 1, 60_000);
      await lister.more(10);
      assertNoFailure(t, lister.answers);
      const args = ['get', 'deployment', 'metrics-server', namespace, '-o', 'jsonpath={..image}'];
      assert.match(await cluster.kubectl(args), /metrics-server\/metrics-server:v/);
    });
  });

  describe('of a Secret', { skip: brief && 'kubelets take a minute and more to refresh a Secret' }, () => {
    const authority = makeAuthority('serving certificates');
    let objects: KubernetesObject[] = [];

    before(async () => {
      const folder = path.join(shared.folder, 'certificate-secret');
      const relative = (part: string) => path.relative(folder, path.join(manifests, part));
      const op = { op: 'add', path: '/spec/caBundle', value: Buffer.from(authority.cert).toString('base64') };
      const kustomization = {
        resources: [relative('base')],
        components: [relative('components/certificate-secret')],
        patches: [{ target: { kind: 'APIService' }, patch: JSON.stringify([op]) }],
      };
      await mkdir(folder);
      await writeFile(path.join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
      const built = parseObjects(await cluster.kubectl(['kustomize', folder]));
      objects = inPod(built, { ip: cluster.nodeIp, port: cluster.settings.apiServerPort });
      await setSecret();
      await cluster.kubectl(['apply', '-f', '-'], { input: toList(objects) });
      await registration.available();
    });
    after(async () => {
      await cluster.kubectl(['delete', '--ignore-not-found', '--timeout=60s', '-f', '-'], {
        input: toList(apiServicesFirst(objects)),
      });
      await cluster.kubectl(['delete', '--ignore-not-found', 'secret', 'metrics-server-certificate', namespace]);
    });

    async function setSecret(): Promise<void> {
      const { cert, key } = authority.issue({
        cn: 'metrics-server',
        dns: ['metrics-server.kube-system.svc'],
        usages: ['server'],
      });
      const secret = {
        apiVersion: 'v1',
        kind: 'Secret',
        type: 'kubernetes.io/tls',
        metadata: { name: 'metrics-server-certificate', namespace: 'kube-system' },
        stringData: { 'tls.crt': cert, 'tls.key': key },
      };
      await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(secret) });
    }

    test('is renewed without a restart or a failed request, and nothing is written', async (t) => {
      await using lister = await list(['v1beta1', 'v1']);
      const args = ['get', 'pods', namespace, '--selector=k8s-app=metrics-server', '-o', 'jsonpath={..podIP}'];
      const ip = (await cluster.kubectl(args)).trim();
      const first = await shownCertificate(ip);
      await setSecret();
      await waitFor('the pod to show the renewed one', async () => (await shownCertificate(ip)) !== first, 180_000);
      await lister.more(10);
      assertNoFailure(t, lister.answers);
      for (const name of apiServiceNames) assert.equal((await apiServiceState(cluster, name)).bundle, authority.cert);
    });
  });

  /** Returns the serving certificate of a pod as PEM. */
  async function shownCertificate(ip: string): Promise<string> {
    const url = `https://${ip}:10250/livez`;
    return cluster.runInNamespace('curl', ['-sSk', '--output', '/dev/null', '--write-out', '%{certs}', url]);
  }
});

/** An APIService without a server behind it holds up everything that asks for discovery. */
function apiServicesFirst(objects: readonly KubernetesObject[]): KubernetesObject[] {
  return objects.toSorted((a, b) => Number(b.kind === 'APIService') - Number(a.kind === 'APIService'));
}

function isAnswerAfter(ms: number): (answer: Listed) => boolean {
  return ({ atMs, status }) => atMs > ms && status === 200;
}
