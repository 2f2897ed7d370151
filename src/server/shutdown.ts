/** Ends the server: waits for requests that are in progress, for a limited time. */
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDraining, type Draining } from './draining.ts';
import { drainLimitMs } from './waitinglimits.ts';

/** Milliseconds for the last bytes of the last response to leave. */
const flushMs = 100;

export interface Shutdown {
  /** Aborts what requests wait for; only when draining exceeds `drainLimitMs`. */
  readonly signal: AbortSignal;
  readonly draining: Draining;
  /** Reports whether connections are to end with their next response. */
  isStopping(): boolean;
  /** Counts a request in progress. Returns the function that ends it. */
  track(): () => void;
  /**
   * Drains and closes.
   * @param close stops listening, and resolves when all connections have ended.
   */
  run(close: () => PromiseLike<unknown>): Promise<void>;
}

/** @param sendRetryAfter whether requests that arrive while the server drains are answered by 429, with the port open. */
export function createShutdown(sendRetryAfter: boolean): Shutdown {
  const draining = createDraining();
  const abandoned = new AbortController();
  const gaveUp = once(abandoned.signal, 'abort');
  const events = new EventEmitter();
  let stopping = false;
  let inProgress = 0;
  return {
    signal: abandoned.signal,
    draining,
    isStopping: () => stopping,
    track() {
      inProgress += 1;
      return () => {
        inProgress -= 1;
        if (inProgress === 0) events.emit('idle');
      };
    },
    async run(close) {
      // One limit for both waits.
      const limit = setTimeout(() => abandoned.abort(new Error('the server stops')), drainLimitMs);
      if (sendRetryAfter) await draining.begin(gaveUp);
      stopping = true;
      // Connections without a request would delay the end; some never had one.
      await Promise.race([close(), idle(), gaveUp]);
      clearTimeout(limit);
    },
  };

  async function idle(): Promise<void> {
    if (inProgress > 0) await once(events, 'idle');
    await sleep(flushMs);
  }
}
