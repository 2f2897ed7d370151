/** Requirements for objects of metrics.k8s.io, in any form in which a client has read them. */
import assert from 'node:assert/strict';
import { parseQuantity, parseWindowMs } from '../cluster/e2e/readings.ts';
import { field, items, text } from '../../src/client/json.ts';
import type { Target } from './target.ts';

/** Nothing here is served longer than that after it was measured. */
const oldestMs = 60_000;

/** As the clients ask for points of the past. */
const pastMs = 600_000;

/** @param withinMs greatest age. */
export function isNode(node: unknown, target: Target, withinMs = oldestMs): void {
  assert.equal(text(field(field(node, 'metadata'), 'name')), target.node);
  isMeasured(node, withinMs);
  const { cpu, memory } = usageOf(node);
  assert.ok(cpu > 0, `the node uses ${cpu} cores`);
  assert.ok(memory > 0, `the node uses ${memory} bytes`);
}

export function isPod(pod: unknown, target: Target, withinMs = oldestMs): void {
  const metadata = field(pod, 'metadata');
  assert.equal(text(field(metadata, 'name')), target.pod.name);
  assert.equal(text(field(metadata, 'namespace')), target.pod.namespace);
  isMeasured(pod, withinMs);
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

/** Asserts a list with sinceSeconds: points of the node, oldest first. */
export function hasPastOfNode(list: unknown, target: Target): void {
  for (const point of pointsOf(list, target.node)) isNode(point, target, pastMs);
}

export function hasPastOfPod(list: unknown, target: Target): void {
  for (const point of pointsOf(list, target.pod.name)) isPod(point, target, pastMs);
}

/** Returns all items of the name: with sinceSeconds, its points. */
export function itemsNamed(name: string, list: unknown): readonly unknown[] {
  return items(field(list, 'items')).filter((item) => text(field(field(item, 'metadata'), 'name')) === name);
}

function pointsOf(list: unknown, name: string): readonly unknown[] {
  const points = itemsNamed(name, list);
  const times = points.map((point) => text(field(point, 'timestamp')) ?? '');
  assert.ok(points.length > 0, `${name} has no point in ${JSON.stringify(list)}`);
  assert.deepEqual(times, [...new Set(times)].sort());
  return points;
}

/** Asserts the names that a client has read in pages of one: each once, in order, and as many as the list has. */
export function hasPagesOfNodes(pages: unknown, { node }: Target): void {
  hasPages(pages, node);
}

export function hasPagesOfPods(pages: unknown, { pod }: Target): void {
  hasPages(pages, pod.name);
}

function hasPages(pages: unknown, name: string): void {
  const names = items(field(pages, 'names')).map((each) => text(each) ?? '');
  assert.ok(names.includes(name), names.join());
  assert.deepEqual(names, [...new Set(names)].sort());
  assert.equal(field(pages, 'count'), names.length);
  assert.ok(Number(field(pages, 'pages')) >= names.length, JSON.stringify(pages));
}

function itemNamed(list: unknown, name: string): unknown {
  const found = itemsNamed(name, list);
  assert.equal(found.length, 1, `${found.length} items are called ${name} in ${JSON.stringify(list)}`);
  return found[0];
}

function isMeasured(object: unknown, withinMs: number): void {
  const timestamp = text(field(object, 'timestamp')) ?? '';
  assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.ok(Math.abs(Date.now() - Date.parse(timestamp)) < withinMs, `measured at ${timestamp}`);
  assert.ok(parseWindowMs(text(field(object, 'window')) ?? '') > 0);
}

function usageOf(object: unknown): { cpu: number; memory: number } {
  const usage = field(object, 'usage');
  const amount = (resource: string) => parseQuantity(text(field(usage, resource)) ?? '');
  return { cpu: amount('cpu'), memory: amount('memory') };
}
