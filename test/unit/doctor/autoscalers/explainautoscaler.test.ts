/** Why autoscalers fail, by the conditions that kube-controller-manager 1.29 to 1.37 writes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Autoscaler, parseAutoscaler } from '../../../../src/doctor/autoscalers/autoscaler.ts';
import type { AutoscalerFacts } from '../../../../src/doctor/autoscalers/autoscalerfacts.ts';
import { explainAutoscaler } from '../../../../src/doctor/autoscalers/explainautoscaler.ts';
import { type PodFacts, parsePodFacts } from '../../../../src/doctor/pods/podfacts.ts';

const nowMs = Date.parse('2026-11-29T16:00:00Z');

interface Plan {
  readonly name?: string;
  readonly target?: object;
  readonly metrics?: readonly object[];
  readonly condition?: readonly [type: string, reason: string, message?: string];
  readonly created?: string;
}

function autoscaler({
  name = 'web',
  target = {},
  metrics = [],
  condition,
  created = '2026-11-29T12:00:00Z',
}: Plan = {}): Autoscaler {
  const [type, reason, message = ''] = condition ?? [];
  const parsed = parseAutoscaler({
    metadata: { namespace: 'shop', name, creationTimestamp: created },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', ...target },
      minReplicas: 2,
      metrics,
    },
    status: { conditions: type === undefined ? [] : [{ type, status: 'False', reason, message }] },
  });
  assert.ok(parsed);
  return parsed;
}

interface PodPlan {
  readonly name?: string;
  /** null: no controller. */
  readonly owner?: object | null;
  readonly containers?: readonly object[];
  readonly status?: object;
}

const webOwner = { kind: 'ReplicaSet', name: 'web-5d4f8', controller: true };

function pod({
  name = 'web-5d4f8-x',
  owner = webOwner,
  containers = [{ name: 'web' }],
  status = {},
}: PodPlan = {}): PodFacts {
  const parsed = parsePodFacts({
    metadata: { namespace: 'shop', name, ...(owner === null ? {} : { ownerReferences: [owner] }) },
    spec: { nodeName: 'a', containers },
    status: { phase: 'Running', ...status },
  });
  assert.ok(parsed);
  return parsed;
}

function explain(plan: Plan, facts: Partial<AutoscalerFacts> = {}) {
  return explainAutoscaler({
    autoscaler: autoscaler(plan),
    others: [],
    targetNames: undefined,
    selector: undefined,
    pods: undefined,
    usage: undefined,
    nowMs,
    ...facts,
  });
}

const noMetrics = (message: string): Plan => ({ condition: ['ScalingActive', 'FailedGetResourceMetric', message] });
const unready =
  'the HPA was unable to compute the replica count: failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)';

describe('an autoscaler that works', () => {
  test('has no finding, nor has one that was made a moment ago', () => {
    assert.equal(explain({ created: '2026-11-29T15:59:30Z' }), undefined);
    const working = {
      ...autoscaler(),
      conditions: [{ type: 'ScalingActive', status: 'True', reason: '', message: '', lastTransitionTime: '' }],
    };
    assert.equal(explain({}, { autoscaler: working }), undefined);
  });

  test('but has one if no controller looks at it', () => {
    assert.equal(explain({})?.code, 'autoscaler-ignored');
  });
});

