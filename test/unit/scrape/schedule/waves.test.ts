import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createWaves, waveSize } from '../../../../src/scrape/schedule/waves.ts';

const count = 20;

describe('waves', () => {
  test('are filled one by one, as far apart as possible, and then evenly', () => {
    const { waves, add, sizes } = setUp();
    add(waveSize);
    assert.deepEqual(sizes(), { 0: waveSize });
    add(1);
    assert.deepEqual(sizes(), { 0: waveSize, 10: 1 });
    add(3 * waveSize - 1);
    assert.deepEqual(sizes(), { 0: waveSize, 5: waveSize, 10: waveSize, 15: waveSize });
    add(count * (waveSize + 4) - 4 * waveSize);
    assert.deepEqual([...new Set(Object.values(sizes()))], [waveSize + 4]);
    assert.deepEqual([...waves.at(3 + count)], [...waves.at(3)]);
  });

  test('keep their nodes, and give free places to new ones', () => {
    const { waves, add, sizes } = setUp();
    add(2 * waveSize);
    const before = [...waves.at(10)];
    for (const node of [...waves.at(0)].slice(5)) waves.remove(node);
    assert.deepEqual(sizes(), { 0: 5, 10: waveSize });
    add(1);
    assert.deepEqual(sizes(), { 0: 6, 10: waveSize });
    assert.deepEqual([...waves.at(10)], before);
    assert.equal(waves.add(before[0] ?? ''), false);
  });

  test('hold fewer heavy nodes, which may have to move to another wave', () => {
    const { waves, add, sizes } = setUp();
    add(waveSize);
    for (let node = 0; node < waveSize; node += 1) waves.setWeight(`node-${node}`, 4);
    assert.deepEqual(sizes(), { 0: waveSize / 4, 5: waveSize / 4, 10: waveSize / 4, 15: waveSize / 4 });
    add(1);
    assert.equal(sizes()[2], 1);
    for (let node = 0; node < waveSize; node += 1) waves.setWeight(`node-${node}`, 1);
    assert.equal(Object.values(sizes()).length, 5);
    add(1);
    assert.equal(sizes()[2], 2);
    waves.setWeight('unknown', 4);
  });

  test('give the next wave that has nodes', () => {
    const { waves, add } = setUp();
    assert.equal(waves.next(7), 7 + count);
    add(waveSize + 1);
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

function setUp() {
  const waves = createWaves(count);
  let nodes = 0;
  const add = (more: number) => {
    for (const end = nodes + more; nodes < end; nodes += 1) assert.ok(waves.add(`node-${nodes}`));
  };
  /** By wave, where there are any. */
  const sizes = () =>
    Object.fromEntries(
      Array.from({ length: count }, (_, wave) => [wave, [...waves.at(wave)].length] as const).filter(
        ([, size]) => size > 0,
      ),
    );
  return { waves, add, sizes };
}
