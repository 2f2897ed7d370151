/** `kubegauge doctor custom-metrics`: APIServices of both groups beside the server's flags, and rules by the server's status. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, suite, test } from 'node:test';
import { statusResourcePath } from '../../src/api/statusresource.ts';
import { readLocalStatus } from '../../src/client/localstatus.ts';
import { namespacesCheck } from '../../src/doctor/apiside/namespaces.ts';
import { customMetricsCheck } from '../../src/doctor/custommetrics/custommetricscheck.ts';
import { examine } from '../../src/doctor/examination.ts';
import type { ReportedFinding } from '../../src/doctor/finding.ts';
import { parseCommandLine } from '../../src/options/parse.ts';
import { waitFor } from '../cluster/wait.ts';
import { createFakeApiServer } from '../fakes/apiserver.ts';
import { aggregatedDiscovery } from '../fakes/discovery.ts';
import { apiService, condition, createInstallation, namespace, servingPod } from '../fakes/installation.ts';
import { runCommands } from '../fakes/kubectl.ts';
import type { KubeObject } from '../fakes/kubeobjects.ts';
import { createFakePrometheus } from '../fakes/prometheus.ts';
import { setRbac } from '../fakes/rbac.ts';
import { startWholeCluster } from '../fakes/wholecluster.ts';
import { change, type FaultyCluster, podName } from './apisidefaults.ts';

const custom = 'custom.metrics.k8s.io';
const external = 'external.metrics.k8s.io';
const adapter = { service: { namespace: 'monitoring', name: 'prometheus-adapter', port: 443 } };
const down = { status: { conditions: [condition('Available', 'False', 'FailedDiscoveryCheck', 'bad status: 404')] } };

const components = ['components/custom-metrics/rbac.yaml', 'components/external-metrics/rbac.yaml'];

let current: FaultyCluster | undefined;

async function use(...flags: readonly string[]): Promise<FaultyCluster> {
  await release();
  const apiServer = await createFakeApiServer();
  current = { apiServer, installation: await createInstallation(apiServer) };
  setRbac(apiServer.objects, components);
  for (const value of flags) change(current, 'Pod', podName, [{ op: 'add', path: '/spec/containers/0/args/-', value }]);
  for (const value of flags)
    change(current, 'Deployment', 'metrics-server', [
      { op: 'add', path: '/spec/template/spec/containers/0/args/-', value },
    ]);
  return current;
}

async function release(): Promise<void> {
  await current?.installation[Symbol.asyncDispose]();
  await current?.apiServer.close();
  current = undefined;
}

after(release);

async function findings(
  { apiServer }: FaultyCluster,
  place: 'pod' | 'outside' = 'outside',
  checks = [customMetricsCheck],
): Promise<readonly ReportedFinding[]> {
  const { options } = parseCommandLine([]);
  return (await examine(checks, { server: apiServer.connection, options, place })).findings;
}

const summary = (found: readonly ReportedFinding[]) => found.map(({ code, severity }) => `${severity} ${code}`);

function register({ apiServer }: FaultyCluster, version: string, group: string, spec: object = {}, more: object = {}) {
  apiServer.objects.set({ ...apiService(version, spec, group), ...more });
}

describe('doctor and the APIServices of custom metrics', () => {
  test('finds nothing where there is neither a flag nor an APIService', async () => {
    assert.deepEqual(await findings(await use()), []);
  });

  test('in a pod without the component, the missing right is not reported', async () => {
    const cluster = await use();
    cluster.apiServer.faults.answer = ({ path: asked }) => (/(custom|external)\.metrics/.test(asked) ? 403 : undefined);
    assert.deepEqual(await findings(cluster, 'pod'), []);
  });

  test('in a pod without the external component, external metrics are not reported until something registers them', async () => {
    const cluster = await use('--custom-metrics=kubelet');
    cluster.apiServer.objects.delete('ClusterRole', 'system:kubegauge-external-metrics');
    for (const version of ['v1beta2', 'v1beta1']) register(cluster, version, custom);
    cluster.apiServer.faults.answer = ({ path: asked }) =>
      asked.endsWith('/apiservices/v1beta1.external.metrics.k8s.io') ? 403 : undefined;
    const unchecked = async () =>
      (await findings(cluster, 'pod')).filter((each) => {
        return each.severity === 'unchecked' && JSON.stringify(each).includes(external);
      });
    assert.deepEqual(await unchecked(), []);
    cluster.apiServer.documents.set(`/apis/${external}`, { kind: 'APIGroup', name: external });
    assert.equal((await unchecked()).length, 1);
  });

  test('names another adapter, which is well', async () => {
    const cluster = await use();
    register(cluster, 'v1beta1', custom, adapter);
    const found = await findings(cluster);
    assert.deepEqual(summary(found), ['note custom-api-elsewhere']);
    assert.equal(found[0]?.evidence, 'v1beta1.custom.metrics.k8s.io by Service monitoring/prometheus-adapter');
  });

  test('warns of another adapter where this server has a source', async () => {
    const cluster = await use('--custom-metrics=kubelet');
    register(cluster, 'v1beta1', custom, adapter);
    assert.deepEqual(summary(await findings(cluster)), ['warning custom-api-elsewhere', 'note metric-rules']);
  });

  test('outside of the pod, the rules are from the report behind kube-apiserver, which is asked for no node', async () => {
    const cluster = await use('--config=/etc/rules.yaml');
    const { documents, requests } = cluster.apiServer;
    const metricRules = [
      { source: 'main', rule: 'rules[0]', metrics: 1, lastSuccess: '2026-11-22T20:00:00Z' },
      { source: 'main', rule: 'rules[1]', metrics: 0, error: 'the engine answers 503', query: 'up' },
    ];
    documents.set(statusResourcePath, { version: '1.0.0', metricRules });
    for (const version of ['v1beta2', 'v1beta1']) register(cluster, version, custom);
    const found = await findings(cluster);
    assert.deepEqual(summary(found), ['error metric-rule-fails', 'note metric-rules']);
    assert.match(found[0]?.evidence ?? '', /the engine answers 503; query: up/);
    assert.match(found[1]?.problem ?? '', /1 of its 2 rules work/);
    const asked = requests.find(({ path: each }) => each === statusResourcePath);
    assert.equal(asked?.query.toString(), 'node=-');
  });

  test('a user without the right to the report is told how to see the rules', async () => {
    const cluster = await use('--config=/etc/rules.yaml');
    for (const version of ['v1beta2', 'v1beta1']) register(cluster, version, custom);
    cluster.apiServer.faults.answer = ({ path: asked }) => (asked === statusResourcePath ? 403 : undefined);
    const [note] = (await findings(cluster)).filter(({ code }) => code === 'metric-rules');
    assert.match(note?.problem ?? '', /which doctor reads in the pod; elsewhere it needs two rights/);
  });

  // As KEDA's chart and its release's file of manifests have it.
  const ofKeda = {
    'the chart': ['keda-operator-metrics-apiserver', { caBundle: 'Q0E=' }],
    'the manifests': ['keda-metrics-apiserver', { insecureSkipTLSVerify: true }],
  } as const;
  for (const [source, [name, trust]] of Object.entries(ofKeda)) {
    const registerKeda = ({ apiServer }: FaultyCluster, service: object): void => {
      const object = apiService('v1beta1', { versionPriority: 100, service, ...trust }, external);
      const kedaLabels = {
        'app.kubernetes.io/name': 'v1beta1.external.metrics.k8s.io',
        'app.kubernetes.io/version': '2.19.0',
        'app.kubernetes.io/part-of': 'keda-operator',
      };
      apiServer.objects.set({ ...object, metadata: { ...object.metadata, labels: kedaLabels } });
    };
    // kube-apiserver adds the port that the manifests lack.
    const keda = { namespace: 'keda', name, port: 443 };

    test(`leaves external metrics to KEDA of ${source}, and custom metrics work beside it`, async () => {
      const cluster = await use('--custom-metrics=kubelet');
      for (const version of ['v1beta1', 'v1beta2']) register(cluster, version, custom);
      registerKeda(cluster, keda);
      const found = await findings(cluster);
      assert.deepEqual(summary(found), ['note custom-api-elsewhere', 'note metric-rules']);
      assert.equal(found[0]?.problem, 'KEDA serves it, for its ScaledObjects');
      assert.equal(found[0]?.evidence, `v1beta1.external.metrics.k8s.io by Service keda/${name}`);
    });

    test(`reports an APIService that was taken from KEDA of ${source}, and does not delete it`, async () => {
      const cluster = await use('--custom-metrics=kubelet');
      for (const version of ['v1beta1', 'v1beta2']) register(cluster, version, custom);
      // As kubectl apply leaves it: labels of KEDA stay.
      registerKeda(cluster, { namespace, name: 'metrics-server', port: 443 });
      const [found] = await findings(cluster);
      assert.deepEqual([found?.severity, found?.code], ['error', 'custom-api-of-keda']);
      assert.match(found?.remedy ?? '', /apply KEDA's manifests or its chart again/);
      assert.doesNotMatch(found?.remedy ?? '', /delete/);
      await runCommands(cluster.apiServer, found?.remedy ?? '');
      registerKeda(cluster, keda);
      assert.deepEqual(summary(await findings(cluster)), ['note custom-api-elsewhere', 'note metric-rules']);
    });
  }

  for (const flag of ['--custom-metrics=kubelet', '--config=/etc/rules.yaml', '-c=/etc/rules.yaml']) {
    test(`finds the component missing with ${flag}`, async () => {
      const found = await findings(await use(flag));
      assert.deepEqual(summary(found), ['error custom-api-not-registered', 'note metric-rules']);
      assert.match(
        found[0]?.remedy ?? '',
        /^kubectl apply -f manifests\/components\/custom-metrics\/apiservices\.yaml /,
      );
    });
  }

  test('finds the component without the flag once, and the remedy ends it', async () => {
    const cluster = await use();
    for (const version of ['v1beta1', 'v1beta2']) register(cluster, version, custom, {}, down);
    register(cluster, 'v1beta1', external, {}, down);
    const found = await findings(cluster, 'outside', [namespacesCheck, customMetricsCheck]);
    assert.deepEqual(summary(found), ['error custom-api-without-source', 'error custom-api-without-source']);
    assert.match(found[0]?.problem ?? '', /no namespace can be deleted/);
    for (const { remedy = '' } of found) await runCommands(cluster.apiServer, remedy);
    assert.deepEqual(await findings(cluster), []);
  });

  test('with a file of rules, an APIService that is unavailable may have no rules in it', async () => {
    const cluster = await use('--config=/etc/rules.yaml');
    register(cluster, 'v1beta2', custom);
    register(cluster, 'v1beta1', external, {}, down);
    const found = await findings(cluster);
    assert.deepEqual(summary(found), ['error custom-api-unavailable', 'note metric-rules']);
    assert.match(found[0]?.problem ?? '', /only if the file of --config has externalRules/);
    assert.match(found[0]?.evidence ?? '', /bad status: 404/);
  });

  test('finds a way back that stopped halfway: v1beta2 is still ours', async () => {
    const cluster = await use('--custom-metrics=kubelet');
    register(cluster, 'v1beta1', custom, adapter);
    register(cluster, 'v1beta2', custom);
    const found = await findings(cluster);
    assert.deepEqual(summary(found), ['warning custom-api-versions-differ', 'note metric-rules']);
    assert.match(found[0]?.problem ?? '', /autoscalers read v1beta2/);
  });

  test('says from outside how to see the rules', async () => {
    const cluster = await use('--custom-metrics=kubelet');
    register(cluster, 'v1beta2', custom);
    const [note] = await findings(cluster);
    assert.match(note?.remedy ?? '', new RegExp(`^kubectl exec -n ${namespace} deploy/metrics-server -- `));
  });
});

describe('doctor and the rights behind custom metrics', () => {
  async function withoutRole(role: string, ...flags: readonly string[]): Promise<FaultyCluster> {
    const cluster = await use(...flags);
    register(cluster, 'v1beta2', custom);
    register(cluster, 'v1beta1', external);
    cluster.apiServer.objects.delete('ClusterRole', role);
    return cluster;
  }
  const wrong = async (cluster: FaultyCluster) =>
    (await findings(cluster)).filter(({ severity }) => severity !== 'note');

  for (const [role, flag, problems] of [
    [
      'system:kubegauge-custom-metrics',
      '--custom-metrics=kubelet',
      [
        'list namespaces, watch namespaces, list horizontalpodautoscalers.autoscaling, watch horizontalpodautoscalers.autoscaling',
      ],
    ],
    [
      'system:kubegauge-custom-metrics',
      '--config=/etc/rules.yaml',
      ['list namespaces, watch namespaces, list services, watch services'],
    ],
    [
      'system:kubegauge-external-metrics-ca-bundle',
      '--config=/etc/rules.yaml',
      ['get', 'watch', 'patch'].map(
        (verb) => `${verb} apiservices.apiregistration.k8s.io /v1beta1.external.metrics.k8s.io`,
      ),
    ],
  ] as const) {
    test(`finds that the server lacks ${role} with ${flag}, and the remedy ends it`, async () => {
      const cluster = await withoutRole(role, flag);
      const missing = async () => (await wrong(cluster)).filter(({ code }) => code === 'custom-right-missing');
      const found = await missing();
      assert.equal(found.length, 1);
      assert.equal(found[0]?.problem, `the server may not ${problems.join(', ')}`);
      assert.equal(found[0]?.object, 'ServiceAccount kube-system/kubegauge');
      await runCommands(cluster.apiServer, found[0]?.remedy ?? '');
      assert.deepEqual(await missing(), []);
    });
  }

  test('finds that autoscalers may not read a group, and the remedy ends it', async () => {
    const cluster = await withoutRole('system:controller:horizontal-pod-autoscaler', '--config=/etc/rules.yaml');
    const found = await wrong(cluster);
    assert.deepEqual(summary(found), ['warning autoscaler-right-missing', 'warning autoscaler-right-missing']);
    assert.match(found[0]?.problem ?? '', /may not get \*\.custom\.metrics\.k8s\.io: .* get a 403/);
    assert.match(found[1]?.problem ?? '', /may not list \*\.external\.metrics\.k8s\.io/);
    for (const { remedy = '' } of found) await runCommands(cluster.apiServer, remedy);
    assert.deepEqual(await wrong(cluster), []);
  });

  test('the grant to autoscalers leaves the binding of prometheus-adapter as it is', async () => {
    const cluster = await withoutRole('system:controller:horizontal-pod-autoscaler', '--config=/etc/rules.yaml');
    const { objects } = cluster.apiServer;
    const apiGroup = 'rbac.authorization.k8s.io';
    // As in kube-prometheus and prometheus-adapter's manifests, and with a subject that was added.
    const binding: KubeObject = {
      apiVersion: `${apiGroup}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'hpa-controller-custom-metrics' },
      roleRef: { apiGroup, kind: 'ClusterRole', name: 'custom-metrics-server-resources' },
      subjects: ['horizontal-pod-autoscaler', 'keda'].map((name) => ({
        kind: 'ServiceAccount',
        name,
        namespace: 'kube-system',
      })),
    };
    objects.set(binding);
    const found = await wrong(cluster);
    assert.equal(found.length, 2);
    for (const { remedy = '' } of found) await runCommands(cluster.apiServer, remedy);
    const { metadata, ...content } = objects.get('ClusterRoleBinding', 'hpa-controller-custom-metrics') ?? {};
    assert.equal(metadata?.name, 'hpa-controller-custom-metrics');
    assert.deepEqual({ ...content, metadata: { name: metadata.name } }, binding);
    assert.deepEqual(await wrong(cluster), []);
  });

  function setAccount(cluster: FaultyCluster, name: string): void {
    change(cluster, 'Pod', podName, [{ op: 'replace', path: '/spec/serviceAccountName', value: name }]);
    const path = '/spec/template/spec/serviceAccountName';
    change(cluster, 'Deployment', 'metrics-server', [{ op: 'replace', path, value: name }]);
  }

  const shownAccounts: readonly (readonly [name: string, account: string, more: readonly string[]])[] = [
    ["metrics-server's, whose pods send it to every kubelet", 'metrics-server', []],
    ['that --kubelet-service-account names', 'usage', ['--kubelet-service-account=usage']],
  ];
  const source = ['--custom-metrics=kubelet', '--config=/etc/rules.yaml'];
  for (const [name, account, more] of shownAccounts) {
    test(`rights to write are not granted to an account whose token goes to kubelets: ${name}`, async () => {
      const cluster = await withoutRole('system:kubegauge-custom-metrics-ca-bundle', ...source, ...more);
      setAccount(cluster, account);
      const missing = (await wrong(cluster)).filter(({ code }) => code === 'custom-right-missing');
      assert.ok(missing.some(({ problem }) => problem.includes('list horizontalpodautoscalers')));
      for (const { object } of missing) assert.equal(object, `ServiceAccount kube-system/${account}`);
      for (const { remedy = '' } of missing) assert.doesNotMatch(remedy, /"verbs":\["(?!list|watch)/);
      const writing = missing.filter(({ problem }) => problem.includes('patch apiservices'));
      assert.equal(writing.length, 2);
      for (const { problem, remedy = '' } of writing) {
        assert.match(problem, /must not get that: its token goes to kubelets/);
        assert.match(remedy, /^kubectl apply -k my-cluster/m);
        assert.match(remedy, /^kubectl apply -f manifests\/components\/(custom|external)-metrics\/rbac\.yaml/m);
      }
    });
  }

  test('rights to write are not granted to the account with which metrics-server runs beside the server', async () => {
    const cluster = await withoutRole('system:kubegauge-custom-metrics-ca-bundle', ...source);
    setAccount(cluster, 'usage');
    const other = servingPod('other', 'other', 'registry.k8s.io/metrics-server/metrics-server:v0.9.0', 10_250);
    cluster.apiServer.objects.set({ ...other, spec: { ...(other['spec'] as object), serviceAccountName: 'usage' } });
    const missing = (await wrong(cluster)).filter(({ problem }) => problem.includes('patch apiservices'));
    assert.equal(missing.length, 2);
    for (const { remedy = '' } of missing) assert.doesNotMatch(remedy, /auth reconcile/);
  });

  test("the component's rights are not granted while kubelets get the token of kubegauge", async () => {
    const cluster = await use('--custom-metrics=kubelet', '--kubelet-service-account=own');
    const [finding] = await findings(cluster);
    assert.equal(finding?.code, 'custom-api-not-registered');
    assert.match(finding.remedy ?? '', /^kubectl apply -k my-cluster .*\nkubectl apply -f .*\/rbac\.yaml /);
  });

  test('asks for no right of a group that another server has', async () => {
    const cluster = await use('--config=/etc/rules.yaml');
    register(cluster, 'v1beta1', custom, adapter);
    for (const role of ['system:kubegauge-custom-metrics', 'system:controller:horizontal-pod-autoscaler'])
      cluster.apiServer.objects.delete('ClusterRole', role);
    assert.deepEqual(await wrong(cluster), []);
  });
});

suite('doctor in the pod and the rules of a Prometheus', () => {
  test('a rule that works is a note with its figures, one that fails has its error and query', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
    const resources = 'resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}';
    const config = path.join(folder, 'config.yaml');
    writeFileSync(
      config,
      `rules:\n- {seriesQuery: 'good', ${resources}, metricsQuery: 'sum(<<.Series>>)'}\n- {seriesQuery: 'bad', ${resources}, metricsQuery: 'sum(<<.Series>>)'}\n`,
    );
    await using prometheus = await createFakePrometheus();
    prometheus.seriesOf = (match) => [{ __name__: match, namespace: 'default', pod: 'x' }];
    prometheus.fault = ({ parameters }) =>
      /bad/.test(String(parameters))
        ? { code: 400, body: JSON.stringify({ status: 'error', error: 'too many series' }) }
        : undefined;
    const flags = [`--cert-dir=${folder}`, '--authentication-token-webhook-cache-ttl=0s', `--config=${config}`];
    await using cluster = await startWholeCluster([...flags, `--prometheus-url=${prometheus.url}`], {
      prepare: ({ documents }) => {
        for (const [document, body] of aggregatedDiscovery()) documents.set(document, body);
      },
    });
    const { apiServer } = cluster;
    apiServer.reviews.token = () => ({ authenticated: true, user: { username: 'server' } });
    apiServer.reviews.access = () => ({ allowed: true, reason: '' });
    for (const version of ['v1beta1', 'v1']) apiServer.objects.set(apiService(version));
    apiServer.objects.set(apiService('v1beta2', {}, custom));
    const words = [...flags, `--secure-port=${cluster.port}`, '--bind-address=127.0.0.1'];
    const { options } = parseCommandLine(words);
    const wereTried = async () => {
      const status = JSON.stringify(await readLocalStatus(options, apiServer.connection, []));
      return status.includes('too many series') && status.includes('"lastSuccess"');
    };
    await waitFor('both rules to be tried', wereTried, 60_000, 20);
    const { findings: found } = await examine([customMetricsCheck], {
      server: apiServer.connection,
      options,
      place: 'pod',
    });
    assert.deepEqual(summary(found), ['error metric-rule-fails', 'note metric-rules']);
    const [failing, note] = found;
    assert.equal(failing?.object, 'Rule rules[1]');
    assert.match(failing?.evidence ?? '', /too many series/);
    assert.equal(note?.problem, '1 of its 2 rules work');
    assert.match(note?.evidence ?? '', /^rules\[0\]: 2 metrics, 1 series, last success 20/);
    rmSync(folder, { recursive: true });
  });
});
