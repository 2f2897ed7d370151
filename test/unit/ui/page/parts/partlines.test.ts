import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partLines } from '../../../../../src/ui/page/parts/partlines.js';

const usage = (pod: string, cpu: number, memory: number) => ({
  name: `shop/${pod}/app`,
  timeSeconds: [60, 120],
  windowSeconds: [60, 60],
  cpu: [cpu, cpu],
  memory: [memory, memory],
});
const ownPart = (pods: readonly string[]) => new Map(pods.map((pod) => [pod, pod]));

test('a part has the same colour in both plots, whichever uses most', () => {
  const series = [usage('web', 3, 1), usage('cart', 2, 2), usage('api', 1, 3)];
  const { cpu, memory } = partLines(series, ownPart(['web', 'cart', 'api']), 60);
  const shown = (lines: typeof cpu) => lines.map(({ label, colour }) => `${label} ${colour}`);
  assert.deepEqual(shown(cpu), ['web line-3', 'cart line-2', 'api line-1']);
  assert.deepEqual(shown(memory), ['api line-1', 'cart line-2', 'web line-3']);
});

test('of many parts both plots have the same seven, those that are first in either, and one line of the others', () => {
  const pods = Array.from({ length: 20 }, (_, index) => `p-${index}`);
  const series = pods.map((pod, index) => usage(pod, 20 - index, index));
  const { cpu, memory } = partLines(series, ownPart(pods), 60);
  const own = ['p-0', 'p-1', 'p-2', 'p-3', 'p-17', 'p-18', 'p-19'];
  assert.deepEqual(
    cpu.map(({ label }) => label),
    [...own, '13 others'],
  );
  assert.deepEqual(
    memory.map(({ label }) => label),
    ['p-19', 'p-18', 'p-17', 'p-3', 'p-2', 'p-1', 'p-0', '13 others'],
  );
  const colours = new Map(cpu.map(({ label, colour }) => [label, colour]));
  assert.equal(new Set(colours.values()).size, 8);
  for (const { label, colour } of memory) assert.equal(colour, colours.get(label), label);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value);
  const others = pods.map((_, index) => index).slice(4, 17);
  assert.deepEqual(memory.at(-1)?.line?.values, [sum(others), sum(others)]);
});
