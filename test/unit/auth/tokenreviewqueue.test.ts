import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import {
  createTokenReviewQueue,
  type RequestOrigin,
  queuedReviewsInFlight,
  queueSlotBytes,
  queueSlotLimit,
  QueueFullError,
} from '../../../src/auth/tokenreviewqueue.ts';

const signal = new AbortController().signal;

/** A queue whose reviews end on request. */
function setUp() {
  const queue = createTokenReviewQueue();
  /** Tries in flight by name, with the function that ends each. */
  const inFlight = new Map<string, () => void>();
  const begun: string[] = [];
  let refused = 0;
  const run = (name: string) =>
    new Promise<void>((resolve) => {
      begun.push(name);
      inFlight.set(name, resolve);
    });
  const ask = (name: string, origin: RequestOrigin, { bytes = 100, isLikely = false } = {}) => {
    const asked = queue.admit(origin, bytes, isLikely, (limiter) => limiter(() => run(name), signal));
    asked.catch((error: unknown) => {
      assert.ok(error instanceof QueueFullError);
      refused += 1;
    });
    return asked;
  };
  const end = async (name: string) => {
    inFlight.get(name)?.();
    inFlight.delete(name);
    await turnOfLoop();
  };
  const endAll = async () => {
    await turnOfLoop();
    while (inFlight.size > 0) for (const name of inFlight.keys()) await end(name);
  };
  return { queue, ask, begun, inFlight, end, endAll, refused: () => refused };
}

const origin = (address: string, connection: object = {}): RequestOrigin => ({ address, connection });

