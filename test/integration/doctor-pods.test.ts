/** Faults of pods and of the server's ports from public reports: the doctor finds each, and its remedy, pasted into a shell, ends it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { servingPod } from '../fakes/installation.ts';
import { mergePatched } from '../fakes/kubectl.ts';
import { type KubeObject, node, pod } from '../fakes/kubeobjects.ts';
import { createNodeWorld, type NodeWorld } from '../fakes/nodeworld.ts';

const image = 'kubegauge:0.1.0';
const podName = 'metrics-server-f6f4c8d5b-abcde';

/** Replaces the server's pod. */
function setServerPod(world: NodeWorld, spec: object, status: object = {}): void {
  const object = servingPod(podName, 'metrics-server', image, 10_250, status);
  world.apiServer.objects.set({ ...object, spec: { ...(object['spec'] as object), ...spec } });
}

/** Replaces the server's pod as the Deployment's controller does after a change of its template. */
function rollOut(world: NodeWorld): void {
  const deployment = world.apiServer.objects.get('Deployment', 'metrics-server', 'kube-system');
  const { spec } = deployment as unknown as { spec: { template: { spec: object } } };
  setServerPod(world, { ...spec.template.spec, nodeName: 'node-a' });
}

describe('ports of the server', () => {
  test('kubernetes-sigs/metrics-server#1271: 10250 on Fargate, where it is the kubelet of the pod', async () => {
    await using world = await createNodeWorld();
    world.setNode({ kubeletPort: 10_250, labels: { 'eks.amazonaws.com/compute-type': 'fargate' } });
    setServerPod(world, { nodeName: 'node-a' });
    const finding = await world.find('server-port-is-kubelets');
    assert.equal(finding?.object, `Pod kube-system/${podName}`);
    await world.run(finding);
    assert.ok(world.args().includes('--secure-port=4443'));
    rollOut(world);
    assert.equal(await world.find('server-port-is-kubelets'), undefined);
  });

  test('aws/containers-roadmap#1798: on Fargate the kubelet of the own node cannot be reached', async () => {
    await using world = await createNodeWorld();
    world.setNode({ labels: { 'eks.amazonaws.com/compute-type': 'fargate' } });
    setServerPod(world, { nodeName: 'node-a' });
    world.serve({ code: 'ConnectionRefused', message: 'the last scrape of node node-a failed; see /status' });
    const finding = await world.find('kubelet-is-own-fargate');
    assert.equal(finding?.severity, 'warning');
    await world.run(finding);
    const deployment = world.apiServer.objects.get('Deployment', 'metrics-server', 'kube-system');
    assert.match(JSON.stringify(deployment), /"operator":"NotIn","values":\["fargate"\]/);
    // Its controller moves the pod.
    setServerPod(world, { nodeName: 'node-1' });
    world.serve({ ageMs: 20_000 });
    assert.equal(await world.find('kubelet-is-own-fargate'), undefined);
  });

  test('that remedy adds to the affinity of the Deployment', async () => {
    const zone = { key: 'topology.kubernetes.io/zone', operator: 'In', values: ['a'] };
    const onFargate = { key: 'eks.amazonaws.com/compute-type', operator: 'NotIn', values: ['fargate'] };
    const field = { key: 'metadata.name', operator: 'In', values: ['node-1'] };
    const preferred = [{ weight: 1, preference: { matchExpressions: [zone] } }];
    const podAntiAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname' }],
    };
    for (const [before, after] of [
      // Terms are alternatives; one without expressions matches no node.
      [
        [{ matchExpressions: [zone] }, { matchFields: [field] }, {}],
        [{ matchExpressions: [zone, onFargate] }, { matchFields: [field], matchExpressions: [onFargate] }, {}],
      ],
      [[{ matchExpressions: [onFargate, zone] }], [{ matchExpressions: [onFargate, zone] }]],
      [undefined, [{ matchExpressions: [onFargate] }]],
    ]) {
      await using world = await createNodeWorld();
      const affinity = (nodeSelectorTerms: unknown) => ({
        podAntiAffinity,
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: preferred,
          ...(nodeSelectorTerms === undefined
            ? {}
            : { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } }),
        },
      });
      const deployment = () => world.apiServer.objects.get('Deployment', 'metrics-server', 'kube-system') as KubeObject;
      const spec = { template: { spec: { affinity: affinity(before) } } };
      world.apiServer.objects.set(mergePatched(deployment(), { spec }) as KubeObject);
      world.setNode({ labels: { 'eks.amazonaws.com/compute-type': 'fargate' } });
      setServerPod(world, { nodeName: 'node-a' });
      world.serve({ code: 'ConnectionRefused', message: 'the last scrape of node node-a failed; see /status' });
      await world.run(await world.find('kubelet-is-own-fargate'));
      assert.partialDeepStrictEqual(deployment(), { spec: { template: { spec: { affinity: affinity(after) } } } });
    }
  });

  test('k3s-io/k3s#11362: 10250 in the network of the node', async () => {
    await using world = await createNodeWorld();
    world.setNode({ kubeletPort: 10_250 });
    const containerStatuses = [{ name: 'metrics-server', state: { waiting: { reason: 'CrashLoopBackOff' } } }];
    setServerPod(world, { nodeName: 'node-a', hostNetwork: true }, { containerStatuses });
    const finding = await world.find('server-port-is-kubelets');
    assert.equal(finding?.evidence, 'CrashLoopBackOff');
    await world.run(finding);
    rollOut(world);
    assert.equal(await world.find('server-port-is-kubelets'), undefined);
  });

  test('canonical/microk8s#2589: no node has the host port free', async () => {
    await using world = await createNodeWorld();
    const message = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.";
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
    setServerPod(world, { nodeName: undefined, hostNetwork: true }, { phase: 'Pending', conditions });
    const finding = await world.find('server-port-taken');
    assert.equal(finding?.evidence, message);
    await world.run(finding);
    assert.ok(world.args().includes('--secure-port=4443'));
    rollOut(world);
    assert.equal(await world.find('server-port-taken'), undefined);
  });
});

