/** Queues due scrapes, and limits those in flight: one per node, and a total. */
import type { Clock } from '../../clock.ts';

export interface ScrapeQueueOptions {
  readonly clock: Clock;
  /** Never rejects. */
  readonly scrape: (node: string, signal: AbortSignal) => Promise<void>;
  readonly onEnd: (sinceDueMs: number) => void;
}

export interface ScrapeQueue {
  add(node: string): void;
  remove(node: string): void;
  isQueued(node: string): boolean;
  isRunning(node: string): boolean;
  /** Starts queued scrapes. Needs a signal once; until it aborts, each end starts the next. */
  start(signal?: AbortSignal): void;
  drained(): Promise<void>;
}

/** Limit of scrapes that began less than `slowAfterMs` ago; healthy kubelets answer within that. */
export const concurrencyLimit = 512;
/** A slower scrape leaves `concurrencyLimit`, so that a hanging zone does not delay others. */
export const slowAfterMs = 2_000;
/** In all; 5,000 nodes of which a third hangs stay below. */
export const inFlightLimit = 2_048;

export function createScrapeQueue({ clock, scrape, onEnd }: ScrapeQueueOptions): ScrapeQueue {
  const queued = new Map<string, number>();
  /** In order of start. */
  const running = new Map<string, { readonly ended: Promise<void>; readonly startedMs: number }>();
  let signal: AbortSignal | undefined;

  return {
    add(node) {
      if (!queued.has(node)) queued.set(node, clock.monotonicMs());
    },
    remove: (node) => void queued.delete(node),
    isQueued: (node) => queued.has(node),
    isRunning: (node) => running.has(node),
    start(newSignal) {
      signal = newSignal ?? signal;
      startQueued();
    },
    async drained() {
      await Promise.all(running.values().map(({ ended }) => ended));
    },
  };

  function startQueued(): void {
    if (queued.size === 0 || signal === undefined || signal.aborted) return;
    let free = Math.min(inFlightLimit - running.size, concurrencyLimit - countQuick());
    for (const [node, dueMs] of queued) {
      if (free <= 0) return;
      // A node that came back during its scrape waits for the end of that.
      if (running.has(node)) continue;
      queued.delete(node);
      startScrape(node, dueMs, signal);
      free -= 1;
    }
  }

  function countQuick(): number {
    const slowMs = clock.monotonicMs() - slowAfterMs;
    let slow = 0;
    for (const { startedMs } of running.values()) {
      if (startedMs > slowMs) break;
      slow += 1;
    }
    return running.size - slow;
  }

  function startScrape(node: string, dueMs: number, abort: AbortSignal): void {
    const ended = scrape(node, abort).then(() => {
      running.delete(node);
      onEnd(clock.monotonicMs() - dueMs);
      startQueued();
    });
    running.set(node, { ended, startedMs: clock.monotonicMs() });
  }
}
