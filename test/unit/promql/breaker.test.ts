import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breakers } from '../../../src/promql/breakers.ts';
import { breakerFailures, longestOpenMs } from '../../../src/promql/breaker.ts';
import { suspectFlows } from '../../../src/promql/rulebreaker.ts';
import type { Flow } from '../../../src/promql/flow.ts';
import { PromqlError, type PromqlProblem } from '../../../src/promql/promqlerror.ts';
import { createFakeClock } from '../../fakes/clock.ts';

const alice: Flow = { lane: 'users', key: 'alice' };
const bob: Flow = { lane: 'users', key: 'bob' };

function setUp() {
  const clock = createFakeClock();
  const breakers = new Breakers({ clock, random: () => 0.999 });
  const fail = (subject: string, problem: PromqlProblem, times = breakerFailures) => {
    for (let count = 0; count < times; count += 1)
      breakers.pass(subject, alice).failed(new PromqlError(problem, 'it failed'));
  };
  return { clock, breakers, fail };
}

test('an engine that cannot be reached is not asked again until the breaker is half open', () => {
  const { clock, breakers, fail } = setUp();
  fail('a', 'unavailable');
  assert.throws(() => breakers.pass('b', alice), {
    name: 'PromqlError',
    problem: 'unavailable',
    message: /not asked.*it failed/,
  });
  clock.jump(longestOpenMs);
  const probe = breakers.pass('b', alice);
  assert.throws(() => breakers.pass('a', alice), /not asked/, 'one probe at a time');
  probe.succeeded();
  breakers.pass('a', alice).succeeded();
});

test('queries that hang stop those of their rule only', () => {
  const { breakers, fail } = setUp();
  fail('heavy', 'late');
  assert.throws(() => breakers.pass('heavy', alice), { problem: 'late' });
  breakers.pass('light', alice).succeeded();
});

test('an engine that answers with an error of its own is not away', () => {
  const { clock, breakers, fail } = setUp();
  fail('a', 'unavailable');
  clock.jump(longestOpenMs);
  breakers.pass('a', alice).failed(new PromqlError('failed', 'no disk'));
  const first = breakers.pass('b', alice);
  breakers.pass('c', alice).succeeded();
  first.succeeded();
});

test('an error of the query itself never stops anything', () => {
  const { breakers, fail } = setUp();
  fail('a', 'refused', 100);
  fail('a', 'invalid', 100);
  breakers.pass('a', alice).succeeded();
});

test('a probe whose caller has left lets the next request probe', () => {
  const { clock, breakers, fail } = setUp();
  fail('a', 'unavailable');
  clock.jump(longestOpenMs);
  breakers.pass('a', alice).abandoned();
  breakers.pass('a', alice).succeeded();
});

test('a failed probe stops requests for longer, but never for more than five seconds', () => {
  const { clock, breakers, fail } = setUp();
  fail('a', 'unavailable');
  for (let count = 0; count < 10; count += 1) {
    clock.jump(longestOpenMs);
    breakers.pass('a', alice).failed(new PromqlError('unavailable', 'still away'));
    assert.throws(() => breakers.pass('a', alice), /still away/);
  }
});

test("a flow's failures stop its own queries of the rule, and none of another flow", () => {
  const { breakers, fail } = setUp();
  fail('heavy', 'late');
  assert.throws(() => breakers.pass('heavy', alice), { problem: 'late' });
  breakers.pass('heavy', bob).succeeded();
  assert.throws(() => breakers.pass('heavy', alice), { problem: 'late' });
});

test('connections that break behind a query stop its flow, and not the engine', () => {
  const { breakers, fail } = setUp();
  fail('heavy', 'interrupted');
  assert.throws(() => breakers.pass('heavy', alice), { problem: 'interrupted' });
  breakers.pass('heavy', bob).succeeded();
  breakers.pass('light', alice).succeeded();
});

const flowsOf = (lane: Flow['lane']) =>
  Array.from({ length: suspectFlows }, (_, index): Flow => ({ lane, key: `team-${index}` }));
const flows = flowsOf('users');

test('a rule that failed for several flows is sent one request of these flows, and one of others', () => {
  const { breakers } = setUp();
  for (const flow of flows) breakers.pass('heavy', flow).failed(new PromqlError('late', 'it hangs'));
  const [first = alice, second = alice] = flows;
  const probe = breakers.pass('heavy', first);
  assert.throws(() => breakers.pass('heavy', second), /it hangs/);
  const other = breakers.pass('heavy', alice);
  assert.throws(() => breakers.pass('heavy', bob), /it hangs/);
  breakers.pass('light', bob).succeeded();
  other.succeeded();
  breakers.pass('heavy', bob).succeeded();
  breakers.pass('heavy', second).succeeded();
  probe.abandoned();
});

test('a user with many ServiceAccounts, whose queries hang, does not stop the rule for the autoscaler', () => {
  const { breakers } = setUp();
  for (const flow of flows) breakers.pass('heavy', flow).failed(new PromqlError('late', 'it hangs'));
  breakers.pass('heavy', { lane: 'users', key: 'a fresh one' });
  const [first = alice, second = alice] = flowsOf('system');
  const syncs = [breakers.pass('heavy', first), breakers.pass('heavy', second)];
  for (const sync of syncs) sync.succeeded();
});

test('a rule that failed for the autoscaler in several namespaces is suspect for it', () => {
  const { breakers } = setUp();
  const [first = alice, second = alice] = flowsOf('system');
  for (const flow of flowsOf('system')) breakers.pass('heavy', flow).failed(new PromqlError('late', 'it hangs'));
  const probe = breakers.pass('heavy', first);
  assert.throws(() => breakers.pass('heavy', second), /it hangs/);
  breakers.pass('heavy', alice).succeeded();
  breakers.pass('heavy', second).succeeded();
  probe.abandoned();
});

test("the rule's last requests are counted down, whatever their end is", () => {
  const { breakers } = setUp();
  for (const flow of flows) breakers.pass('heavy', flow).failed(new PromqlError('late', 'it hangs'));
  breakers.pass('heavy', alice).abandoned();
  breakers.pass('heavy', alice).failed(new PromqlError('unavailable', 'away'));
  breakers.pass('heavy', bob).abandoned();
});

test('a probe of the engine that hangs keeps other requests back for five seconds', () => {
  const { clock, breakers, fail } = setUp();
  fail('a', 'unavailable');
  clock.jump(longestOpenMs);
  breakers.pass('a', alice);
  assert.throws(() => breakers.pass('b', bob), /it failed/);
  clock.jump(longestOpenMs);
  breakers.pass('b', bob).succeeded();
});

test('many flows that failed are not kept for ever', () => {
  const { breakers } = setUp();
  for (let index = 0; index < 1_000; index += 1) {
    const passage = breakers.pass('heavy', { lane: 'users', key: `user-${index}` });
    passage.failed(new PromqlError('failed', 'no disk'));
  }
  breakers.pass('heavy', alice).succeeded();
});
