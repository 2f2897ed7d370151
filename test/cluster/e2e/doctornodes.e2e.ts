/** Faults of nodes and autoscalers from public reports, planted in the real cluster: doctor finds each, and its remedy, pasted into a shell, ends it. */
import assert from 'node:assert/strict';
import { existsSync, globSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { V1Deployment, V2HorizontalPodAutoscaler, V2MetricSpec } from '@kubernetes/client-node';
import { waitFor } from '../wait.ts';
import { examineCluster, findingOf, isWell, paste, type Wanted } from './examination.ts';
import { harness } from './harness.ts';
import { makeNamespace } from './namespaces.ts';
import { apply, pod, podSpec, type Script } from './pods.ts';

const { cluster, brief, loads, program } = harness();
const skip = (brief && 'by hand: CI has five faults in doctor') || (program.name !== 'kubegauge' && 'it has no doctor');

const namespace = 'e2e-doctor';
/** kube-controller-manager looks at each autoscaler every 15 s, after two samples of its pods. */
const autoscalerTimeoutMs = 240_000;
const nodeTimeoutMs = 120_000;

const sleeper = { script: 'exec sleep infinity', requests: { cpu: '10m' } };

function deployment(name: string, containers: Readonly<Record<string, Script>>, replicas = 1): V1Deployment {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(cluster, containers) },
    },
  };
}

const cpuUtilization: V2MetricSpec = {
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
};

function autoscaler(
  name: string,
  target: object = {},
  metric: V2MetricSpec = cpuUtilization,
): V2HorizontalPodAutoscaler {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name, ...target },
      minReplicas: 1,
      maxReplicas: 2,
      metrics: [metric],
    },
  };
}

const web = { web: sleeper };
const withoutRequests: Script = { script: sleeper.script };

interface Fault {
  /** Names the public report. */
  readonly report: string;
  readonly name: string;
  readonly code: string;
  readonly objects: readonly object[];
}

const faults: readonly Fault[] = [
  {
    report: 'kubernetes/kubernetes#79365: a sidecar requests no CPU',
    name: 'sidecar',
    code: 'autoscaler-no-request',
    objects: [deployment('sidecar', { ...web, envoy: withoutRequests }), autoscaler('sidecar')],
  },
  {
    report: 'kubernetes-sigs/metrics-server#389: the target is a Deployment of extensions/v1beta1',
    name: 'extensions',
    code: 'autoscaler-target-kind',
    objects: [deployment('extensions', web), autoscaler('extensions', { apiVersion: 'extensions/v1beta1' })],
  },
  {
    report: 'kubernetes/kubernetes#72134: the target does not exist',
    name: 'misspelled',
    code: 'autoscaler-target-missing',
    objects: [deployment('misspelled', web), autoscaler('misspelled', { name: 'mispelled' })],
  },
  {
    report: 'kubernetes/kubernetes#112027: two autoscalers scale one Deployment',
    name: 'rival',
    code: 'autoscaler-rivals',
    objects: [deployment('rival', web), autoscaler('rival'), autoscaler('rival-too', { name: 'rival' })],
  },
  {
    report: 'kedacore/keda#3052: the target is scaled to zero',
    name: 'asleep',
    code: 'autoscaler-disabled',
    objects: [deployment('asleep', web, 0), autoscaler('asleep')],
  },
  {
    report: 'kubernetes/kubernetes#63615: the selector matches a pod of another workload',
    name: 'crowded',
    code: 'autoscaler-stranger-pod',
    objects: [
      deployment('crowded', web),
      autoscaler('crowded'),
      pod(cluster, namespace, 'test-connection', { wget: withoutRequests }, { app: 'crowded' }),
    ],
  },
  {
    report: 'kubernetes/kubernetes#90691, its review: the metric is of a container that does not exist',
    name: 'renamed',
    code: 'autoscaler-unknown-container',
    objects: [
      deployment('renamed', web),
      autoscaler(
        'renamed',
        {},
        {
          type: 'ContainerResource',
          containerResource: {
            name: 'cpu',
            container: 'wbe',
            target: { type: 'Utilization', averageUtilization: 80 },
          },
        },
      ),
    ],
  },
];

