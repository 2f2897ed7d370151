/** Remedies of `kubegauge doctor` for pods of the server that are not ready: what they make of the Deployment, and what they leave alone. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { apiSideChecks } from '../../src/doctor/apiside/checks.ts';
import { examine } from '../../src/doctor/examination.ts';
import type { ReportedFinding } from '../../src/doctor/finding.ts';
import { parseCommandLine } from '../../src/options/parse.ts';
import { condition, namespace } from '../fakes/installation.ts';
import { runCommands } from '../fakes/kubectl.ts';
import { apiSideFaults, change, type FaultyCluster, podName } from './apisidefaults.ts';
import { createFaultyClusters } from './faultyclusters.ts';
import { logged, serverPodFaults } from './serverpodfaults.ts';

const { options } = parseCommandLine([]);

const { use, release } = createFaultyClusters();
after(release);

async function found({ apiServer }: FaultyCluster, code: string): Promise<ReportedFinding | undefined> {
  const { findings } = await examine(apiSideChecks, { server: apiServer.connection, options, place: 'outside' });
  return findings.find((finding) => finding.code === code);
}

/** Plants the fault of a report. */
async function plant(report: string): Promise<FaultyCluster> {
  const fault = [...serverPodFaults, ...apiSideFaults].find(({ name }) => name.startsWith(`${report}:`));
  assert.ok(fault, report);
  const planted = await use(fault.image);
  fault.plant(planted);
  return planted;
}

/** Returns the pod's spec in the Deployment. */
function template({ apiServer }: FaultyCluster): Record<string, unknown> & { containers: Record<string, unknown>[] } {
  const object = apiServer.objects.get('Deployment', 'metrics-server', namespace) as unknown;
  return (object as { spec: { template: { spec: ReturnType<typeof template> } } }).spec.template.spec;
}

