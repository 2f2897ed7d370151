/** Ends the server after the requests in progress, within a limit. */
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDraining, type Draining } from './draining.ts';
import { drainLimitMs } from './waitinglimits.ts';

/** Milliseconds for the last bytes. */
const flushMs = 100;

export interface Shutdown {
  /** Aborts beyond `drainLimitMs`. */
  readonly signal: AbortSignal;
  readonly draining: Draining;
  isStopping(): boolean;
  /** Returns the function that ends the request. */
  track(): () => void;
  /** @param close resolves when all connections have ended. */
  run(close: () => PromiseLike<unknown>): Promise<void>;
}

/** @param sendRetryAfter whether requests during the drain get 429. */
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
      // Connections without a request would delay the end.
      await Promise.race([close(), idle(), gaveUp]);
      clearTimeout(limit);
    },
  };

  async function idle(): Promise<void> {
    if (inProgress > 0) await once(events, 'idle');
    await sleep(flushMs);
  }
}
