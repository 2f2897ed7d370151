import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKnownTokens, knownMs, knownTokenLimit } from '../../../src/auth/knowntokens.ts';
import { createFakeClock } from '../../fakes/clock.ts';

test('a token is known for an hour after it was last valid', () => {
  const clock = createFakeClock();
  const known = createKnownTokens(clock);
  assert.equal(known.has('a'), false);
  known.add('a');
  clock.jump(knownMs - 1);
  assert.equal(known.has('a'), true);
  known.add('a');
  clock.jump(knownMs - 1);
  assert.equal(known.has('a'), true);
  clock.jump(1);
  assert.equal(known.has('a'), false);
});

test('a token that is no longer valid is not known', () => {
  const known = createKnownTokens(createFakeClock());
  known.add('a');
  known.delete('a');
  assert.equal(known.has('a'), false);
});

test('the token that was valid longest ago is evicted', () => {
  const known = createKnownTokens(createFakeClock());
  for (let at = 0; at < knownTokenLimit; at += 1) known.add(String(at));
  known.add('0');
  known.add('new');
  assert.deepEqual([known.has('0'), known.has('1'), known.has('2'), known.has('new')], [true, false, true, true]);
});