describe('the remedy for a server that is not ready', () => {
  test('gives it a folder for its certificate, beside the volumes that it has', async () => {
    const planted = await plant('kubernetes-sigs/metrics-server#379');
    const config = { name: 'config', configMap: { name: 'config' } };
    const mount = { name: 'config', mountPath: '/etc/config' };
    change(planted, 'Deployment', 'metrics-server', [
      { op: 'add', path: '/spec/template/spec/volumes', value: [config] },
      { op: 'add', path: '/spec/template/spec/containers/0/volumeMounts', value: [mount] },
    ]);
    await runCommands(planted.apiServer, (await found(planted, 'pods-not-ready'))?.remedy ?? '');
    const spec = template(planted);
    assert.match(JSON.stringify(spec.containers[0]?.['args']), /"--secure-port=\d+","--cert-dir=\/tmp"\]$/);
    assert.deepEqual(spec.containers[0]?.['volumeMounts'], [mount, { name: 'tmp-dir', mountPath: '/tmp' }]);
    assert.deepEqual(spec['volumes'], [config, { name: 'tmp-dir', emptyDir: {} }]);
  });

  test('takes no volume of another kind for that folder', async () => {
    const planted = await plant('kubernetes-sigs/metrics-server#379');
    const claim = { name: 'tmp-dir', persistentVolumeClaim: { claimName: 'data' } };
    change(planted, 'Deployment', 'metrics-server', [
      { op: 'add', path: '/spec/template/spec/volumes', value: [claim] },
    ]);
    const { remedy = '' } = (await found(planted, 'pods-not-ready')) ?? {};
    assert.doesNotMatch(remedy, /patch/);
    assert.notEqual(remedy, '');
  });

  test('uses the folder that is mounted', async () => {
    const planted = await plant('kubernetes-sigs/metrics-server#379');
    const mount = { name: 'own', mountPath: '/tmp' };
    const path = '/spec/template/spec/containers/0/volumeMounts';
    change(planted, 'Deployment', 'metrics-server', [{ op: 'add', path, value: [mount] }]);
    await runCommands(planted.apiServer, (await found(planted, 'pods-not-ready'))?.remedy ?? '');
    assert.deepEqual(template(planted).containers[0]?.['volumeMounts'], [mount]);
    assert.ok(!('volumes' in template(planted)));
  });

  test('has its probes speak TLS', async () => {
    const planted = await plant('kubernetes-retired/dashboard#5472');
    await runCommands(planted.apiServer, (await found(planted, 'pods-not-ready'))?.remedy ?? '');
    const [container = {}] = template(planted).containers;
    assert.deepEqual(container['readinessProbe'], { httpGet: { path: '/readyz', port: 'https', scheme: 'HTTPS' } });
    assert.deepEqual(container['livenessProbe'], { httpGet: { path: '/livez', port: 'https', scheme: 'HTTPS' } });
    // Its controller replaces the pod.
    const probes = { readinessProbe: container['readinessProbe'], livenessProbe: container['livenessProbe'] };
    const operations = Object.entries(probes).map(([probe, value]) => ({
      op: 'add',
      path: `/spec/containers/0/${probe}`,
      value,
    }));
    change(planted, 'Pod', podName, operations);
    assert.match((await found(planted, 'pods-not-ready'))?.remedy ?? '', /^kubegauge doctor kubelets rights/);
  });

  test('takes a connection that a kubelet refused for none of kube-apiserver', async () => {
    const planted = await plant('kubernetes-sigs/metrics-server#532');
    const refused = 'dial tcp 10.0.0.1:10250: connect: connection refused';
    logged(planted, `unable to scrape: Get https://10.0.0.1:10250/stats/summary/: ${refused}\npanic: no more memory\n`);
    const { evidence = '', problem = '' } = (await found(planted, 'pods-not-ready')) ?? {};
    assert.doesNotMatch(`${problem} ${evidence}`, /no connection to kube-apiserver/);
  });

  test('lets replicas share a node, and keeps what was preferred', async () => {
    const planted = await plant('kubernetes-sigs/metrics-server#1148');
    const preferred = { weight: 1, podAffinityTerm: { topologyKey: 'topology.kubernetes.io/zone' } };
    const antiAffinity = '/spec/template/spec/affinity/podAntiAffinity';
    const path = `${antiAffinity}/preferredDuringSchedulingIgnoredDuringExecution`;
    change(planted, 'Deployment', 'metrics-server', [{ op: 'add', path, value: [preferred] }]);
    const { remedy = '' } = (await found(planted, 'pods-not-ready')) ?? {};
    assert.match(
      remedy,
      /^# metrics are away for a moment.*\nkubectl scale .* --replicas=0\nkubectl rollout status .*\n/,
    );
    await runCommands(planted.apiServer, remedy);
    const object = planted.apiServer.objects.get('Deployment', 'metrics-server', namespace) as unknown;
    assert.equal((object as { spec: { replicas: number } }).spec.replicas, 2);
    const { podAntiAffinity } = template(planted)['affinity'] as { podAntiAffinity: Record<string, unknown[]> };
    assert.deepEqual(Object.keys(podAntiAffinity), ['preferredDuringSchedulingIgnoredDuringExecution']);
    assert.deepEqual(podAntiAffinity['preferredDuringSchedulingIgnoredDuringExecution']?.[0], preferred);
    assert.equal(podAntiAffinity['preferredDuringSchedulingIgnoredDuringExecution'].length, 2);
  });
});

test('a pod that has just become unready beside others is none', async () => {
  const planted = await plant('kubernetes-sigs/metrics-server#1148');
  const pending = 'metrics-server-f6f4c8d5b-fghij';
  const since = (ms: number) => ({
    ...condition('Ready', 'False', 'ContainersNotReady', ''),
    lastTransitionTime: new Date(Date.now() - ms).toISOString(),
  });
  change(planted, 'Pod', pending, { status: { conditions: [since(60_000)] } });
  assert.equal(await found(planted, 'pods-not-ready'), undefined);
  change(planted, 'Pod', pending, { status: { conditions: [since(400_000)] } });
  assert.equal((await found(planted, 'pods-not-ready'))?.severity, 'warning');
});

test('users may read metrics when kube-controller-manager has added the rules of the role that the remedy makes', async () => {
  const planted = await plant('kubernetes-sigs/metrics-server#90');
  const { objects } = planted.apiServer;
  await runCommands(planted.apiServer, (await found(planted, 'readers-missing'))?.remedy ?? '');
  const made = objects.get('ClusterRole', 'system:aggregated-metrics-reader');
  const view = objects.get('ClusterRole', 'view');
  assert.ok(made && view);
  const rules = [...(view['rules'] as object[]), ...(made['rules'] as object[])];
  objects.set({ ...view, rules });
  assert.equal(await found(planted, 'readers-missing'), undefined);
});