describe('the target', () => {
  test('of an API that is gone gets its apiVersion of today', () => {
    const message =
      'the HPA controller was unable to get the target\'s current scale: no matches for kind "Deployment" in group "extensions"';
    const finding = explain({
      target: { apiVersion: 'extensions/v1beta1' },
      condition: ['AbleToScale', 'FailedGetScale', message],
    });
    assert.equal(finding?.code, 'autoscaler-target-kind');
    assert.equal(
      finding?.remedy,
      `kubectl --namespace shop patch hpa/web --type=merge -p '{"spec":{"scaleTargetRef":{"apiVersion":"apps/v1"}}}'`,
    );
  });

  const kruise = { apiVersion: 'apps.kruise.io/v1beta1', kind: 'StatefulSet' };

  test('of another API group is no rival of one of the same kind and name, and has its own word', () => {
    const builtIn = autoscaler({ target: { kind: 'StatefulSet' } });
    const other = autoscaler({ name: 'kruise', target: kruise });
    const rivals = (one: Autoscaler, another: Autoscaler) => explain({}, { autoscaler: one, others: [another] });
    assert.equal(rivals(builtIn, other)?.code, 'autoscaler-ignored');
    assert.equal(rivals(other, builtIn)?.code, 'autoscaler-ignored');
    const disabled = explain({ target: kruise, condition: ['ScalingActive', 'ScalingDisabled'] });
    assert.equal(disabled?.remedy, 'kubectl --namespace shop scale statefulset.apps.kruise.io/web --replicas=2');
  });

  test('of another version of its API group is a rival', () => {
    const others = [
      autoscaler({ name: 'old', target: { apiVersion: 'apps/v1beta1' }, created: '2026-11-29T13:00:00Z' }),
    ];
    assert.equal(explain({}, { others })?.code, 'autoscaler-rivals');
  });

  test('of another API group is not pointed at a built-in kind of the same name', () => {
    const message = 'no matches for kind "StatefulSet" in group "apps.kruise.io"';
    const finding = explain({ target: kruise, condition: ['AbleToScale', 'FailedGetScale', message] });
    assert.equal(finding?.remedy, 'kubectl --namespace shop api-resources');
  });

  test('of another API group gets no request by kubectl set, which knows built-in kinds only', () => {
    const message = 'failed to get cpu utilization: missing request for cpu in container web of Pod web-0';
    const condition = ['ScalingActive', 'FailedGetResourceMetric', message] as const;
    const owner = { kind: 'CloneSet', name: 'web', controller: true };
    const finding = explain({ target: kruise, condition }, { pods: [pod({ name: 'web-0', owner })] });
    assert.equal(finding?.code, 'autoscaler-no-request');
    assert.equal(finding?.remedy, 'kubectl --namespace shop get statefulset.apps.kruise.io/web -o yaml');
  });

  test('that does not exist is the one with the most similar name, if there is such', () => {
    const condition = ['AbleToScale', 'FailedGetScale', 'deployments.apps "wbe" not found'] as const;
    const similar = explain({ target: { name: 'web-frnotend' }, condition }, { targetNames: ['api', 'web-frontend'] });
    assert.match(similar?.remedy ?? '', /"name":"web-frontend"/);
    const none = explain({ target: { name: 'web-frnotend' }, condition }, { targetNames: ['api'] });
    assert.equal(none?.remedy, 'kubectl --namespace shop delete hpa/web');
  });

  test('without a selector, scaled to zero, or of two autoscalers', () => {
    assert.equal(explain({ condition: ['ScalingActive', 'InvalidSelector'] })?.code, 'autoscaler-no-selector');
    const disabled = explain({ condition: ['ScalingActive', 'ScalingDisabled'] });
    assert.deepEqual(
      [disabled?.severity, disabled?.remedy],
      ['warning', 'kubectl --namespace shop scale deployment/web --replicas=2'],
    );
    const others = [autoscaler({ name: 'keda', created: '2026-11-29T13:00:00Z' })];
    const rivals = explain({ condition: ['ScalingActive', 'AmbiguousSelector'] }, { others });
    assert.equal(rivals?.remedy, 'kubectl --namespace shop delete hpa/keda');
    assert.equal(explain({ condition: ['ScalingActive', 'AmbiguousSelector'] })?.code, 'autoscaler-selector-overlap');
  });
});

describe('requests', () => {
  const missing = noMetrics(
    'failed to get cpu utilization: missing request for cpu in container envoy of Pod web-5d4f8-x',
  );

  test('of a sidecar are set in the target', () => {
    const finding = explain(missing, { pods: [pod()] });
    assert.equal(finding?.code, 'autoscaler-no-request');
    assert.equal(
      finding?.remedy,
      'kubectl --namespace shop set resources deployment/web --containers=envoy --requests=cpu=100m',
    );
  });

  test('are found by the pods where the message names no container, as in old versions', () => {
    const containers = [{ name: 'web', resources: { requests: { cpu: '1' } } }, { name: 'log' }];
    const finding = explain(noMetrics('missing request for cpu'), { pods: [pod({ containers })] });
    assert.match(finding?.remedy ?? '', /--containers=log/);
  });

  test('of a pod that is not of the target are none of its business: it loses the label', () => {
    const name = 'web-test-connection';
    const message = `missing request for cpu in container wget of Pod ${name}`;
    const pods = [pod(), pod({ name, owner: null })];
    const finding = explain(noMetrics(message), { pods, selector: 'app=web,tier=front' });
    assert.equal(finding?.code, 'autoscaler-stranger-pod');
    assert.equal(finding?.remedy, `kubectl --namespace shop label pod/${name} app-`);
  });

  test('of a container that does not exist: the metric gets the most similar name', () => {
    const metrics = [
      { type: 'Resource', resource: { name: 'cpu' } },
      { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'wbe' } },
    ];
    const { condition } = noMetrics('container wbe not found in Pod web-5d4f8-x');
    const finding = explain({ metrics, ...(condition && { condition }) }, { pods: [pod()] });
    assert.equal(finding?.code, 'autoscaler-unknown-container');
    assert.match(finding?.remedy ?? '', /"path":"\/spec\/metrics\/1\/containerResource\/container","value":"web"/);
  });
});