describe('doctor on autoscalers', { skip, concurrency: true }, () => {
  before(async () => {
    await makeNamespace(cluster, namespace);
    await apply(
      cluster,
      faults.flatMap(({ objects }) => objects),
    );
  });
  after(() => cluster.kubectl(['delete', 'namespace', namespace, '--timeout=60s'], { timeoutMs: 70_000 }));

  for (const { report, name, code } of faults) {
    test(report, async (t) => {
      const wanted: Wanted = { check: 'autoscalers', code, object: `${namespace}/${name}` };
      const finding = await findingOf(cluster, wanted, autoscalerTimeoutMs);
      t.diagnostic(`${finding.problem}; ${finding.evidence ?? ''}`);
      t.diagnostic(finding.remedy ?? '');
      await paste(cluster, finding);
      await isWell(cluster, wanted, autoscalerTimeoutMs);
    });
  }
});

describe('doctor on kubelets', { skip, concurrency: 1 }, () => {
  const object = `Node ${cluster.nodeName}`;

  test('a kubelet that is well has no finding', async () => {
    await isWell(cluster, { check: 'kubelets', code: '', object }, nodeTimeoutMs);
    const { findings } = await examineCluster(cluster, 'kubelets');
    assert.deepEqual(
      findings.filter(({ severity }) => severity === 'unchecked'),
      [],
    );
  });

  test('kubernetes-sigs/metrics-server#1480: the request for a serving certificate awaits approval', async (t) => {
    const folder = path.join(cluster.settings.runFolder, 'kubelet/pki');
    await cluster.stopComponent('kubelet');
    for (const file of globSync('kubelet-server-*', { cwd: folder })) await rm(path.join(folder, file));
    await cluster.kubectl(['delete', 'csr', '--all']);
    await cluster.startComponent('kubelet');
    const wanted: Wanted = { check: 'kubelets', code: 'kubelet-request-pending', object };
    const finding = await findingOf(cluster, wanted, nodeTimeoutMs);
    t.diagnostic(`${finding.severity}: ${finding.problem}; ${finding.evidence ?? ''}`);
    t.diagnostic(finding.remedy ?? '');
    await paste(cluster, finding);
    await isWell(cluster, wanted, nodeTimeoutMs);
  });

  describe('kubernetes/kubernetes#89903', () => {
    const usual = cluster.settings.containerdSocket;
    const elsewhere = path.join(cluster.settings.runFolder, 'elsewhere/containerd.sock');

    before(async () => {
      // Without a container there is no series to lack labels.
      await loads.running();
      await cluster.moveRuntime(elsewhere);
      // The remedy leaves a socket that is there.
      await rm(usual, { force: true });
    });
    after(async () => {
      await rm(usual, { force: true });
      if (existsSync(elsewhere)) await cluster.moveRuntime();
    });

    test('cAdvisor does not find containerd', async (t) => {
      const wanted: Wanted = { check: 'kubelets', code: 'cadvisor-unlabelled', object };
      const finding = await findingOf(cluster, wanted, nodeTimeoutMs);
      t.diagnostic(`${finding.problem}; ${finding.evidence ?? ''}`);
      t.diagnostic(finding.remedy ?? '');
      assert.equal(await paste(cluster, finding), 'restart kubelet\n');
      await cluster.restartKubelet();
      await isWell(cluster, wanted, nodeTimeoutMs);
    });
  });
});

// After all: pods without usage are explained while they start, and at the end none is left.
test('doctor on pods: one that has just started, and later the same one with usage', { skip }, async () => {
  await makeNamespace(cluster, 'e2e-doctor-pods');
  await apply(cluster, [pod(cluster, 'e2e-doctor-pods', 'newcomer', { sleep: sleeper })]);
  const seen: string[] = [];
  await waitFor(
    'the newcomer to have usage',
    async () => {
      const { findings } = await examineCluster(cluster, 'pods');
      const finding = findings.find((each) => each.object.includes('e2e-doctor-pods/newcomer'));
      if (finding !== undefined) seen.push(finding.code);
      const listed = await cluster.kubectl([
        'get',
        '--raw',
        '/apis/metrics.k8s.io/v1beta1/namespaces/e2e-doctor-pods/pods',
      ]);
      return finding === undefined && listed.includes('"newcomer"');
    },
    nodeTimeoutMs,
    1_000,
  );
  assert.ok(
    seen.every((code) => code === 'pods-young' || code === 'pods-crash'),
    seen.join(),
  );
});
