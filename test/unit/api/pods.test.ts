import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPodReader } from '../../../src/api/pods.ts';
import { parseFieldSelector } from '../../../src/apimachinery/fields.ts';
import { parseLabelSelector } from '../../../src/apimachinery/labels.ts';
import type { PodUsage } from '../../../src/sample/point.ts';

const now = 1_795_377_918_123;
const pods = [
  pod('default', 'idle-0', 'web'),
  pod('default', 'web-0', 'web'),
  pod('default', 'web-1', 'web'),
  pod('team-a', 'db-0', 'db'),
];
const container = { timestampMs: now, windowMs: 15_000, cpuNanocores: 1, memoryBytes: 2 };
const usage: PodUsage = {
  timestampMs: now - 3000,
  windowMs: 10_005,
  containers: [
    { ...container, name: 'app' },
    { ...container, name: 'sidecar' },
  ],
};

const api = createPodReader({
  pods: {
    get: (namespace, name) => pods.find((each) => each.namespace === namespace && each.name === name),
    list: (namespace) => pods.filter((each) => namespace === undefined || each.namespace === namespace),
  },
  usage: {
    podUsage: ({ uid }) =>
      uid === 'uid-of-idle-0' ? { kind: 'missing', reason: 'never-scraped' } : { kind: 'ready', value: usage },
  },
  troubleOf: () => 'ConnectionRefused',
  now: () => now,
});

describe('a list of pods', () => {
  test('has every pod with a usage, in order', () => {
    assert.deepEqual(names(), ['default/web-0', 'default/web-1', 'team-a/db-0']);
  });

  test('has the pods of one namespace, and none for an unknown one', () => {
    assert.deepEqual(names({ namespace: 'team-a' }), ['team-a/db-0']);
    assert.deepEqual(names({ namespace: 'Not_A_Name' }), []);
  });

  test('has the pods that both selectors match', () => {
    const labelSelector = parseLabelSelector('app=web');
    assert.deepEqual(names({ labelSelector }), ['default/web-0', 'default/web-1']);
    const fieldSelector = parseFieldSelector('metadata.name!=web-0,metadata.namespace=default');
    assert.deepEqual(names({ fieldSelector }), ['default/web-1']);
    assert.deepEqual(names({ labelSelector, fieldSelector, namespace: 'team-a' }), []);
  });

  test('is a bad request for a field that cannot be selected', () => {
    assert.throws(() => api.list({ fieldSelector: parseFieldSelector('spec.nodeName=x') }), {
      code: 400,
      message: '"spec.nodeName" is not a known field selector: only "metadata.name", "metadata.namespace"',
    });
  });
});

describe('a single pod', () => {
  test('has its labels, its containers, the time of the request, and the times of its samples', () => {
    const { containers, ...rest } = api.get('default', 'web-0');
    assert.deepEqual(rest, {
      namespace: 'default',
      name: 'web-0',
      labels: new Map([['app', 'web']]),
      creationTimestampMs: now,
      timestampMs: now - 3000,
      windowMs: 10_005,
    });
    assert.deepEqual(
      containers.map(({ name, cpuNanocores, memoryBytes }) => ({ name, cpuNanocores, memoryBytes })),
      [
        { name: 'app', cpuNanocores: 1, memoryBytes: 2 },
        { name: 'sidecar', cpuNanocores: 1, memoryBytes: 2 },
      ],
    );
  });

  test('that does not run is not found', () => {
    assert.throws(() => api.get('team-a', 'web-0'), {
      reason: 'NotFound',
      message: 'pods "web-0" not found',
      details: { name: 'web-0', group: '', kind: 'pods' },
    });
  });

  test('without usage is not found, with another message and the reason', () => {
    assert.throws(() => api.get('default', 'idle-0'), {
      reason: 'NotFound',
      message: 'podmetrics.metrics.k8s.io "default/idle-0" not found',
      details: {
        name: 'default/idle-0',
        group: 'metrics.k8s.io',
        kind: 'podmetrics',
        causes: [{ reason: 'NotReported', message: 'no kubelet has reported it yet' }],
      },
    });
  });
});

function pod(namespace: string, name: string, app: string) {
  return {
    namespace,
    name,
    uid: `uid-of-${name}`,
    configHash: undefined,
    node: undefined,
    labels: new Map([['app', app]]),
  };
}

function names(options?: Parameters<typeof api.list>[0]): string[] {
  return [...api.list(options).slices].flat().map(({ namespace, name }) => `${namespace}/${name}`);
}
