/** Queues due scrapes and limits how many are in flight: one per node, and so many in all. */
import type { Clock } from '../../clock.ts';

export interface ScrapeQueueOptions {
  readonly clock: Clock;
  /** Scrapes one node; never rejects. */
  readonly scrape: (node: string, signal: AbortSignal) => Promise<void>;
  /** Called when a scrape has ended, with the milliseconds since it was due. */
  readonly onEnd: (sinceDueMs: number) => void;
}

export interface ScrapeQueue {
  /** Adds a node unless it is queued. */
  add(node: string): void;
  remove(node: string): void;
  isQueued(node: string): boolean;
  isRunning(node: string): boolean;
  /** Starts queued scrapes within the limits. Needs a signal once; then each end of a scrape starts the next, until it aborts. */
  start(signal?: AbortSignal): void;
  /** Resolves when all scrapes that are in flight now have ended. */
  drained(): Promise<void>;
}

/** Scrapes in flight that began less than `slowAfterMs` ago; healthy kubelets answer within that. */
export const concurrencyLimit = 512;
/** Milliseconds; a slower scrape does not count for `concurrencyLimit`, so that a zone that hangs does not delay all others by its timeouts. */
export const slowAfterMs = 2_000;
/** Scrapes in flight in all; 5,000 nodes of which a third hangs stay below. */
export const inFlightLimit = 2_048;

export function createScrapeQueue({ clock, scrape, onEnd }: ScrapeQueueOptions): ScrapeQueue {
  /** When each node became due, monotonic. */
  const queued = new Map<string, number>();
  /** In the order of their starts. */
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
      // A node that left and came back during its scrape waits for the end of that.
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