describe('the queue of unknown tokens', () => {
  test('has four reviews in flight, and begins the next when one ends', async () => {
    const { ask, begun, end } = setUp();
    const one = origin('10.0.0.1');
    for (let at = 0; at < 6; at += 1) void ask(`a${at}`, one);
    await turnOfLoop();
    assert.deepEqual(begun, ['a0', 'a1', 'a2', 'a3']);
    await end('a2');
    assert.deepEqual(begun.slice(4), ['a4']);
  });

  test('is served round-robin by address, then by connection', async () => {
    const { ask, begun, endAll } = setUp();
    const [first, second] = [origin('10.0.0.1'), origin('10.0.0.1')];
    for (let at = 0; at < 8; at += 1) void ask(`a${at}`, first);
    void ask('b0', second);
    void ask('c0', origin('10.0.0.2'));
    await endAll();
    // The first four began before other clients came.
    assert.deepEqual(begun.slice(0, 4), ['a0', 'a1', 'a2', 'a3']);
    assert.ok(begun.indexOf('c0') <= 5, begun.join());
    assert.ok(begun.indexOf('b0') <= 6, begun.join());
  });

  test('serves likely tokens of a connection first', async () => {
    const { ask, begun, endAll } = setUp();
    const one = origin('10.0.0.1');
    for (let at = 0; at < 6; at += 1) void ask(`a${at}`, one);
    void ask('likely', one, { isLikely: true });
    await endAll();
    assert.equal(begun[4], 'likely');
    assert.equal(begun.length, 7);
  });

  test('rejects one client beyond the limit, and admits others, which displace its newest reviews', async () => {
    const { ask, begun, endAll, refused } = setUp();
    const flood = origin('10.0.0.1');
    for (let at = 0; at < queueSlotLimit + 50; at += 1) void ask(`a${at}`, flood);
    await turnOfLoop();
    assert.equal(refused(), 50);
    void ask('b', origin('10.0.0.2'));
    void ask('same address', origin('10.0.0.1'));
    await turnOfLoop();
    assert.equal(refused(), 52);
    await endAll();
    assert.ok(begun.includes('b') && begun.includes('same address'));
    assert.ok(begun.includes('a0') && begun.includes(`a${queueSlotLimit - 3}`));
    assert.ok(!begun.includes(`a${queueSlotLimit - 1}`) && !begun.includes(`a${queueSlotLimit - 2}`));
  });

  test('rejects with 429 and Retry-After', async () => {
    const { ask } = setUp();
    const flood = origin('10.0.0.1');
    for (let at = 0; at < queueSlotLimit; at += 1) void ask(`a${at}`, flood);
    await assert.rejects(ask('late', flood), { code: 429, details: { retryAfterSeconds: 1 } });
  });

  test('counts the IPv6 addresses of one /64 as one client', async () => {
    const { ask, refused, begun, endAll } = setUp();
    for (let at = 0; at < queueSlotLimit; at += 1) void ask(`a${at}`, origin(`2001:db8::${at.toString(16)}`));
    void ask('b', origin('2001:db8:1::1'));
    await endAll();
    assert.equal(refused(), 1);
    assert.ok(begun.includes('b'));
  });

  test('counts long tokens by their bytes, and keeps places beside those in flight', async () => {
    const { ask, refused, begun, endAll } = setUp();
    const flood = origin('10.0.0.1');
    const megabyte = { bytes: 64 * queueSlotBytes };
    for (let at = 0; at < 20; at += 1) void ask(`a${at}`, flood, megabyte);
    await turnOfLoop();
    assert.equal(refused(), 12);
    for (let at = 0; at < 100; at += 1) void ask(`b${at}`, origin(`10.0.1.${at}`));
    await endAll();
    assert.equal(begun.filter((name) => name.startsWith('b')).length, 100);
  });

  test('frees the slot of a review that backs off', async () => {
    const { queue, ask, begun } = setUp();
    const waits = Promise.withResolvers<void>();
    for (let at = 0; at < queuedReviewsInFlight; at += 1) {
      void queue.admit(origin('10.0.0.1'), 100, false, async (limiter) => {
        await limiter(async () => 'the first try failed', signal);
        await waits.promise;
      });
    }
    void ask('b', origin('10.0.0.2'));
    await turnOfLoop();
    assert.deepEqual(begun, ['b']);
    waits.resolve();
  });

  test('frees all slots, however reviews end', async () => {
    const { queue, ask, begun } = setUp();
    const leaver = new AbortController();
    const fails = (why: string) =>
      queue.admit(origin('10.0.0.1'), 1, false, (limiter) => limiter(() => Promise.reject(new Error(why)), signal));
    for (let at = 0; at < 10; at += 1) await assert.rejects(fails(`fault ${at}`), /fault/);
    const held = Array.from({ length: 8 }, (_, at) =>
      queue.admit(origin(`10.0.0.${at}`), 1, false, (limiter) =>
        limiter(
          () => new Promise((_, reject) => leaver.signal.addEventListener('abort', () => reject(new Error('over')))),
          leaver.signal,
        ),
      ),
    );
    await turnOfLoop();
    leaver.abort(new Error('over'));
    await Promise.allSettled(held);
    for (let at = 0; at < queueSlotLimit; at += 1) void ask(`b${at}`, origin('10.0.0.9'));
    await turnOfLoop();
    assert.equal(begun.length, queuedReviewsInFlight);
  });

  test('begins no review that was aborted when its slot became free', async () => {
    const { queue, ask, begun, end, endAll } = setUp();
    const leaver = new AbortController();
    for (let at = 0; at < queuedReviewsInFlight; at += 1) void ask(`a${at}`, origin('10.0.0.1'));
    await turnOfLoop();
    const left = Array.from({ length: queuedReviewsInFlight }, (_, at) =>
      queue.admit(origin(`10.0.1.${at}`), 1, false, (limiter) => limiter(async () => assert.fail(), leaver.signal)),
    );
    await turnOfLoop();
    const ended = Array.from({ length: queuedReviewsInFlight }, (_, at) => end(`a${at}`));
    leaver.abort(new Error('over'));
    for (const each of left) await assert.rejects(each, QueueFullError);
    await Promise.all(ended);
    for (let at = 0; at < 8; at += 1) void ask(`b${at}`, origin('10.0.0.1'));
    await endAll();
    assert.equal(begun.length, queuedReviewsInFlight + 8);
  });
});
