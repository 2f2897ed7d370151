/** Remedies of `kubegauge doctor` that would do harm in an installation that is not of the manifests: they have to fit what is there. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { apiSideChecks } from '../../src/doctor/apiside/checks.ts';
import { examine } from '../../src/doctor/examination.ts';
import type { ReportedFinding } from '../../src/doctor/finding.ts';
import { parseCommandLine } from '../../src/options/parse.ts';
import { createFakeApiServer } from '../fakes/apiserver.ts';
import { createInstallation } from '../fakes/installation.ts';
import { beta, change, type FaultyCluster, podName } from './apisidefaults.ts';

const { options } = parseCommandLine([]);
const metricsServerImage = 'registry.k8s.io/metrics-server/metrics-server:v0.8.1';

const cluster: { current?: FaultyCluster } = {};

async function use(image?: string): Promise<FaultyCluster> {
  await release();
  const apiServer = await createFakeApiServer();
  const installation = await createInstallation(apiServer, image === undefined ? {} : { image });
  cluster.current = { apiServer, installation };
  return cluster.current;
}

async function release(): Promise<void> {
  await cluster.current?.installation[Symbol.asyncDispose]();
  await cluster.current?.apiServer.close();
  delete cluster.current;
}

after(release);

async function found({ apiServer }: FaultyCluster, code: string): Promise<readonly ReportedFinding[]> {
  const { findings } = await examine(apiSideChecks, { server: apiServer.connection, options, place: 'pod' });
  return findings.filter((finding) => finding.code === code);
}

describe('manifests over what is there', () => {
  const chart = { 'app.kubernetes.io/name': 'metrics-server', 'app.kubernetes.io/instance': 'metrics-server' };

  /** As the Helm chart has it: its APIService is not verified either. */
  async function useChart(): Promise<FaultyCluster> {
    const planted = await use(metricsServerImage);
    change(planted, 'APIService', beta, { spec: { caBundle: null, insecureSkipTLSVerify: true } });
    const labels = { 'k8s-app': null, ...chart };
    change(planted, 'Service', 'metrics-server', { spec: { selector: labels } });
    change(planted, 'Pod', podName, { metadata: { labels } });
    const template = { metadata: { labels } };
    change(planted, 'Deployment', 'metrics-server', { spec: { selector: { matchLabels: labels }, template } });
    return planted;
  }

  const isPointer = ({ remedy = '' }: ReportedFinding): void => {
    assert.match(remedy, /^# docs\/migrate\.md /);
    assert.doesNotMatch(remedy, /kubectl (?:apply|annotate)/);
  };

  test('of the Helm chart are steps of a document: its selector is immutable, and a Service of both selects no pod', async () => {
    const planted = await useChart();
    const [finding] = await found(planted, 'tls-not-verified');
    assert.ok(finding);
    isPointer(finding);
  });

  test('are steps where the Deployment selects by an expression, too', async () => {
    const planted = await use(metricsServerImage);
    change(planted, 'APIService', beta, { spec: { caBundle: null, insecureSkipTLSVerify: true } });
    const matchExpressions = [{ key: 'version', operator: 'Exists' }];
    change(planted, 'Deployment', 'metrics-server', { spec: { selector: { matchExpressions } } });
    for (const finding of await found(planted, 'tls-not-verified')) isPointer(finding);
  });

  test("without the right to read the Deployment, its pods' labels decide", async () => {
    const planted = await useChart();
    planted.apiServer.faults.answer = ({ path }) => (path.includes('/deployments/') ? 403 : undefined);
    for (const finding of await found(planted, 'tls-not-verified')) isPointer(finding);
    const release = await use(metricsServerImage);
    change(release, 'APIService', beta, { spec: { caBundle: null, insecureSkipTLSVerify: true } });
    release.apiServer.faults.answer = ({ path }) => (path.includes('/deployments/') ? 403 : undefined);
    assert.match((await found(release, 'tls-not-verified'))[0]?.remedy ?? '', /^kubectl apply -k my-cluster /m);
  });

  test('are no grant to the account of a chart with the image of kubegauge', async () => {
    const planted = await useChart();
    change(planted, 'Pod', podName, [
      { op: 'replace', path: '/spec/containers/0/image', value: 'kubegauge:0.1.0' },
      { op: 'add', path: '/spec/containers/0/args/-', value: '--kubelet-service-account=kubegauge-kubelets' },
    ]);
    const refused = (await found(planted, 'right-missing')).filter(({ problem }) => problem.includes('must not get'));
    assert.notEqual(refused.length, 0);
    for (const finding of refused) isPointer(finding);
  });

  test('of a Service without pods are applied over its selector only if it is that of the manifests', async () => {
    const planted = await useChart();
    planted.apiServer.objects.delete('Deployment', 'metrics-server', 'kube-system');
    planted.apiServer.objects.delete('Pod', podName, 'kube-system');
    const [finding] = await found(planted, 'server-missing');
    assert.ok(finding);
    isPointer(finding);
    change(planted, 'Service', 'metrics-server', {
      spec: {
        selector: { 'app.kubernetes.io/name': null, 'app.kubernetes.io/instance': null, 'k8s-app': 'metrics-server' },
      },
    });
    assert.match((await found(planted, 'server-missing'))[0]?.remedy ?? '', /^kubectl apply -k my-cluster /);
  });
});
