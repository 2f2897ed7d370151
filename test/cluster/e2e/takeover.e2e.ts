/** From kubegauge to metrics-server's release and back again by the documented steps (takeoversteps.ts), and certificates from elsewhere. */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { V1APIService, V1Deployment, V1Pod } from '@kubernetes/client-node';
import { makeAuthority } from '../../fakes/certificates.ts';
import { type KubernetesObject, toList } from '../registration.ts';
import { waitFor } from '../wait.ts';
import { apiServiceNames, apiServiceState } from './apiservices.ts';
import { harness } from './harness.ts';
import { buildManifests } from './kustomized.ts';
import { metricsServerRelease } from './metricsserver.ts';
import type { Lister } from './lister.ts';
import { addArgs, fitToCluster, listServerPods, podsGone } from './podserver.ts';
import { apply } from './pods.ts';
import { isAmong, removeObjects } from './registration.ts';
import type { Replicas } from './replicas.ts';
import { shortResolution } from './server.ts';
import {
  allowBundle,
  applyInput,
  goBack,
  insecureApiService,
  ownInsecure,
  type Step,
  stepTimeoutMs,
  takeOver,
  takeOverServerSide,
} from './takeoversteps.ts';
import { assertNoFailure, createVerifiedPods, inKubeSystem } from './verifiedpods.ts';

const shared = harness();
const { cluster, program, registration, brief } = shared;
const { begin, list, published, shownCertificate, podNames, available } = createVerifiedPods(shared);
const isOther = program.name !== 'kubegauge' && 'the image is our own';
const [, v1beta1] = apiServiceNames;
const podEndTimeoutMs = 150_000;

/** Runs the steps in their order. @param input JSON that is applied where a document names a file or a folder. @param applied called after that. */
async function walk(steps: readonly Step[], input: string, applied?: () => Promise<void>) {
  for (const step of steps) {
    const args = applyInput(step);
    if (args === undefined) await cluster.kubectl(step, { timeoutMs: stepTimeoutMs });
    else {
      await cluster.kubectl(args, { input });
      await applied?.();
    }
  }
}

/** Resolves when the previous server's pod is gone. Its kubelet has to end it, for which a busy machine takes minutes. */
const onlyOnePod = () => waitFor('one pod', async () => (await podNames()).length === 1, podEndTimeoutMs);

/** Names of the field managers that own insecureSkipTLSVerify of v1beta1, sorted. */
async function insecureOwners(): Promise<string[]> {
  const { metadata } = JSON.parse(
    await cluster.kubectl(['get', 'apiservice', v1beta1, '-o', 'json', '--show-managed-fields']),
  ) as V1APIService;
  const owns = (fields: object | undefined) => JSON.stringify(fields).includes('"f:insecureSkipTLSVerify"');
  return (metadata?.managedFields ?? [])
    .flatMap(({ manager = '', fieldsV1 }) => (owns(fieldsV1) ? [manager] : []))
    .sort();
}

/** Only of our pods: metrics-server refuses it beside its default --kubelet-request-timeout. */
const withShortResolution = (object: KubernetesObject) => addArgs(object, [shortResolution]);

