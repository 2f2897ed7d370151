/**
 * Decides how many worker threads scrape; pure.
 * Measured with nodes of 30 pods, against scraping in the main thread: a worker costs 4 to 6 % more CPU per scrape with
 * full bodies and 13 to 35 % with filtered ones. During waves the main thread's delay (p99) is 2 to 3 ms instead of 27
 * (10 full bodies a wave) and 5 instead of 11 (33 filtered ones), on one core and on two. 5,000 filtered nodes of 10
 * pods at 15 s: longest delay 19 ms instead of 66. So long waves get a worker, and a second one only if the first is
 * busy.
 */
import { waveMs } from '../../schedule/scheduler.ts';

export interface FleetSize {
  readonly nodes: number;
  /** Nodes with kubelets before 1.37, which send families that were not requested. */
  readonly full: number;
}

export interface WorkerRules {
  readonly setting: 'auto' | number;
  readonly resolutionMs: number;
  readonly cores: number;
}

/** CPU of one scrape, from the request to the batch. */
const filteredScrapeMs = 0.25;
const fullScrapeMs = 3.5;
/**
 * CPU that a wave may take in the main thread if nodes are spread over all waves: about 1,200 filtered nodes, or 90 full ones.
 * Smaller clusters use fewer waves of up to 128 filtered nodes, between whose scrapes other work runs: at 1,000 nodes the delay was 3 ms (p99), at
 * most 42.
 */
const longestWaveMs = 10;
/** Share of a core, so that a wave ends long before the next one. */
const workerShare = 0.5;

export function workerCount({ setting, resolutionMs, cores }: WorkerRules, { nodes, full }: FleetSize): number {
  if (setting !== 'auto') return setting;
  const share = ((nodes - full) * filteredScrapeMs + full * fullScrapeMs) / resolutionMs;
  if (share * waveMs < longestWaveMs) return 0;
  // One core is left to the main thread.
  return Math.min(Math.ceil(share / workerShare), Math.max(1, cores - 1));
}
