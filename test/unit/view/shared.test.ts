/** Reads that are shared: one at a time, and again as seldom as they cost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shared } from '../../../src/view/shared.ts';
import { createFakeClock } from '../../fakes/clock.ts';

test('callers share a pending read and a fresh result, and a later one reads again', async () => {
  const clock = createFakeClock();
  let reads = 0;
  const read = shared(async () => (reads += 1), { clock, leastMs: 1_000, mostMs: 5_000 });
  assert.deepEqual(await Promise.all([read(), read()]), [1, 1]);
  clock.jump(999);
  assert.equal(await read(), 1);
  clock.jump(1);
  assert.equal(await read(), 2);
});

test('a read that took long is repeated later, but not later than the limit', async () => {
  const clock = createFakeClock();
  let reads = 0;
  const slow = (ms: number) =>
    shared(
      async () => {
        clock.jump(ms);
        return (reads += 1);
      },
      { clock, leastMs: 1_000, mostMs: 5_000 },
    );
  const some = slow(30);
  await some();
  clock.jump(2_999);
  assert.equal(await some(), 1);
  clock.jump(1);
  assert.equal(await some(), 2);
  const long = slow(60_000);
  await long();
  clock.jump(5_000);
  await long();
  assert.equal(reads, 4);
});

test('a failure is shared for the shortest time, and then the read is repeated', async () => {
  const clock = createFakeClock();
  let reads = 0;
  const read = shared(
    async () => {
      reads += 1;
      if (reads === 1) throw new Error('no');
      return reads;
    },
    { clock, leastMs: 1_000, mostMs: 5_000 },
  );
  await assert.rejects(read(), /no/);
  await assert.rejects(read(), /no/);
  clock.jump(1_000);
  assert.equal(await read(), 2);
});

test('a failure that took long is repeated after as long again', async () => {
  const clock = createFakeClock();
  let reads = 0;
  const read = shared(
    async () => {
      reads += 1;
      clock.jump(15_000);
      if (reads === 1) throw new Error('timed out');
      return reads;
    },
    { clock, leastMs: 1_000, mostMs: 300_000 },
  );
  await assert.rejects(read(), /timed out/);
  clock.jump(14_999);
  await assert.rejects(read(), /timed out/);
  clock.jump(1);
  assert.equal(await read(), 2);
});

test('a result that must be newer is read at once, for all callers, and an older read that ends later does not count', async () => {
  const clock = createFakeClock();
  const answers: PromiseWithResolvers<string>[] = [];
  const read = shared(
    () => {
      const answer = Promise.withResolvers<string>();
      answers.push(answer);
      return answer.promise;
    },
    { clock, leastMs: 1_000, mostMs: 5_000 },
  );
  const old = read();
  const newer = read.again();
  assert.equal(answers.length, 2);
  answers[0]?.resolve('old');
  assert.equal(await old, 'old');
  clock.jump(60_000);
  const later = read();
  answers[1]?.resolve('new');
  assert.deepEqual([await newer, await later, answers.length], ['new', 'new', 2]);
});
