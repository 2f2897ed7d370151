/**
 * How many worker threads ask kubelets, by the fleet and the machine; pure.
 *
 * Measured with nodes of 30 pods, against asking them in the main thread: a worker costs 4 to 6 % more CPU a scrape where bodies are full and 13 to 35 % where they
 * are filtered, and while waves come the main thread's delay (p99) is 2 to 3 ms instead of 27 (10 full bodies a wave) and 5 instead of 11 (33 filtered ones). That
 * holds on two cores and on a single one, which the system shares out in slices and a thread does not. With 5,000 filtered nodes of 10 pods at 15 s the longest delay
 * was 19 ms instead of 66. So there is a worker where waves are long, on any machine; a second one only costs more, unless the first has no time left.
 */
import { waveMs } from '../../schedule/scheduler.ts';

export interface FleetSize {
  readonly nodes: number;
  /** How many of them send more than they are asked for: kubelets before 1.37. */
  readonly full: number;
}

export interface WorkerRules {
  /** What --scrape-workers says. */
  readonly setting: 'auto' | number;
  readonly resolutionMs: number;
  readonly cores: number;
}

/** CPU time of one scrape in milliseconds, from the question to the batch. */
const filteredScrapeMs = 0.25;
const fullScrapeMs = 3.5;
/**
 * For how long a wave may keep the main thread at once, were nodes spread over all there can be: from some 1,200 filtered nodes or 90 full ones on it is longer.
 * Below, there are fewer waves, each as long as 128 filtered nodes take, and others have their turn within: at 1,000 nodes the delay was 3 ms (p99) and 42 at most.
 */
const longestWaveMs = 10;
/** How much of a core a worker may take, so that a wave is over long before the next one. */
const workerShare = 0.5;

export function workerCount({ setting, resolutionMs, cores }: WorkerRules, { nodes, full }: FleetSize): number {
  if (setting !== 'auto') return setting;
  const share = ((nodes - full) * filteredScrapeMs + full * fullScrapeMs) / resolutionMs;
  if (share * waveMs < longestWaveMs) return 0;
  // The main thread wants a core, too.
  return Math.min(Math.ceil(share / workerShare), Math.max(1, cores - 1));
}
