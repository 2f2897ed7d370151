import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breakers } from '../../../src/promql/breakers.ts';
import { breakerFailures, longestOpenMs } from '../../../src/promql/breaker.ts';
import { PromqlError, type PromqlProblem } from '../../../src/promql/promqlerror.ts';
import { createFakeClock } from '../../fakes/clock.ts';

function setUp() {
  const clock = createFakeClock();
  const breakers = new Breakers({ clock, random: () => 0.999 });
  const fail = (subject: string, problem: PromqlProblem, times = breakerFailures) => {
    for (let count = 0; count < times; count += 1) breakers.pass(subject).failed(new PromqlError(problem, 'it failed'));
  };
  return { clock, breakers, fail };
}

test('an engine that cannot be reached is not asked again until the breaker is half open', () => {
  const { clock, breakers, fail } = setUp();
  fail('a', 'unavailable');
  assert.throws(() => breakers.pass('b'), {
    name: 'PromqlError',
    problem: 'unavailable',
    message: /not asked.*it failed/,
  });
  clock.jump(longestOpenMs);
  const probe = breakers.pass('b');
  assert.throws(() => breakers.pass('a'), /not asked/, 'one probe at a time');
  probe.succeeded();
  breakers.pass('a').succeeded();
});

test('queries that hang stop those of their rule only', () => {
  const { breakers, fail } = setUp();
  fail('heavy', 'late');
  assert.throws(() => breakers.pass('heavy'), { problem: 'late' });
  breakers.pass('light').succeeded();
});

test('an engine that answers with an error of its own is not away', () => {
  const { clock, breakers, fail } = setUp();
  fail('a', 'unavailable');
  clock.jump(longestOpenMs);
  breakers.pass('a').failed(new PromqlError('failed', 'no disk'));
  const first = breakers.pass('b');
  breakers.pass('c').succeeded();
  first.succeeded();
});

test('an error of the query itself never stops anything', () => {
  const { breakers, fail } = setUp();
  fail('a', 'refused', 100);
  fail('a', 'invalid', 100);
  breakers.pass('a').succeeded();
});

test('a probe whose caller has left lets the next request probe', () => {
  const { clock, breakers, fail } = setUp();
  fail('a', 'unavailable');
  clock.jump(longestOpenMs);
  breakers.pass('a').abandoned();
  breakers.pass('a').succeeded();
});

test('a failed probe stops requests for longer, but never for more than five seconds', () => {
  const { clock, breakers, fail } = setUp();
  fail('a', 'unavailable');
  for (let count = 0; count < 10; count += 1) {
    clock.jump(longestOpenMs);
    breakers.pass('a').failed(new PromqlError('unavailable', 'still away'));
    assert.throws(() => breakers.pass('a'), /still away/);
  }
});
