/** Why pods have no usage: the work for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NodeObject, parseNodeObject } from '../../../src/view/nodeviews.ts';
import { parsePodObject } from '../../../src/view/podviews.ts';
import type { Reads } from '../../../src/view/reads.ts';
import { podReasons } from '../../../src/view/reasons.ts';
import { parseUsage } from '../../../src/view/usages.ts';
import { node, pod } from '../../fakes/kubeobjects.ts';

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
