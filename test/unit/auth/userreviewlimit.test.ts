import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { limitPerUser } from '../../../src/auth/userreviewlimit.ts';
import type { AccessReviewResult } from '../../../src/client/reviews.ts';

/** A reviewer and a clock that advance on request. */
function setUp({ mock }: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] });
  const underWay: { readonly user: string; readonly end: (error?: Error) => void }[] = [];
  const begin = (user: string) =>
    new Promise<AccessReviewResult>((resolve, reject) => {
      const end = (error?: Error) => (error === undefined ? resolve({ allowed: true, reason: '' }) : reject(error));
      underWay.push({ user, end });
    });
  const reviewer = limitPerUser({
    review: async ({ user }, { limiter, signal } = {}) => {
      assert.ok(limiter !== undefined && signal !== undefined);
      return await limiter(() => begin(user), signal);
    },
  });
  const ask = (user: string, times = 1, signal = new AbortController().signal) =>
    Promise.all(Array.from({ length: times }, () => reviewer.review({ user }, { signal })));
  const users = () => underWay.map(({ user }) => user);
  return { underWay, ask, users, pass: (ms: number) => mock.timers.tick(ms) };
}

describe('reviews of one user', () => {
  test('are limited to eight in flight, without delaying other users', (context) => {
    const { ask, users } = setUp(context);
    void ask('slow', 20);
    void ask('quick');
    assert.deepEqual(users(), [...Array.from({ length: 8 }, () => 'slow'), 'quick']);
  });

  test('begin when one ends, with or without success', async (context) => {
    const { underWay, ask } = setUp(context);
    const asked = ask('slow', 10);
    underWay[3]?.end();
    underWay[5]?.end(new Error('down'));
    await assert.rejects(asked, /down/);
    await turn();
    assert.equal(underWay.length, 10);
  });

  test('have all permits again after a burst', async (context) => {
    const { underWay, ask } = setUp(context);
    const asked = ask('slow', 30);
    while (underWay.length < 30) {
      for (const { end } of underWay) end();
      await turn();
    }
    for (const { end } of underWay) end();
    await asked;
    void ask('slow', 9);
    assert.equal(underWay.length, 38);
  });

  test('wait for a limited time', async (context) => {
    const { underWay, ask, pass } = setUp(context);
    const asked = ask('slow', 9);
    pass(9_999);
    assert.equal(underWay.length, 8);
    pass(1);
    await assert.rejects(asked, /8 reviews of this user/);
    // An aborted review gets no permit.
    for (const { end } of underWay) end();
    await turn();
    assert.equal(underWay.length, 8);
  });

  test('leave the queue when their caller aborts', async (context) => {
    const { underWay, ask } = setUp(context);
    void ask('slow', 8);
    const leaver = new AbortController();
    const asked = ask('slow', 1, leaver.signal);
    leaver.abort(new Error('left'));
    await assert.rejects(asked, /left/);
    await assert.rejects(ask('slow', 1, leaver.signal), /left/);
    for (const { end } of underWay) end();
    await turn();
    assert.equal(underWay.length, 8);
  });
});
