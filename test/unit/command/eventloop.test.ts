import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEventLoopWatch } from '../../../src/command/eventloop.ts';
import { createRegistry } from '../../../src/monitoring.ts';
import { createFakeClock } from '../../fakes/clock.ts';

test('the delay of the event loop is observed', async () => {
  const clock = createFakeClock();
  const registry = createRegistry();
  const stop = new AbortController();
  const watch = createEventLoopWatch(registry, clock).run(stop.signal);
  await clock.advance(10_000);
  assert.deepEqual(await counts(), { '0.001': 1, '5': 1 });
  // The whole process was held up.
  clock.jump(8_000);
  await clock.advance(0);
  assert.deepEqual(await counts(), { '0.001': 1, '5': 2 });
  stop.abort();
  await watch;

  async function counts() {
    const text = await registry.metrics();
    const of = (bound: string) =>
      Number(new RegExp(`^kubegauge_event_loop_delay_seconds_bucket\\{le="${bound}"\\} (\\d+)$`, 'm').exec(text)?.[1]);
    return { '0.001': of('0.001'), '5': of('5') };
  }
});
