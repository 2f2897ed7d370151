import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createAskingNodeReader } from '../../../src/api/nodes.ts';
import { createAskingPodReader } from '../../../src/api/pods.ts';
import type { ListSelection, ReaderRequest } from '../../../src/api/resource.ts';
import { parseFieldSelector } from '../../../src/apimachinery/fields.ts';
import { parseLabelSelector } from '../../../src/apimachinery/labels.ts';
import type { AskedPod, UsageQuestion } from '../../../src/metricsource/usage.ts';
import type { PodUsage } from '../../../src/sample/point.ts';

const now = 1_795_377_918_123;
const pods = ['default/idle-0', 'default/web-0', 'default/web-1', 'team-a/db-0'].map((each) => {
  const [namespace = '', name = ''] = each.split('/');
  const labels = new Map([['app', name.split('-')[0] ?? '']]);
  return { namespace, name, uid: `uid-of-${name}`, configHash: undefined, node: 'node-a', labels };
});
const container = { timestampMs: now - 3_000, windowMs: 300_000, cpuNanocores: 1, memoryBytes: 2 };
const usage: PodUsage = { ...container, containers: [{ ...container, name: 'app' }] };
const request: ReaderRequest = {
  caller: { kind: 'system', name: 'system:kube-controller-manager' },
  signal: () => new AbortController().signal,
};

let asked: UsageQuestion<AskedPod>[] = [];
const api = createAskingPodReader({
  pods: {
    get: (namespace, name) => pods.find((each) => each.namespace === namespace && each.name === name),
    list: (namespace) => pods.filter((each) => namespace === undefined || each.namespace === namespace),
  },
  source: {
    podUsages: async (question) => {
      asked.push(question);
      return ({ name }) =>
        name === 'idle-0' ? { kind: 'missing', message: 'no sample' } : { kind: 'ready', value: usage };
    },
  },
  now: () => now,
});

async function names(selection: ListSelection = {}): Promise<readonly string[]> {
  asked = [];
  const { slices } = await api.list(selection, request);
  return [...slices].flat().map(({ name }) => name);
}

const askedNames = () => asked.map(({ objects, isWhole }) => [objects.map(({ name }) => name).join(), isWhole]);

describe('a list that a source is asked for', () => {
  test('asks once for all pods of a namespace, and leaves out those without usage', async () => {
    assert.deepEqual(await names({ namespace: 'default' }), ['web-0', 'web-1']);
    assert.deepEqual(askedNames(), [['idle-0,web-0,web-1', true]]);
    assert.equal(asked[0]?.caller, request.caller);
  });

  test('asks only for the pods that the selectors match', async () => {
    assert.deepEqual(await names({ labelSelector: parseLabelSelector('app=web') }), ['web-0', 'web-1']);
    assert.deepEqual(askedNames(), [['web-0,web-1', false]]);
    assert.deepEqual(await names({ fieldSelector: parseFieldSelector('metadata.name=db-0') }), ['db-0']);
    assert.deepEqual(askedNames(), [['db-0', false]]);
  });

  test('asks only for the pods of the page', async () => {
    const { slices, metadata } = await api.list({ page: { limit: 2, after: undefined } }, request);
    assert.deepEqual([...slices].flat().length, 1);
    assert.equal(metadata?.remainingItemCount, 2);
    assert.deepEqual(askedNames().at(-1), ['idle-0,web-0', false]);
  });

  test('selects in turns of the event loop', async () => {
    let [turns, selected] = [0, 0];
    const many = Array.from({ length: 60_000 }, (_, index) => ({
      ...pods[0]!,
      name: `web-${index}`,
      labels: new Map([['index', `${index}`]]),
    }));
    const reader = createAskingPodReader({
      pods: { get: () => undefined, list: () => many },
      source: {
        podUsages: async ({ objects }) => {
          selected = objects.length;
          return () => ({ kind: 'missing', message: 'no sample' });
        },
      },
      now: () => now,
    });
    const labelSelector = parseLabelSelector(Array.from({ length: 200 }, (_, index) => `!a${index}`).join());
    const share = {
      enqueue(step: () => void) {
        turns += 1;
        setImmediate(step);
      },
    };
    await reader.list({ labelSelector }, { ...request, share });
    assert.equal(selected, many.length);
    assert.ok(turns > 3, `${turns} turns`);
  });

  test('asks for nothing where there are no pods', async () => {
    assert.deepEqual(await names({ namespace: 'empty' }), []);
    assert.deepEqual(asked, []);
  });

  test('rejects a history and unknown fields before it asks', async () => {
    await assert.rejects(names({ history: { sinceSeconds: 60, stepSeconds: undefined } }), {
      code: 400,
      message: /^sinceSeconds: no history is kept with --resource-metrics=prometheus/,
    });
    await assert.rejects(names({ fieldSelector: parseFieldSelector('spec.nodeName=x') }), { code: 400 });
    assert.deepEqual(asked, []);
  });
});

describe('an object that a source is asked for', () => {
  test('has its usage with the time and window of the source', async () => {
    const { timestampMs, windowMs, creationTimestampMs } = await api.get('default', 'web-0', request);
    assert.deepEqual([timestampMs, windowMs, creationTimestampMs], [now - 3_000, 300_000, now]);
  });

  test('is a 404 with the cause of the source where it has no usage, and without a question where it does not exist', async () => {
    await assert.rejects(async () => api.get('default', 'idle-0', request), {
      code: 404,
      message: 'podmetrics.metrics.k8s.io "default/idle-0" not found',
      details: {
        name: 'default/idle-0',
        group: 'metrics.k8s.io',
        kind: 'podmetrics',
        causes: [{ reason: 'NoSample', message: 'no sample' }],
      },
    });
    asked = [];
    await assert.rejects(async () => api.get('default', 'nobody', request), { message: 'pods "nobody" not found' });
    assert.deepEqual(asked, []);
  });

  test('is a node of its name', async () => {
    const nodes = createAskingNodeReader({
      nodes: { get: (name) => ({ name, labels: new Map() }), list: () => [] },
      source: { nodeUsages: async () => () => ({ kind: 'missing', message: 'no sample' }) },
      now: () => now,
    });
    await assert.rejects(async () => nodes.get('', 'node-b', request), {
      message: 'nodemetrics.metrics.k8s.io "node-b" not found',
    });
  });
});
