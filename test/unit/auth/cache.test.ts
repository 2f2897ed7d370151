import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createReviewCache } from '../../../src/auth/cache.ts';
import { createFakeClock } from '../../fakes/clock.ts';

const never = new AbortController().signal;

function setUp({ limit = 10, ttlMs = (_answer: string): number => 10_000 } = {}) {
  const clock = createFakeClock();
  const cache = createReviewCache({ limit, ttlMs, clock });
  let questions = 0;
  const ask = (key: string, answer = key) => cache.get(key, async () => `${answer} ${String((questions += 1))}`, never);
  return { clock, cache, ask, questions: () => questions };
}

describe('the cache of reviews', () => {
  test('asks once while the answer is good, and again after that', async () => {
    const { ask, clock } = setUp();
    assert.equal(await ask('a'), 'a 1');
    clock.jump(9_999);
    assert.equal(await ask('a'), 'a 1');
    clock.jump(1);
    assert.equal(await ask('a'), 'a 2');
  });

  test('asks once for all who wait together', async () => {
    const { ask } = setUp();
    assert.deepEqual(await Promise.all([ask('a'), ask('a'), ask('b'), ask('a')]), ['a 1', 'a 1', 'b 2', 'a 1']);
  });

  test('tells different answers different lifetimes', async () => {
    const { ask, clock } = setUp({ ttlMs: (answer) => (answer.startsWith('no') ? 1_000 : 10_000) });
    await ask('a', 'yes');
    await ask('b', 'no');
    clock.jump(5_000);
    assert.deepEqual(await Promise.all([ask('a', 'yes'), ask('b', 'no')]), ['yes 1', 'no 3']);
  });

  test('remembers nothing that lives for no time', async () => {
    const { ask } = setUp({ ttlMs: () => 0 });
    assert.deepEqual([await ask('a'), await ask('a')], ['a 1', 'a 2']);
  });

  test('lets the entry go that was not used for longest', async () => {
    const { ask } = setUp({ limit: 2 });
    await ask('a');
    await ask('b');
    await ask('a');
    await ask('c');
    assert.deepEqual([await ask('a'), await ask('c'), await ask('b')], ['a 1', 'c 3', 'b 4']);
  });

  test('tells all who wait of an error, and asks anew after it', async () => {
    const { cache, ask } = setUp();
    const fails = () => cache.get('a', () => Promise.reject(new Error('down')), never);
    const both = await Promise.allSettled([fails(), fails()]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.equal(await ask('a'), 'a 1');
  });

  test('asks anew after a question that failed at once', async () => {
    const { cache, ask } = setUp();
    const broken = (): Promise<string> => {
      throw new Error('broken');
    };
    await assert.rejects(cache.get('a', broken, never), /broken/);
    assert.equal(await ask('a'), 'a 1');
  });

  test('lets one who leaves go, and answers the others', async () => {
    const { cache } = setUp();
    const answer = Promise.withResolvers<string>();
    const leaver = new AbortController();
    const left = cache.get('a', () => answer.promise, leaver.signal);
    const stays = cache.get('a', () => answer.promise, never);
    leaver.abort(new Error('left'));
    await assert.rejects(left, /left/);
    answer.resolve('yes');
    assert.equal(await stays, 'yes');
    await assert.rejects(
      cache.get('b', async () => 'no', leaver.signal),
      /left/,
    );
  });
});
