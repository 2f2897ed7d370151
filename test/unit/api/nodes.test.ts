import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createNodeReader } from '../../../src/api/nodes.ts';
import { parseFieldSelector } from '../../../src/apimachinery/fields.ts';
import { parseLabelSelector } from '../../../src/apimachinery/labels.ts';
import type { UsageOrReason, Missing, Usage } from '../../../src/sample/point.ts';

const now = 1_795_377_918_123;
const nodes = [
  {
    name: 'node-a',
    labels: new Map([
      ['disk', 'ssd'],
      ['zone', 'z1'],
    ]),
  },
  { name: 'node-b', labels: new Map([['zone', 'z2']]) },
  { name: 'node-dead', labels: new Map([['zone', 'z2']]) },
];
const usage: Usage = { timestampMs: now - 3000, windowMs: 9993, cpuNanocores: 5, memoryBytes: 6 };

const api = createNodeReader({
  nodes: { get: (name) => nodes.find((node) => node.name === name), list: () => nodes },
  usage: { nodeUsage: (name) => (name === 'node-dead' ? missing('one-sample') : { kind: 'ready', value: usage }) },
  troubleOf: (node) => (node === 'node-dead' ? 'ConnectionRefused' : undefined),
  now: () => now,
});

describe('a list of nodes', () => {
  test('has every node with a usage, in order', () => {
    assert.deepEqual(names(), ['node-a', 'node-b']);
  });

  test('has the nodes that the label selector matches', () => {
    assert.deepEqual(names({ labelSelector: parseLabelSelector('zone in (z2)') }), ['node-b']);
  });

  test('has the nodes that the field selector matches; their namespace is empty', () => {
    assert.deepEqual(names({ fieldSelector: parseFieldSelector('metadata.name=node-a') }), ['node-a']);
    assert.deepEqual(names({ fieldSelector: parseFieldSelector('metadata.namespace=x') }), []);
    assert.deepEqual(names({ fieldSelector: parseFieldSelector('metadata.namespace=') }), ['node-a', 'node-b']);
  });

  test('is a bad request for a field that nodes do not have', () => {
    assert.throws(() => api.list({ fieldSelector: parseFieldSelector('spec.unschedulable=true') }), {
      code: 400,
      message: '"spec.unschedulable" is not a known field selector: only "metadata.name", "metadata.namespace"',
    });
  });
});

describe('a single node', () => {
  test('has its labels, the time of the request, and the times of its samples', () => {
    assert.deepEqual(api.get('', 'node-a'), {
      name: 'node-a',
      labels: new Map([
        ['disk', 'ssd'],
        ['zone', 'z1'],
      ]),
      creationTimestampMs: now,
      timestampMs: now - 3000,
      windowMs: 9993,
      usage,
    });
  });

  test('that does not exist is not found', () => {
    assert.throws(() => api.get('', 'nope'), {
      reason: 'NotFound',
      message: 'node "nope" not found',
      details: { name: 'nope', group: '', kind: 'node' },
    });
  });

  test('without usage is not found, with another message and the reasons', () => {
    assert.throws(() => api.get('', 'node-dead'), {
      reason: 'NotFound',
      message: 'nodemetrics.metrics.k8s.io "node-dead" not found',
      details: {
        name: 'node-dead',
        group: 'metrics.k8s.io',
        kind: 'nodemetrics',
        causes: [
          {
            reason: 'OneSample',
            message: 'it has one sample; usage needs a second one, and kubelets take one every 10 to 30 s',
          },
          { reason: 'ConnectionRefused', message: 'the last scrape of node node-dead failed; see /status' },
        ],
      },
    });
  });
});

function missing(reason: Missing): UsageOrReason<never> {
  return { kind: 'missing', reason };
}

function names(options?: Parameters<typeof api.list>[0]): string[] {
  return [...api.list(options).slices].flat().map(({ name }) => name);
}
