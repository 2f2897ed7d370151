import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurn } from '../../../src/scrape/turn.ts';

test('addresses are tried in order until one answers', () => {
  const turn = createTurn();
  const tried = [0, 1, 2, 3].map(() => {
    const place = turn.next(3);
    turn.failed();
    return place;
  });
  assert.deepEqual(tried, [0, 1, 2, 0]);
});

test('the one that answered gets every other try', () => {
  const turn = createTurn();
  turn.answered(1);
  const tried = [0, 1, 2, 3, 4, 5].map(() => {
    const place = turn.next(3);
    turn.failed();
    return place;
  });
  assert.deepEqual(tried, [1, 1, 2, 1, 0, 1]);
});
