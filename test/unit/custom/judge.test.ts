/** What counts as wrong when prometheus-adapter and ours were asked the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Observation } from '../../conformance/normalise.ts';
import type { Difference } from '../../custom/case.ts';
import { refused } from '../../custom/differences.ts';
import { type Seen, verdict } from '../../custom/judge.ts';

const seen = (body: unknown, queries: readonly string[] = ['GET up'], status = 200): Seen => {
  const observation: Observation = { status, headers: {}, form: 'compact JSON', body };
  return { observation, queries };
};
const doubled: Difference = { row: 'notEqual', ours: (real) => ({ ...real, body: Number(real.body) * 2 }) };

test('equal answers and queries are right', () => {
  for (const name of ['ours', 'as-adapter'] as const) {
    assert.deepEqual(verdict(undefined, name, seen(1), seen(1)), []);
  }
});

test('a difference that is not stated is wrong', () => {
  assert.deepEqual(verdict(undefined, 'ours', seen(1), seen(2)), ['body: 1 -> 2']);
});

test('queries are compared where ours sends those of the adapter', () => {
  assert.deepEqual(verdict(undefined, 'ours', seen(1), seen(1, ['POST up'])), []);
  assert.equal(verdict(undefined, 'as-adapter', seen(1), seen(1, ['POST up'])).length, 1);
});

test('a stated difference is right as it is stated, and wrong otherwise', () => {
  assert.deepEqual(verdict(doubled, 'ours', seen(1), seen(2)), []);
  assert.deepEqual(verdict(doubled, 'ours', seen(1), seen(3)), ['other than stated by "notEqual": body: 2 -> 3']);
});

test('a stated difference that no longer shows is wrong, unless it shows in some answers only', () => {
  assert.deepEqual(verdict(doubled, 'ours', seen(0), seen(0)), ['equal, although the difference "notEqual" is stated']);
  assert.deepEqual(verdict({ ...doubled, isOptional: true }, 'ours', seen(0), seen(0)), []);
});

test('a difference of our own queries does not show with those of the adapter', () => {
  const ofOwn = { ...doubled, isOfOwnQueries: true };
  assert.deepEqual(verdict(ofOwn, 'as-adapter', seen(1), seen(1)), []);
  assert.deepEqual(verdict(ofOwn, 'as-adapter', seen(1), seen(2)), ['body: 1 -> 2']);
});

test('a refusal has the words that are stated, and asks the engine nothing', () => {
  const status = (message: string) => ({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'BadRequest',
    code: 400,
  });
  const stated = refused('badSelector', 400, 'unable to parse');
  const real = seen({}, ['GET up'], 500);
  assert.deepEqual(verdict(stated, 'as-adapter', real, seen(status('unable to parse: x'), [], 400)), []);
  assert.equal(verdict(stated, 'as-adapter', real, seen(status('no'), [], 400)).length, 1);
  assert.equal(verdict(stated, 'as-adapter', real, seen(status('unable to parse'), ['GET up'], 400)).length, 1);
});
