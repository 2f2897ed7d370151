import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createWaves, type Waves, waveSize } from '../../../../src/scrape/schedule/waves.ts';

const count = 20;
/** Nodes of a wave are a random sample by name: five standard deviations. */
const spread = 5 * Math.sqrt(waveSize);

describe('waves', () => {
  test('are used one by one, as far apart as possible, and filled evenly', () => {
    const waves = createWaves(count);
    addNodes(waves, 0, waveSize);
    assert.deepEqual(Object.keys(sizesOf(waves)), ['0']);
    addNodes(waves, waveSize, waveSize + 1);
    assert.deepEqual(Object.keys(sizesOf(waves)), ['0', '10']);
    addNodes(waves, waveSize + 1, 4 * waveSize);
    assertEven(waves, [0, 5, 10, 15], waveSize);
    addNodes(waves, 4 * waveSize, 2 * count * waveSize);
    assertEven(waves, [...Array(count).keys()], 2 * waveSize);
    assert.deepEqual([...waves.at(3 + count)], [...waves.at(3)]);
  });

  test('are equal on replicas that learn of the nodes in another order, and of others in between', () => {
    const one = createWaves(count);
    const other = createWaves(count);
    const nodes = Array.from({ length: 5 * waveSize - 7 }, (_, node) => `node-${node}`);
    for (const node of nodes) one.add(node);
    for (const node of nodes.toReversed()) {
      other.add(node);
      other.add(`gone-${node}`);
      other.next(0);
    }
    for (const node of nodes) other.remove(`gone-${node}`);
    assert.deepEqual(assignment(one), assignment(other));
  });

  test('keep the waves of most nodes when another wave is used', () => {
    const waves = createWaves(count);
    addNodes(waves, 0, 4 * waveSize);
    const before = assignment(waves);
    addNodes(waves, 4 * waveSize, 4 * waveSize + 1);
    const moved = Object.entries(assignment(waves)).filter(([node, wave]) => node in before && before[node] !== wave);
    assert.ok(moved.length > 0 && moved.length < waveSize + spread, `${moved.length} nodes moved`);
    assert.deepEqual([...new Set(moved.map(([, wave]) => wave))], [2]);
    waves.remove(`node-${4 * waveSize}`);
    assert.deepEqual(assignment(waves), before);
    assert.equal(waves.add('node-0'), false);
  });

  test('hold fewer heavy nodes', () => {
    const waves = createWaves(count);
    addNodes(waves, 0, waveSize);
    for (let node = 0; node < waveSize; node += 1) waves.setWeight(`node-${node}`, 4);
    assertEven(waves, [0, 5, 10, 15], waveSize / 4);
    for (let node = 0; node < waveSize; node += 1) waves.setWeight(`node-${node}`, 1);
    waves.setWeight('unknown', 4);
    assert.deepEqual(sizesOf(waves), { 0: waveSize });
  });

  test('give the next wave that has nodes', () => {
    const waves = createWaves(count);
    assert.equal(waves.next(7), 7 + count);
    addNodes(waves, 0, waveSize + 1);
    assert.equal(waves.next(0), 10);
    assert.equal(waves.next(10), 20);
    assert.equal(waves.next(12), 20);
    waves.remove(`node-${waveSize}`);
    assert.equal(waves.next(0), 20);
  });

  test('work with a single wave', () => {
    const waves = createWaves(1);
    waves.add('a');
    assert.equal(waves.next(4), 5);
    assert.deepEqual([...waves.at(5)], ['a']);
  });
});

function addNodes(waves: Waves, from: number, to: number): void {
  for (let node = from; node < to; node += 1) assert.ok(waves.add(`node-${node}`));
}

/** Returns the nodes of each wave that has any. */
function sizesOf(waves: Waves): Record<string, number> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, wave) => [wave, [...waves.at(wave)].length] as const).filter(
      ([, size]) => size > 0,
    ),
  );
}

function assertEven(waves: Waves, expected: readonly number[], size: number): void {
  const sizes = sizesOf(waves);
  assert.deepEqual(Object.keys(sizes), expected.map(String));
  for (const [wave, actual] of Object.entries(sizes)) {
    assert.ok(Math.abs(actual - size) < spread, `${actual} nodes in wave ${wave}`);
  }
}

/** Returns the wave of each node. */
function assignment(waves: Waves): Record<string, number> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, wave) => [...waves.at(wave)].map((node) => [node, wave] as const))
      .flat()
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
