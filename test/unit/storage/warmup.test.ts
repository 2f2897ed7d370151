import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createStoredNode, type StoredNode } from '../../../src/storage/storednode.ts';
import { createWarmUp } from '../../../src/storage/warmup.ts';
import { createFakeClock } from '../../fakes/clock.ts';

/** A warm-up whose nodes have and lack what the sets say. */
function setUp(resolutionMs = 15_000) {
  const clock = createFakeClock();
  const withUsage = new Set<string>();
  const incomplete = new Set<string>();
  const reader = {
    hasUsage: ({ name }: StoredNode) => withUsage.has(name),
    isIncomplete: ({ name }: StoredNode) => incomplete.has(name),
  };
  const warmUp = createWarmUp({ clock, resolutionMs, reader });
  const nodes = new Map<string, StoredNode>();
  const node = (name: string): StoredNode => {
    const known = nodes.get(name) ?? newNode(name, clock.monotonicMs());
    nodes.set(name, known);
    return known;
  };
  return { clock, withUsage, incomplete, warmUp, node };
}

function newNode(name: string, sinceMs: number): StoredNode {
  return createStoredNode(
    { version: 1, pods: [] },
    {
      name,
      uid: undefined,
      source: 'cadvisor',
      hasSwap: false,
      machine: undefined,
      lastUsage: { reason: 'never-scraped' },
      spacingMs: 0,
      storedMs: sinceMs,
      sinceMs,
      steadySinceMs: sinceMs,
    },
  );
}

describe('the warm-up of a storage', () => {
  test('is over when all nodes that were scraped have all usages', () => {
    const { withUsage, incomplete, warmUp, node } = setUp();
    for (const name of ['a', 'b']) incomplete.add(name);
    for (const name of ['a', 'b']) warmUp.scraped(node(name));
    assert.equal(warmUp.isOver(), false);
    for (const name of ['a', 'b']) {
      withUsage.add(name);
      incomplete.delete(name);
      assert.equal(warmUp.isOver(), false);
      warmUp.scraped(node(name));
    }
    assert.equal(warmUp.isOver(), true);
  });

  test('needs a usage', () => {
    const { withUsage, warmUp, node } = setUp();
    warmUp.scraped(node('a'));
    assert.equal(warmUp.isOver(), false);
    withUsage.add('a');
    warmUp.scraped(node('a'));
    assert.equal(warmUp.isOver(), true);
  });

  test('does not wait for pods that come while it goes on', () => {
    const { withUsage, incomplete, warmUp, node } = setUp();
    withUsage.add('a').add('b');
    incomplete.add('b');
    warmUp.scraped(node('a'));
    warmUp.scraped(node('b'));
    incomplete.add('a');
    warmUp.scraped(node('a'));
    incomplete.delete('b');
    warmUp.scraped(node('b'));
    assert.equal(warmUp.isOver(), true);
  });

  for (const [seconds, longestSeconds] of [
    [10, 40],
    [15, 45],
    [60, 120],
  ] as const) {
    test(`with a resolution of ${seconds} s waits for a node ${longestSeconds} s at most, since a kubelet samples an idle container every 30 s`, async () => {
      const { clock, withUsage, incomplete, warmUp, node } = setUp(seconds * 1_000);
      withUsage.add('a');
      incomplete.add('a');
      warmUp.scraped(node('a'));
      await clock.advance(longestSeconds * 1_000 - 1);
      warmUp.scraped(node('a'));
      assert.equal(warmUp.isOver(), false);
      await clock.advance(1);
      warmUp.scraped(node('a'));
      assert.equal(warmUp.isOver(), true);
    });
  }

  test('does not wait for a node that has left, nor for one of a snapshot', () => {
    const { withUsage, incomplete, warmUp, node } = setUp();
    withUsage.add('a').add('b');
    for (const name of ['a', 'b']) incomplete.add(name);
    warmUp.restored(node('b'));
    assert.equal(warmUp.isOver(), true);
    const other = setUp();
    other.withUsage.add('a').add('b');
    other.incomplete.add('a');
    other.warmUp.scraped(other.node('a'));
    other.warmUp.scraped(other.node('b'));
    assert.equal(other.warmUp.isOver(), false);
    other.warmUp.forget('a');
    assert.equal(other.warmUp.isOver(), true);
  });

  test('stays over', () => {
    const { withUsage, incomplete, warmUp, node } = setUp();
    withUsage.add('a');
    warmUp.scraped(node('a'));
    incomplete.add('c');
    warmUp.scraped(node('c'));
    assert.equal(warmUp.isOver(), true);
  });
});