describe("from two replicas to metrics-server's release, and to manifests/base", { skip: isOther }, () => {
  let replicas: Replicas;
  let release: KubernetesObject[] = [];

  before(async () => {
    replicas = await shared.replicas();
    [release] = await Promise.all([metricsServerRelease(cluster, shared.folder), replicas.restoreRouting()]);
    await replicas.settled();
    await registration.available();
  });
  // The pod by manifests/base stays; roles and the account of the release do not, whose rights others examine.
  after(async () => {
    await shared.endReplicas(registration.base);
    await removeObjects(
      cluster,
      release.filter((object) => !isAmong(object, registration.base)),
    );
  });

  test('the release replaces them without a failed answer', async (t) => {
    await using lister = await list(['v1beta1']);
    await walk(goBack, toList(release));
    await available(v1beta1);
    await onlyOnePod();
    await lister.more(10);
    assertNoFailure(t, lister.answers);
    const args = ['get', 'deployment', 'metrics-server', inKubeSystem, '-o', 'jsonpath={..image}'];
    assert.match(await cluster.kubectl(args), /metrics-server\/metrics-server:v/);
    await cluster.kubectl(allowBundle);
    // The other steps after the way back: they remove what the release does not have.
    await removeObjects(
      cluster,
      replicas.objects.filter((object) => !isAmong(object, release)),
    );
  });

  test('where the image alone is replaced nothing is written, and one line says so', { skip: brief }, async (t) => {
    await using lister = await list(['v1beta1']);
    const before = await apiServiceState(cluster, v1beta1);
    const deployment = registration.base.find(({ kind }) => kind === 'Deployment') as KubernetesObject & V1Deployment;
    const image = deployment.spec?.template.spec?.containers[0]?.image;
    await cluster.kubectl(['set', 'image', 'deployment/metrics-server', `metrics-server=${image}`, inKubeSystem]);
    await available(v1beta1);
    await onlyOnePod();
    await lister.more(10);
    assertNoFailure(t, lister.answers);
    assert.deepEqual(await apiServiceState(cluster, v1beta1), before);
    const log = await cluster.kubectl(['logs', inKubeSystem, 'deployment/metrics-server']);
    const lines = log.split('\n').filter((line) => line.includes('caBundle'));
    assert.equal(lines.length, 1, log);
    assert.match(lines[0] ?? '', /may not read the APIService; apply manifests\/base for verified TLS/);
    await apply(cluster, release);
    await available(v1beta1);
    await onlyOnePod();
  });

  /** Resolves when one pod is left, whose root is published, and no request has failed but at the closed port of the previous pod. */
  async function assertReplaced(t: TestContext, { answers, more }: Lister, old: V1Pod | undefined): Promise<void> {
    await available(v1beta1);
    await onlyOnePod();
    await published(await podNames());
    await registration.available();
    await more(10);
    // metrics-server stops listening at once, before its endpoint is gone.
    const closed = `dial tcp ${old?.status?.podIP}:10250: connect: connection refused`;
    const ours = answers.filter(({ problem = '' }) => !problem.includes(closed));
    t.diagnostic(`${answers.length - ours.length} of metrics-server, which had stopped listening`);
    assertNoFailure(t, ours);
  }

  const ownManifests = () => toList(fitToCluster(cluster, registration.base).map(withShortResolution));
  const staysInsecure = async () => assert.equal((await apiServiceState(cluster, v1beta1)).insecure, true);

  test('the release is replaced without a failed answer, and its successor is verified from then on', async (t) => {
    await using lister = await list(['v1beta1']);
    const [old] = await listServerPods(cluster);
    await walk(takeOver, ownManifests(), staysInsecure);
    await assertReplaced(t, lister, old);
  });

  test('so is a release that was applied server-side, and later applies change nothing', { skip: brief }, async (t) => {
    // Another owner of the field, as the patch of the way back, would keep it.
    await removeObjects(cluster, [...registration.base, ...release]);
    await podsGone(cluster);
    const serverSide = ['apply', '--server-side', '-f', '-'];
    await cluster.kubectl(serverSide, { input: toList(release) });
    await available(v1beta1);
    assert.deepEqual(await insecureOwners(), ['kubectl']);

    await using lister = await list(['v1beta1']);
    const [old] = await listServerPods(cluster);
    await walk(ownInsecure, JSON.stringify(insecureApiService));
    assert.deepEqual(await insecureOwners(), ['kubectl', 'kubegauge-takeover']);
    await walk(takeOverServerSide, ownManifests(), staysInsecure);
    await assertReplaced(t, lister, old);

    const verified = await apiServiceState(cluster, v1beta1);
    assert.deepEqual(await insecureOwners(), []);
    await assert.rejects(
      walk(ownInsecure, JSON.stringify(insecureApiService)),
      /may not be true if caBundle is present/,
    );
    await walk(takeOverServerSide, ownManifests());
    assert.deepEqual(await apiServiceState(cluster, v1beta1), verified);
  });
});

describe('with the certificate of a Secret', {
  skip: isOther || (brief && 'kubelets take a minute to refresh it'),
}, () => {
  const authority = makeAuthority('serving certificates');
  let objects: KubernetesObject[] = [];

  before(async () => {
    await begin();
    const op = { op: 'add', path: '/spec/caBundle', value: Buffer.from(authority.cert).toString('base64') };
    const patch = { target: { kind: 'APIService' }, patch: JSON.stringify([op]) };
    const built = await buildManifests(cluster, shared.folder, ['certificate-secret'], [patch]);
    objects = fitToCluster(cluster, built);
    await setSecret();
    await apply(cluster, objects);
    await registration.available();
  });
  after(async () => {
    await removeObjects(cluster, objects);
    await cluster.kubectl(['delete', '--ignore-not-found', 'secret', 'metrics-server-certificate', inKubeSystem]);
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

  test('a renewed one is used without a restart or a failed request, and nothing is written', async (t) => {
    await using lister = await list(['v1beta1', 'v1']);
    const [pod] = await listServerPods(cluster);
    const ip = pod?.status?.podIP ?? '';
    const first = await shownCertificate(ip);
    await setSecret();
    await waitFor('the pod to show the renewed one', async () => (await shownCertificate(ip)) !== first, 180_000);
    await lister.more(10);
    assertNoFailure(t, lister.answers);
    for (const name of apiServiceNames) assert.equal((await apiServiceState(cluster, name)).bundle, authority.cert);
  });
});
