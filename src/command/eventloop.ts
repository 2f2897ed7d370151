/** Measures the event loop's delay by a timer. */
import type { Clock } from '../clock.ts';
import { createQuickHistogram, type Registry } from '../monitoring.ts';

export interface EventLoopWatch {
  run(signal: AbortSignal): Promise<void>;
}

/**
 * A wake-up costs as much as some scrapes: Node's monitor (100 per second) took half of the CPU of a process that
 * scrapes 100 nodes. No multiple of the wave interval, so that it samples every phase.
 */
const everyMs = 7_870;

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createEventLoopWatch(registry: Registry, clock: Clock): EventLoopWatch {
  const delays = createQuickHistogram(registry, {
    name: 'kubegauge_event_loop_delay_seconds',
    help: 'Delay of a timer, which every other event at that moment has, too.',
    buckets,
  });
  return { run };

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const dueMs = clock.monotonicMs() + everyMs;
      try {
        await clock.sleep(everyMs, signal);
      } catch {
        // Only the signal ends the sleep early.
        return;
      }
      delays.observe(Math.max(0, clock.monotonicMs() - dueMs) / 1000);
    }
  }
}