describe('pods without usage', () => {
  const running = (startedMs: number) => ({
    containerStatuses: [{ name: 'web', state: { running: { startedAt: new Date(startedMs).toISOString() } } }],
  });
  const spec = { containers: [{ name: 'web' }] };
  const longAgo = Date.now() - 3_600_000;

  test('are explained by their age, their containers, their node, or what the server says', async () => {
    await using world = await createNodeWorld();
    const { objects, documents } = world.apiServer;
    const add = (name: string, nodeName: string, status: object, of: object = spec) =>
      objects.set(pod('default', name, { nodeName, spec: of, status }));
    add('young', 'node-a', running(Date.now() - 10_000));
    add('old', 'node-a', running(longAgo));
    const ended = { name: 'job', state: { terminated: { reason: 'Completed' } } };
    const failing = { name: 'web', state: { waiting: { reason: 'CrashLoopBackOff' } } };
    const two = { containers: [{ name: 'job' }, { name: 'web' }] };
    add('crashing', 'node-a', { containerStatuses: [ended, failing] }, two);
    add('orphan', 'node-gone', running(longAgo));
    objects.set(pod('default', 'done', { nodeName: 'node-a', phase: 'Succeeded', spec }));
    documents.set('/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/old', {
      kind: 'Status',
      message: 'podmetrics.metrics.k8s.io "default/old" not found',
      details: { causes: [{ reason: 'Conflict', message: 'several kubelets report it' }] },
      code: 404,
    });
    const { findings } = await world.examine();
    assert.deepEqual(
      findings.map(({ code, object, severity, evidence }) => [severity, code, object, evidence]),
      [
        ['error', 'pods-unreported', 'Pod default/old', 'Conflict: several kubelets report it'],
        ['warning', 'pods-node-unknown', 'Pod default/orphan', undefined],
        ['note', 'pods-crash', 'Pod default/crashing', undefined],
        ['note', 'pods-young', 'Pod default/young', undefined],
      ],
    );
    // Not the container that has ended, as it may.
    assert.match(findings.find(({ code }) => code === 'pods-crash')?.problem ?? '', /CrashLoopBackOff/);
  });

  test('are a matter of the queries with --resource-metrics=prometheus, and not of kubelets', async () => {
    await using world = await createNodeWorld();
    world.setArgs('--resource-metrics=prometheus', '--config=/etc/adapter/config.yaml');
    world.apiServer.objects.set(pod('default', 'old', { nodeName: 'node-a', spec, status: running(longAgo) }));
    world.apiServer.documents.set('/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/old', {
      kind: 'Status',
      message: 'podmetrics.metrics.k8s.io "default/old" not found',
      details: { causes: [{ reason: 'NoSample', message: 'Prometheus has no sample of its containers' }] },
      code: 404,
    });
    const queries = 'kubegauge doctor custom-metrics';
    const unreported = await world.find('pods-unreported');
    assert.equal(unreported?.remedy, queries);
    assert.equal(unreported.evidence, 'NoSample: Prometheus has no sample of its containers');
    world.serve({ code: 'NoSample', message: 'Prometheus has no sample of its CPU' });
    const unscraped = await world.find('pods-node-unscraped');
    assert.equal(unscraped?.remedy, queries);
    assert.match(unscraped.problem, /the check `custom-metrics` says why/);
  });

  test('are young for minutes where usages come from Prometheus, whose samples are a minute apart', async () => {
    await using world = await createNodeWorld();
    const add = (name: string, minutes: number) => {
      const status = running(Date.now() - minutes * 60_000);
      world.apiServer.objects.set(pod('default', name, { nodeName: 'node-a', spec, status }));
    };
    add('new', 3);
    add('older', 6);
    const seen = async () => {
      const { findings } = await world.examine();
      return findings.filter(({ check }) => check === 'pods').map(({ code, object }) => [code, object]);
    };
    assert.deepEqual(await seen(), [['pods-unreported', '2 Pods: default/new, default/older']]);
    world.setArgs('--resource-metrics=prometheus', '--config=/etc/adapter/config.yaml');
    assert.deepEqual(await seen(), [
      ['pods-unreported', 'Pod default/older'],
      ['pods-young', 'Pod default/new'],
    ]);
  });

  test('are not said to run on nodes that do not exist, or that have usage, where that is not known', async () => {
    await using world = await createNodeWorld();
    const { objects, faults } = world.apiServer;
    objects.set(pod('default', 'old', { nodeName: 'node-a', spec, status: running(longAgo) }));
    objects.set(pod('default', 'orphan', { nodeName: 'node-gone', spec, status: running(longAgo) }));
    faults.answer = ({ path }) => {
      // A node and its pod that come while the doctor runs: after other checks have listed nodes.
      if (path === '/api/v1/pods') {
        objects.set(node('node-new'));
        objects.set(pod('default', 'fresh', { nodeName: 'node-new', spec, status: running(longAgo) }));
      }
      return path === '/apis/metrics.k8s.io/v1beta1/nodes' ? 503 : undefined;
    };
    const { findings } = await world.examine();
    assert.deepEqual(
      findings.flatMap(({ code, object, problem }) => (code.startsWith('pods-') ? [[code, object, problem]] : [])),
      [
        ['pods-unreported', 'Pod default/fresh', 'it runs on node node-new, but has no usage'],
        ['pods-unreported', 'Pod default/old', 'it runs on node node-a, but has no usage'],
        [
          'pods-node-unknown',
          'Pod default/orphan',
          'its node node-gone does not exist; the pod garbage collector deletes it later',
        ],
      ],
    );
  });

  test('are a note while all of them wait for their second sample', async () => {
    await using world = await createNodeWorld();
    const { objects, documents } = world.apiServer;
    const refuse = (name: string, reason: string) => {
      objects.set(pod('default', name, { nodeName: 'node-a', spec, status: running(longAgo) }));
      documents.set(`/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/${name}`, {
        kind: 'Status',
        message: `podmetrics.metrics.k8s.io "default/${name}" not found`,
        details: { causes: [{ reason, message: 'in words' }] },
        code: 404,
      });
    };
    const seen = async () => {
      const { findings } = await world.examine();
      return findings.map(({ severity, code, object, evidence }) => [severity, code, object, evidence]);
    };
    refuse('waiting', 'OneSample');
    refuse('waiting-too', 'OneSample');
    const object = '2 Pods: default/waiting, default/waiting-too';
    assert.deepEqual(await seen(), [['note', 'pods-one-sample', object, 'OneSample: in words']]);
    refuse('waiting-too', 'Conflict');
    const evidence = 'Conflict: in words, OneSample: in words';
    assert.deepEqual(await seen(), [['error', 'pods-unreported', object, evidence]]);
  });

  test('kubernetes/kubernetes#111416: HostProcess containers on Windows', async () => {
    await using world = await createNodeWorld();
    world.setNode({ labels: { 'kubernetes.io/os': 'windows' } });
    const windows = { ...spec, securityContext: { windowsOptions: { hostProcess: true } } };
    world.apiServer.objects.set(
      pod('default', 'exporter', { nodeName: 'node-a', spec: windows, status: running(longAgo) }),
    );
    assert.equal((await world.find('pods-windows-host-process'))?.object, 'Pod default/exporter');
  });

  test('kubernetes-sigs/metrics-server#165: pods of a node that is not read are one finding', async () => {
    await using world = await createNodeWorld();
    world.serve({ code: 'ConnectTimeout', message: 'the last scrape of node node-a failed; see /status' });
    for (const name of ['a', 'b'])
      world.apiServer.objects.set(pod('default', name, { nodeName: 'node-a', spec, status: running(longAgo) }));
    const finding = await world.find('pods-node-unscraped');
    assert.equal(finding?.object, '2 Pods: default/a, default/b');
    assert.equal((await world.find('kubelet-unreachable'))?.severity, 'error');
    world.serve({ ageMs: 20_000 });
    assert.equal(await world.find('pods-node-unscraped'), undefined);
  });

  test('are read page by page, and without usages the check says what it could not read', async () => {
    await using world = await createNodeWorld();
    for (let index = 0; index < 600; index += 1)
      world.apiServer.objects.set(pod('many', `pod-${index}`, { nodeName: 'node-a', spec, status: running(longAgo) }));
    const finding = await world.find('pods-unreported');
    assert.match(finding?.object ?? '', /^600 Pods: many\/pod-0, many\/pod-1, many\/pod-10 and 597 others$/);
    world.apiServer.faults.answer = ({ path }) => (path === '/apis/metrics.k8s.io/v1beta1/pods' ? 503 : undefined);
    const { findings } = await world.examine();
    assert.ok(findings.some(({ check, severity }) => check === 'pods' && severity === 'unchecked'));
  });
});
