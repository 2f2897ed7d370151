import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failures, incomplete, type Listed, staleSince, stepsBack } from '../../cluster/e2e/lister.ts';

const path = '/apis/metrics.k8s.io/v1/pods';

/** Answers one second apart; a number is a status, anything else the seconds of the objects' timestamps. */
function answers(...seen: readonly (number | Readonly<Record<string, number>>)[]): Listed[] {
  return seen.map((each, at) => {
    const time = { atMs: at * 1_000, tookMs: 1, path };
    if (typeof each === 'number') return { ...time, status: each, problem: 'problem\n', timestamps: {} };
    const timestamps = Object.entries(each).map(([name, s]) => [
      name,
      `2026-11-22T20:00:${String(s).padStart(2, '0')}Z`,
    ]);
    return { ...time, status: 200, timestamps: Object.fromEntries(timestamps) };
  });
}

describe('answers to a client that lists all the time', () => {
  test('fail with any status but 200', () => {
    assert.deepEqual(failures(answers({ a: 1 }, 503, { a: 1 })), [
      `1970-01-01T00:00:01.000Z ${path}: 503 after 1 ms: problem`,
    ]);
  });

  test('are incomplete without an object that was there before', () => {
    assert.deepEqual(
      incomplete(answers({}, { a: 1 }, 503, { a: 1, b: 1, c: 1 }, { a: 1, c: 1 }, { b: 2 }), ['a', 'b']),
      [`1970-01-01T00:00:04.000Z ${path} lacks b`, `1970-01-01T00:00:05.000Z ${path} lacks a`],
    );
  });

  test('go back where a timestamp is older than in the previous answer that has the object', () => {
    const { compared, steps } = stepsBack(
      answers({ a: 10 }, { a: 12, b: 30 }, {}, { a: 12, b: 15 }, 503, { a: 4, b: 30 }),
    );
    assert.equal(compared, 5);
    assert.deepEqual(
      steps.map(({ name, ms }) => [name, ms]),
      [
        ['b', 15_000],
        ['a', 8_000],
      ],
    );
    assert.match(steps[0]?.description ?? '', /^1970-01-01T00:00:03.000Z .* b: from \S+:30Z to \S+:15Z$/);
  });

  test("are stale where they are older after a replica's return than before it was killed", () => {
    const seen = answers({ a: 10, b: 10 }, { a: 20 }, { a: 5 }, { a: 5 }, 503, { a: 19, b: 10 }, { a: 30, b: 9 });
    assert.deepEqual(staleSince(seen, { killedMs: 2_000, returnedMs: 4_000 }, ['a']), [
      `1970-01-01T00:00:05.000Z ${path} a: 2026-11-22T20:00:19Z, before 2026-11-22T20:00:20.000Z`,
    ]);
  });
});
