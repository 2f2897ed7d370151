import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadingTurns, sliceMs } from '../../../src/promql/readingturns.ts';

test('work beyond a slice waits for the next iteration of the event loop', async () => {
  let nowMs = 0;
  const turns = new ReadingTurns(() => nowMs);
  const events: string[] = [];
  const work = (name: string) =>
    turns.run(() => {
      events.push(name);
      nowMs += sliceMs;
    });
  setImmediate(() => events.push('iteration'));
  await Promise.all([work('a'), work('b')]);
  assert.deepEqual(events, ['a', 'iteration', 'b']);
});

test('an error of the work reaches its caller', async () => {
  await assert.rejects(
    new ReadingTurns().run(() => {
      throw new Error('bad bytes');
    }),
    /bad bytes/,
  );
});
