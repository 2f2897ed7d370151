/** Requirements for objects of metrics.k8s.io, in any form in which a client has read them. */
import assert from 'node:assert/strict';
import { parseQuantity, parseWindowMs } from '../cluster/e2e/readings.ts';
import { field, items, text } from '../../src/client/json.ts';
import type { Target } from './target.ts';

/** Nothing here is served longer than that after it was measured. */
const oldestMs = 60_000;

export function isNode(node: unknown, target: Target): void {
  assert.equal(text(field(field(node, 'metadata'), 'name')), target.node);
  isMeasured(node);
  const { cpu, memory } = usageOf(node);
  assert.ok(cpu > 0, `the node uses ${cpu} cores`);
  assert.ok(memory > 0, `the node uses ${memory} bytes`);
}

export function isPod(pod: unknown, target: Target): void {
  const metadata = field(pod, 'metadata');
  assert.equal(text(field(metadata, 'name')), target.pod.name);
  assert.equal(text(field(metadata, 'namespace')), target.pod.namespace);
  isMeasured(pod);
  const containers = items(field(pod, 'containers'));
  assert.deepEqual(containers.map((container) => text(field(container, 'name')) ?? '').sort(), target.pod.containers);
  for (const container of containers) {
    const { cpu, memory } = usageOf(container);
    // An idle container uses 0 cores, and that is a usage.
    assert.ok(cpu >= 0, `a container uses ${cpu} cores`);
    assert.ok(memory > 0, `a container uses ${memory} bytes`);
  }
}

export const hasNode = (list: unknown, target: Target): void => isNode(itemNamed(list, target.node), target);
export const hasPod = (list: unknown, target: Target): void => isPod(itemNamed(list, target.pod.name), target);

function itemNamed(list: unknown, name: string): unknown {
  const found = items(field(list, 'items')).filter((item) => text(field(field(item, 'metadata'), 'name')) === name);
  assert.equal(found.length, 1, `${found.length} items are called ${name} in ${JSON.stringify(list)}`);
  return found[0];
}

function isMeasured(object: unknown): void {
  const timestamp = text(field(object, 'timestamp')) ?? '';
  assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.ok(Math.abs(Date.now() - Date.parse(timestamp)) < oldestMs, `measured at ${timestamp}`);
  assert.ok(parseWindowMs(text(field(object, 'window')) ?? '') > 0);
}

function usageOf(object: unknown): { cpu: number; memory: number } {
  const usage = field(object, 'usage');
  const amount = (resource: string) => parseQuantity(text(field(usage, resource)) ?? '');
  return { cpu: amount('cpu'), memory: amount('memory') };
}
