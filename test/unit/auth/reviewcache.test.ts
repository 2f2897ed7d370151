import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createReviewCache } from '../../../src/auth/reviewcache.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { waiterWith } from '../../fakes/waiter.ts';

const never = waiterWith();

function setUp({ limit = 10, ttlMs = (_answer: string): number => 10_000 } = {}) {
  const clock = createFakeClock();
  const cache = createReviewCache({ limit, ttlMs, clock });
  let questions = 0;
  const ask = (key: string, answer = key) => cache.get(key, async () => `${answer} ${String((questions += 1))}`, never);
  return { clock, cache, ask, questions: () => questions };
}

describe('the review cache', () => {
  test('loads once within the TTL, and again after it', async () => {
    const { ask, clock } = setUp();
    assert.equal(await ask('a'), 'a 1');
    clock.jump(9_999);
    assert.equal(await ask('a'), 'a 1');
    clock.jump(1);
    assert.equal(await ask('a'), 'a 2');
  });

  test('loads once for all concurrent callers', async () => {
    const { ask } = setUp();
    assert.deepEqual(await Promise.all([ask('a'), ask('a'), ask('b'), ask('a')]), ['a 1', 'a 1', 'b 2', 'a 1']);
  });

  test('sends a second request after two seconds, and gives all callers the first result', async () => {
    const { cache, ask, clock } = setUp();
    const slow = Promise.withResolvers<string>();
    const waits = cache.get('a', () => slow.promise, never);
    clock.jump(1_999);
    const waitsToo = cache.get('a', () => slow.promise, never);
    clock.jump(1);
    assert.equal(await ask('a'), 'a 1');
    assert.deepEqual(await Promise.all([waits, waitsToo]), ['a 1', 'a 1']);
    slow.resolve('old');
    await turn();
    // The later request's result is the newer one, in any order.
    assert.equal(await ask('a'), 'a 1');
  });

  test('gives no caller the result of a request that ended before it came', async () => {
    const { cache, clock } = setUp({ ttlMs: () => 0 });
    const [slow, slower] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const waits = cache.get('a', () => slow.promise, never);
    clock.jump(2_000);
    const waitsToo = cache.get('a', () => slower.promise, never);
    slow.resolve('first');
    assert.deepEqual(await Promise.all([waits, waitsToo]), ['first', 'first']);
    const comes = cache.get('a', () => Promise.reject(new Error('not asked')), never);
    slower.resolve('second');
    assert.equal(await comes, 'second');
  });

  test('keeps a newer result when an older request fails', async () => {
    const { cache, ask, clock } = setUp();
    const slow = Promise.withResolvers<string>();
    const waits = cache.get('a', () => slow.promise, never);
    clock.jump(2_000);
    await ask('a');
    slow.reject(new Error('down'));
    await turn();
    assert.deepEqual([await waits, await ask('a')], ['a 1', 'a 1']);
  });

  test('has a TTL per result', async () => {
    const { ask, clock } = setUp({ ttlMs: (answer) => (answer.startsWith('no') ? 1_000 : 10_000) });
    await ask('a', 'yes');
    await ask('b', 'no');
    clock.jump(5_000);
    assert.deepEqual(await Promise.all([ask('a', 'yes'), ask('b', 'no')]), ['yes 1', 'no 3']);
  });

  test('does not cache a result with a TTL of 0', async () => {
    const { ask } = setUp({ ttlMs: () => 0 });
    assert.deepEqual([await ask('a'), await ask('a')], ['a 1', 'a 2']);
  });

  test('evicts the least recently used entry', async () => {
    const { ask } = setUp({ limit: 2 });
    await ask('a');
    await ask('b');
    await ask('a');
    await ask('c');
    assert.deepEqual([await ask('a'), await ask('c'), await ask('b')], ['a 1', 'c 3', 'b 4']);
  });

  test('rejects all waiting callers with an error, and loads again after it', async () => {
    const { cache, ask } = setUp();
    const fails = () => cache.get('a', () => Promise.reject(new Error('down')), never);
    const both = await Promise.allSettled([fails(), fails()]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.equal(await ask('a'), 'a 1');
  });

  test('loads again after a request that failed at once', async () => {
    const { cache, ask } = setUp();
    const broken = (): Promise<string> => {
      throw new Error('broken');
    };
    await assert.rejects(cache.get('a', broken, never), /broken/);
    assert.equal(await ask('a'), 'a 1');
  });

  test('releases a caller that aborts, and serves the others', async () => {
    const { cache } = setUp();
    const answer = Promise.withResolvers<string>();
    const leaver = new AbortController();
    const left = cache.get('a', () => answer.promise, waiterWith(leaver.signal));
    const stays = cache.get('a', () => answer.promise, never);
    leaver.abort(new Error('left'));
    await assert.rejects(left, /left/);
    answer.resolve('yes');
    assert.equal(await stays, 'yes');
    await assert.rejects(
      cache.get('b', async () => 'no', waiterWith(leaver.signal)),
      /left/,
    );
  });
});

describe('the turns of waiters', () => {
  /** A result, each of its waiters with the event loop's turns in the hands of the test. */
  function setUpTurns() {
    const { cache, ask } = setUp();
    const turns: (() => void)[] = [];
    const answer = Promise.withResolvers<string>();
    const resumed: string[] = [];
    const waiter = { ...never, turn: () => new Promise<void>((resolve) => void turns.push(resolve)) };
    const wait = (name: string) => {
      const record = () => void resumed.push(name);
      void cache.get('a', () => answer.promise, waiter).then(record, record);
    };
    return { cache, ask, turns, answer, resumed, waiter, wait };
  }

  for (const [what, settle] of [
    ['a result', ({ resolve }: PromiseWithResolvers<string>) => resolve('yes')],
    ['a failed review', ({ reject }: PromiseWithResolvers<string>) => reject(new Error('down'))],
  ] as const) {
    test(`${what} resumes each waiter at its own turn`, async () => {
      const { turns, answer, resumed, wait } = setUpTurns();
      for (const name of ['one', 'two']) wait(name);
      settle(answer);
      await turn();
      assert.equal(turns.length, 2);
      assert.deepEqual(resumed, []);
      turns[1]?.();
      await turn();
      assert.deepEqual(resumed, ['two']);
      turns[0]?.();
      await turn();
      assert.deepEqual(resumed, ['two', 'one']);
    });
  }

  test('are not taken for a cached result', async () => {
    const { cache, ask, turns, answer, waiter } = setUpTurns();
    await ask('a');
    assert.equal(await cache.get('a', () => answer.promise, waiter), 'a 1');
    assert.equal(turns.length, 0);
  });
});

test('callers that give up during an outage cost no memory', async () => {
  const { cache, clock } = setUp();
  const hung: PromiseWithResolvers<string>[] = [];
  const hang = () => {
    hung.push(Promise.withResolvers());
    return hung.at(-1)?.promise ?? Promise.reject(new Error('none'));
  };
  const period = async () => {
    const leaver = new AbortController();
    const asked = Array.from({ length: 500 }, () => cache.get('a', hang, waiterWith(leaver.signal)));
    clock.jump(2_000);
    // Each ends long after the next one has begun, as reviews do.
    if (hung.length > 3) hung.shift()?.reject(new Error('down'));
    leaver.abort(new Error('gave up'));
    await Promise.allSettled(asked);
  };
  for (let at = 0; at < 10; at += 1) await period();
  const beforeBytes = heapBytes();
  for (let at = 0; at < 100; at += 1) await period();
  const addedBytes = heapBytes() - beforeBytes;
  assert.ok(addedBytes < 5_000_000, `${addedBytes} bytes`);
});

/** Heap bytes after a garbage collection. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

describe('a stale result during an outage', () => {
  /** An allow is served stale for 30 s, a deny never. */
  function setUpStale() {
    const clock = createFakeClock();
    const cache = createReviewCache<string>({
      limit: 10,
      ttlMs: () => 10_000,
      stale: {
        ms: (answer) => (answer === 'yes' ? 30_000 : 0),
        isOutage: (error) => error instanceof Error && error.message === 'down',
      },
      clock,
    });
    const says = (answer: string) => cache.get('a', async () => answer, never);
    const fails = (message = 'down') => cache.get('a', () => Promise.reject(new Error(message)), never);
    return { clock, cache, says, fails };
  }

  test('is served until its stale time ends', async () => {
    const { clock, says, fails } = setUpStale();
    await says('yes');
    clock.jump(39_999);
    assert.equal(await fails(), 'yes');
    clock.jump(1);
    await assert.rejects(fails(), /down/);
  });

  test('does not live longer because it was served', async () => {
    const { clock, says, fails } = setUpStale();
    await says('yes');
    for (const ms of [15_000, 15_000, 9_000]) {
      clock.jump(ms);
      assert.equal(await fails(), 'yes');
    }
    clock.jump(1_000);
    await assert.rejects(fails(), /down/);
  });

  test('is not served without a stale time', async () => {
    const { clock, says, fails } = setUpStale();
    await says('no');
    clock.jump(10_000);
    await assert.rejects(fails(), /down/);
  });

  test('is not served in place of a result', async () => {
    const { clock, says, fails } = setUpStale();
    await says('yes');
    clock.jump(10_000);
    assert.equal(await says('no'), 'no');
    clock.jump(10_000);
    await assert.rejects(fails(), /down/);
  });

  test('is evicted when the request itself is rejected', async () => {
    const { clock, says, fails } = setUpStale();
    await says('yes');
    clock.jump(10_000);
    await assert.rejects(fails('forbidden'), /forbidden/);
    await assert.rejects(fails(), /down/);
  });

  test('makes only the first caller wait, and gives way to the result when it comes', async () => {
    const { clock, cache, says, fails } = setUpStale();
    await says('yes');
    clock.jump(10_000);
    assert.equal(await fails(), 'yes');
    const slow = Promise.withResolvers<string>();
    assert.equal(await cache.get('a', () => slow.promise, never), 'yes');
    slow.resolve('no');
    await turn();
    assert.equal(await says('never asked'), 'no');
  });

  test('is served to all waiting callers after the first failed request', async () => {
    const { clock, cache, says } = setUpStale();
    await says('yes');
    clock.jump(10_000);
    const [slow, hangs] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const waits = cache.get('a', () => slow.promise, never);
    clock.jump(2_000);
    const waitsToo = cache.get('a', () => hangs.promise, never);
    slow.reject(new Error('down'));
    assert.deepEqual(await Promise.all([waits, waitsToo]), ['yes', 'yes']);
  });

  test('is served after the first failed try, not after all tries', async () => {
    const { clock, cache, says } = setUpStale();
    await says('yes');
    clock.jump(10_000);
    const lastTry = Promise.withResolvers<string>();
    const ask = (failed: (error: unknown) => void) => {
      failed(new Error('down'));
      return lastTry.promise;
    };
    assert.equal(await cache.get('a', ask, never), 'yes');
    lastTry.resolve('no');
    await turn();
    assert.equal(await says('not asked'), 'no');
  });

  test('is served after a request has hung for two seconds, and gives way to its result', async () => {
    const { clock, cache, says } = setUpStale();
    await says('yes');
    clock.jump(10_000);
    const hangs = Promise.withResolvers<string>();
    const waits = cache.get('a', () => hangs.promise, never);
    await clock.advance(2_000);
    assert.equal(await waits, 'yes');
    hangs.resolve('no');
    await turn();
    assert.equal(await says('not asked'), 'no');
  });

  test('is not served without a stale time, however long a request hangs', async () => {
    const { clock, cache, says } = setUpStale();
    await says('no');
    clock.jump(10_000);
    const hangs = Promise.withResolvers<string>();
    const waits = cache.get('a', () => hangs.promise, never);
    await clock.advance(5_000);
    hangs.resolve('the answer');
    assert.equal(await waits, 'the answer');
  });

  test('is not served after a failed try that is no outage', async () => {
    const { clock, cache, says } = setUpStale();
    await says('yes');
    clock.jump(10_000);
    const ask = async (failed: (error: unknown) => void) => {
      failed(new Error('forbidden'));
      return 'no';
    };
    assert.equal(await cache.get('a', ask, never), 'no');
  });

  test('is not served to a caller that has aborted', async () => {
    const { clock, cache, says } = setUpStale();
    await says('yes');
    clock.jump(10_000);
    const left = waiterWith(AbortSignal.abort(new Error('left')));
    await assert.rejects(
      cache.get('a', () => Promise.reject(new Error('down')), left),
      /left/,
    );
  });
});
