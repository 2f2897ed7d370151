/** Why pods have no usage: the work for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAutoscalerObject } from '../../../src/view/autoscalerviews.ts';
import { type NodeObject, parseNodeObject } from '../../../src/view/nodeviews.ts';
import { parsePodObject } from '../../../src/view/podviews.ts';
import type { Reads } from '../../../src/view/reads.ts';
import { autoscalerReasons, podReasons } from '../../../src/view/reasons.ts';
import { parseUsage } from '../../../src/view/usages.ts';
import { autoscaler, node, pod, rfc3339 } from '../../fakes/kubeobjects.ts';

/** Counts how often all nodes are gone through. */
class CountedNodes extends Map<string, NodeObject> {
  walks = 0;

  override keys(): MapIterator<string> {
    this.walks += 1;
    return super.keys();
  }

  override [Symbol.iterator](): MapIterator<[string, NodeObject]> {
    this.walks += 1;
    return super[Symbol.iterator]();
  }
}

const unasked = () => assert.fail('not read here');

const reads: Reads = {
  get: unasked,
  find: unasked,
  pages: unasked,
  refusal: unasked,
  causes: async () => [],
  nowMs: () => 0,
  async [Symbol.asyncDispose]() {},
};

async function reasonsOf(count: number): Promise<{ readonly walks: number; readonly reasons: readonly string[] }> {
  const nodes = new CountedNodes();
  for (const name of ['node-a', 'node-b']) {
    const parsed = parseNodeObject(node(name));
    assert.ok(parsed);
    nodes.set(name, parsed);
  }
  const usage = parseUsage({ metadata: { name: 'node-a' }, usage: { cpu: '1', memory: '1Mi' } });
  assert.ok(usage);
  const pods = Array.from({ length: count }, (_, index) =>
    parsePodObject(
      pod('shop', `web-${index}`, {
        nodeName: index % 2 === 0 ? 'node-a' : 'node-b',
        spec: { containers: [{ name: 'app' }] },
        status: { containerStatuses: [{ name: 'app', state: { running: {} } }] },
      }),
    ),
  ).filter((each) => each !== undefined);
  const reasons = await podReasons(reads, pods, {
    known: { value: nodes, problem: undefined },
    measured: { value: new Map([['node-a', usage]]), problem: undefined },
  });
  return { walks: nodes.walks, reasons: [...reasons.values()] };
}

test('nodes are gone through once, not once for each pod without usage', async () => {
  const few = await reasonsOf(2);
  assert.match(few.reasons[0] ?? '', /it runs on node node-a, whose usage is served/);
  assert.match(few.reasons[1] ?? '', /no usage of node node-b is served/);
  const many = await reasonsOf(200);
  assert.equal(many.reasons.length, 200);
  assert.equal(many.walks, few.walks);
});

const failing = {
  type: 'ScalingActive',
  status: 'False',
  reason: 'FailedGetResourceMetric',
  message:
    'failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API',
};

/** Returns the reason of an autoscaler whose only pod started so long ago and has no usage. */
async function reasonOfAutoscaler(startedSeconds: number, isPrometheus: boolean): Promise<string | undefined> {
  const state = { running: { startedAt: rfc3339(nowMs - startedSeconds * 1000) } };
  const young = pod('shop', 'web-0', {
    nodeName: 'node-a',
    spec: { containers: [{ name: 'app', resources: { requests: { cpu: '1' } } }] },
    status: { containerStatuses: [{ name: 'app', state }] },
  });
  const answers = new Map<string, unknown>([
    ['/apis/apps/v1/namespaces/shop/deployments/web/scale', { status: { selector: 'app=web' } }],
    ['/api/v1/namespaces/shop/pods', { items: [young] }],
    ['/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods', { items: [] }],
  ]);
  const metric = {
    type: 'Resource',
    resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } },
  };
  const known = parseAutoscalerObject({ ...autoscaler('shop', 'web', [metric]), status: { conditions: [failing] } });
  assert.ok(known);
  const of = { ...reads, nowMs: () => nowMs, find: async (_: string, path: string) => answers.get(path) };
  return (await autoscalerReasons(of, [known], async () => isPrometheus)).get('shop/web');
}

const nowMs = Date.parse('2026-11-30T01:00:00Z');

test('an autoscaler of pods that started minutes ago waits where usages come from Prometheus only', async () => {
  assert.match((await reasonOfAutoscaler(30, false)) ?? '', /started less than 90 s ago/);
  assert.match((await reasonOfAutoscaler(200, true)) ?? '', /started less than 300 s ago/);
  assert.match((await reasonOfAutoscaler(200, false)) ?? '', /1 of 1 running pods of deployment\/web have no usage/);
});

test('each autoscaler is compared with those of its target only', async () => {
  let reached = 0;
  const all = Array.from({ length: 2_000 }, (_, at) => {
    const known = parseAutoscalerObject(autoscaler('shop', `web-${at}`, []));
    assert.ok(known);
    const { target } = known.facts;
    const facts = Object.defineProperty({ ...known.facts }, 'target', { get: () => ((reached += 1), target) });
    return { ...known, facts };
  });
  await autoscalerReasons(reads, all, unasked);
  assert.ok(reached < 20 * all.length, `${reached} looks at targets`);
});
