import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { figuresOf } from '../../faults/figures.ts';
import type { Reading, Sight } from '../../faults/sight.ts';
import { makeTruth, type Truth } from '../../faults/truth.ts';

const truth = makeTruth(['node-a', 'node-b']);
const fromMs = 100_000;

/** A look a second; before the fault ages are up to 10 s. */
function look(second: number, change: (sight: Sight) => Sight = (sight) => sight): Sight {
  const atMs = fromMs + second * 1000;
  const timestampMs = Math.floor(atMs / 10_000) * 10_000;
  return change({ atMs, ...readingsOf(truth, timestampMs), ready: true, residentBytes: 50e6 });
}

function readingsOf({ nodes, pods }: Truth, timestampMs: number) {
  const reading = (usages: Truth['nodes'], nameOf: (name: string) => string): Reading => ({
    timestampMs,
    usages: new Map(usages.map(({ name, cores, memoryBytes }) => [nameOf(name), { cores, memoryBytes }])),
  });
  return {
    nodes: new Map(nodes.map((usage) => [usage.name, reading([usage], () => '')])),
    pods: new Map(pods.map(({ key, containers }) => [key, reading(containers, (name) => name)])),
  };
}

/** 12 looks before the fault and 20 after it began, of which those from 2 to 5 are changed. */
function figures(change: (sight: Sight) => Sight, faulty = ['node-a']) {
  const sights = Array.from({ length: 33 }, (_, index) => index - 12).map((second) =>
    second >= 2 && second < 6 ? look(second, change) : look(second),
  );
  return figuresOf({ sights, fromMs, truth, faulty: new Set(faulty) });
}

const without = <V>(map: ReadonlyMap<string, V> | undefined, key: string): ReadonlyMap<string, V> =>
  new Map([...(map ?? [])].filter(([name]) => name !== key));

describe('what a fault has cost', () => {
  test('nothing', () => {
    assert.deepEqual(
      figures((sight) => sight),
      {
        ownAwaySeconds: 0,
        othersAwaySeconds: 0,
        othersOlderSeconds: 0,
        wrongSeconds: 0,
        notReadySeconds: 0,
        residentBeforeMegabytes: 50,
        residentPeakMegabytes: 50,
        residentAfterMegabytes: 50,
      },
    );
  });

  const check = (name: string, change: (sight: Sight) => Sight, own: number, others: number) =>
    test(name, () => {
      const { ownAwaySeconds, othersAwaySeconds } = figures(change);
      assert.deepEqual({ ownAwaySeconds, othersAwaySeconds }, { ownAwaySeconds: own, othersAwaySeconds: others });
    });
  check('its node', (sight) => ({ ...sight, nodes: without(sight.nodes, 'node-a') }), 4, 0);
  check('one of its pods', (sight) => ({ ...sight, pods: without(sight.pods, 'faults/db-node-a') }), 4, 0);
  check('another node', (sight) => ({ ...sight, nodes: without(sight.nodes, 'node-b') }), 0, 4);
  check('every answer', (sight) => ({ ...sight, nodes: undefined, pods: undefined }), 4, 4);
  check('a pod that has lost its containers', (sight) => ({ ...sight, pods: emptied(sight) }), 4, 0);

  test('an answer of every node, where none is faulty', () => {
    const { ownAwaySeconds, othersAwaySeconds } = figures((sight) => ({ ...sight, nodes: undefined }), []);
    assert.deepEqual([ownAwaySeconds, othersAwaySeconds], [undefined, 4]);
  });

  test('freshness of the others', () => {
    // The last look before the fault has an age of 9 s, that at 5 s one of 25 s.
    const stuck = (sight: Sight) => ({ ...sight, nodes: readingsOf(truth, fromMs - 20_000).nodes });
    assert.equal(figures(stuck).othersOlderSeconds, 16);
  });

  test('truth', () => {
    const wrong = (sight: Sight) => ({
      ...sight,
      nodes: new Map(sight.nodes).set('node-a', {
        timestampMs: 0,
        usages: new Map([['', { cores: 2.003, memoryBytes: 900 * 1024 ** 2 }]]),
      }),
    });
    assert.equal(figures(wrong).wrongSeconds, 4);
  });

  test('readiness and memory', () => {
    const { notReadySeconds, residentPeakMegabytes, residentAfterMegabytes } = figures((sight) => ({
      ...sight,
      ready: false,
      residentBytes: 716e6,
    }));
    assert.deepEqual([notReadySeconds, residentPeakMegabytes, residentAfterMegabytes], [4, 716, 50]);
  });
});

function emptied({ pods }: Sight): Sight['pods'] {
  return new Map(pods).set('faults/web-node-a', { timestampMs: Number.NaN, usages: new Map() });
}
