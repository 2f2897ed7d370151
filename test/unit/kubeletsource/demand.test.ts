import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogue, metricNamed } from '../../../src/kubeletsource/catalogue.ts';
import { createDemand, demandMs } from '../../../src/kubeletsource/demand.ts';
import { createFakeClock } from '../../fakes/clock.ts';

function createUnderTest(always: readonly string[] = []) {
  const clock = createFakeClock();
  let notify: (names: ReadonlySet<string>) => void = () => assert.fail('nothing listens');
  const demand = createDemand({ clock, always, onAutoscalers: (listener) => (notify = listener) });
  const names = () => demand.metrics().map(({ name }) => name);
  return { clock, demand, names, setAutoscalers: (...metrics: string[]) => notify(new Set(metrics)) };
}

const sockets = metricNamed('sockets')!;

test('without a flag, an autoscaler or a request nothing is wanted', () => {
  const { demand } = createUnderTest();
  assert.deepEqual(demand.metrics(), []);
  assert.deepEqual(demand.columns(), []);
});

test('a metric is wanted while an autoscaler names it', () => {
  const { demand, names, setAutoscalers } = createUnderTest();
  setAutoscalers('sockets', 'requests_per_second');
  assert.deepEqual(names(), ['sockets']);
  assert.equal(demand.reasonOf(sockets), 'autoscaler');
  setAutoscalers();
  assert.deepEqual(names(), []);
});

test('a metric is wanted for an hour after its last request', async () => {
  const { clock, demand, names } = createUnderTest();
  assert.equal(demand.requested(sockets), false);
  await clock.advance(demandMs - 1);
  assert.deepEqual(names(), ['sockets']);
  assert.equal(demand.requested(sockets), true);
  await clock.advance(demandMs - 1);
  assert.deepEqual(names(), ['sockets']);
  await clock.advance(1);
  assert.deepEqual(names(), []);
  assert.equal(demand.requested(sockets), false);
});

test('a metric of the flag is wanted always', async () => {
  const { clock, names } = createUnderTest(['sockets']);
  await clock.advance(10 * demandMs);
  assert.deepEqual(names(), ['sockets']);
});

test('the arrays stay the same until the wanted metrics change', async () => {
  const { clock, demand, setAutoscalers } = createUnderTest();
  demand.requested(sockets);
  const [metrics, columns] = [demand.metrics(), demand.columns()];
  setAutoscalers('sockets');
  await clock.advance(2 * demandMs);
  assert.equal(demand.metrics(), metrics);
  assert.equal(demand.columns(), columns);
});

test('series that several metrics need are scraped once', () => {
  const { demand } = createUnderTest(['cpu_limit_utilization', 'cpu_usage_cores', 'memory_limit_utilization']);
  assert.deepEqual(demand.columns(), ['cpuPeriod', 'cpuQuota', 'cpuUsage', 'memoryLimit', 'memoryWorkingSet']);
});

test('names of metrics are what adapters and autoscalers can use, each once', () => {
  const names = catalogue.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)]);
  for (const { name, help } of catalogue) {
    assert.match(name, /^[a-z]+(?:_[a-z]+)*$/);
    assert.match(help, /^[A-Z].*\.$/);
  }
});

test('what a snapshot wants is no newly wanted metric', async () => {
  const { clock, demand } = createUnderTest();
  demand.restore([['sockets', 0]], clock.monotonicMs());
  await clock.advance(1_000);
  assert.ok(demand.wantedForMs(sockets) > demandMs);
  assert.equal(demand.wantedForMs(metricNamed('threads')!), 0);
});
