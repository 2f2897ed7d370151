/** Tests constants that follow from the table of quantities. Literal positions in hot loops are compared with it here. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gaugeKeys } from '../../../src/api/usage.ts';
import { cadvisor } from '../../../src/decode/cadvisor/cadvisor.ts';
import { cadvisorFamilies, movingFamilies, requestedFamilies } from '../../../src/decode/cadvisor/families.ts';
import { resourceFamilies } from '../../../src/decode/resource/families.ts';
import { column, columns } from '../../../src/sample/batch.ts';
import {
  type GaugeName,
  gauges,
  isServed,
  quantities,
  quantity,
  scrapedColumn,
} from '../../../src/sample/quantities.ts';

const { cpu, memory, start, swap } = quantity;

test('the columns that hot loops have as literals are those of the table', () => {
  const { firstGauge, ...fixed } = scrapedColumn;
  for (const [name, at] of Object.entries(fixed)) assert.equal(quantities[at], quantity[name as keyof typeof fixed]);
  assert.deepEqual(quantities.slice(firstGauge), gauges);
});

test('each column of a batch has one place, and the gauges are contiguous', () => {
  const { firstGauge, ...named } = column;
  assert.deepEqual(
    Object.values(named).toSorted((a, b) => a - b),
    [...Array(columns).keys()],
  );
  assert.deepEqual(
    gauges.map(({ field }) => column[field]),
    gauges.map((_, gauge) => firstGauge + gauge),
  );
});

test('each quantity of /metrics/cadvisor is read into its own column', () => {
  assert.equal(cadvisor.families, cadvisorFamilies);
  for (const [at, { cadvisor: family }] of quantities.entries()) assert.equal(cadvisorFamilies[at], family);
  assert.equal(new Set(cadvisorFamilies).size, cadvisorFamilies.length);
});

test('each family of /metrics/resource that the table names is read', () => {
  const named = quantities.flatMap(({ resource: { node, container } }) => [node, container]);
  assert.deepEqual(resourceFamilies.toSorted(), named.filter((name) => name !== undefined).toSorted());
});

test('constants do not move', () => {
  const moving = movingFamilies.map((family) => cadvisorFamilies[family]);
  assert.deepEqual(moving.includes(start.cadvisor), false);
  assert.deepEqual(moving.length, quantities.length - 1);
});

describe('a kubelet that filters is asked', () => {
  const requested = (hasSwap: boolean, hasSettled: boolean) => requestedFamilies({ hasSwap, hasSettled });

  test('for everything at first', () => {
    assert.deepEqual(requested(true, false), cadvisorFamilies);
  });

  test('for no swap where there is none, and for no start times once it has settled', () => {
    const without = (...families: readonly string[]) => cadvisorFamilies.filter((each) => !families.includes(each));
    assert.deepEqual(requested(false, false), without(swap.cadvisor));
    assert.deepEqual(requested(true, true), without(start.cadvisor));
    assert.deepEqual(requested(false, true), without(swap.cadvisor, start.cadvisor));
    assert.ok(requested(false, true).includes(cpu.cadvisor) && requested(false, true).includes(memory.cadvisor));
  });
});

test('swap is served on nodes with swap only', () => {
  assert.deepEqual([isServed(swap, true), isServed(swap, false), isServed(memory, false)], [true, false, true]);
});

test('the keys of usage are sorted, as Go writes a map', () => {
  const keys = ['cpu', 'memory', ...gaugeKeys];
  assert.deepEqual(keys, keys.toSorted());
});

test('a key of usage that is not in the table does not compile', () => {
  // @ts-expect-error: it is in no row
  const keys: readonly GaugeName[] = ['dirty'];
  assert.equal(quantities.includes(quantity[keys[0]!]), false);
});