describe('no metrics', () => {
  const running = (started: string) => ({
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [{ name: 'web', state: { running: { startedAt: started } } }],
  });
  const cases: readonly (readonly [title: string, code: string, facts: Partial<AutoscalerFacts>])[] = [
    ['as there are no pods', 'autoscaler-no-pods', { pods: [] }],
    ['as all pods are Pending', 'autoscaler-pods-pending', { pods: [pod({ status: { phase: 'Pending' } })] }],
    [
      'as a container crashes',
      'autoscaler-pods-crash',
      {
        pods: [
          pod({ status: { containerStatuses: [{ name: 'web', state: { waiting: { reason: 'CrashLoopBackOff' } } }] } }),
        ],
      },
    ],
    [
      'as pods are young',
      'autoscaler-pods-young',
      { pods: [pod({ status: running('2026-11-29T15:59:30Z') })], usage: new Map() },
    ],
    [
      'as pods have no usage',
      'autoscaler-no-usage',
      { pods: [pod({ status: running('2026-11-29T12:00:00Z') })], usage: new Map() },
    ],
    [
      'as pods never became ready',
      'autoscaler-pods-unready',
      {
        pods: [pod({ status: { ...running('2026-11-29T12:00:00Z'), conditions: [] } })],
        usage: new Map([['web-5d4f8-x', nowMs]]),
      },
    ],
    [
      'which is over',
      'autoscaler-no-usage',
      { pods: [pod({ status: running('2026-11-29T12:00:00Z') })], usage: new Map([['web-5d4f8-x', nowMs]]) },
    ],
  ];
  for (const [title, code, facts] of cases) {
    test(title, () => assert.equal(explain(noMetrics(unready), facts)?.code, code));
  }

  test('as the API is down, or is another one', () => {
    const down =
      'unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server is currently unable to handle the request';
    assert.equal(explain(noMetrics(down))?.code, 'autoscaler-api-unavailable');
    const other = explain({
      condition: ['ScalingActive', 'FailedGetExternalMetric', 'no metrics returned from external metrics API'],
    });
    assert.equal(other?.code, 'autoscaler-other-api');
    assert.equal(other.remedy, 'kubegauge doctor custom-metrics');
    assert.equal(explain(noMetrics('of another kind'))?.code, 'autoscaler-failing');
  });
});

test('a metric of a group that no APIService serves leads to its sources, not to a check of their rules', () => {
  const unregistered =
    'unable to get metric requests: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered';
  const found = explain({ condition: ['ScalingActive', 'FailedGetPodsMetric', unregistered] });
  assert.equal(found?.code, 'autoscaler-other-api');
  assert.match(found.problem, /custom\.metrics\.k8s\.io, which no APIService serves/);
  assert.match(found.remedy ?? '', /^# docs\/kubelet-metrics\.md /);
});

test('the container that fails is named, not one before it that has ended', () => {
  const ended = { name: 'job', state: { terminated: { reason: 'Completed' } } };
  const failing = { name: 'web', state: { waiting: { reason: 'CrashLoopBackOff' } } };
  const facts = {
    pods: [pod({ containers: [{ name: 'job' }, { name: 'web' }], status: { containerStatuses: [ended, failing] } })],
  };
  assert.match(explain(noMetrics(unready), facts)?.problem ?? '', /: web of .* \(CrashLoopBackOff\)/);
});

test('names and messages of other programs are escaped, and quoted for the shell', () => {
  const finding = explain({
    target: { name: "w'b" },
    condition: ['AbleToScale', 'FailedGetScale', 'not found \u001b[2J'],
  });
  assert.match(finding?.evidence ?? '', /\\x1b\[2J/);
  const other = explain({ target: { name: "w'b" }, condition: ['ScalingActive', 'ScalingDisabled'] });
  assert.match(other?.remedy ?? '', /'deployment\/w'\\''b'/);
});

test('a kind that kubectl would read as a flag is none in a remedy', () => {
  const target = { apiVersion: 'example.org/v1', kind: '--server=example.org', name: 'web' };
  const condition = ['AbleToScale', 'FailedGetScale', 'something else'] as const;
  const found = explain({ target, condition });
  assert.equal(found?.remedy, 'kubectl --namespace shop get server=example.org.example.org/web -o yaml');
});
