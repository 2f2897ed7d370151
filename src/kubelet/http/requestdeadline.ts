/** When one request has to end at the latest: its time is over, or nobody wants its answer any more. */

import type { Lookups } from '../../dns/lookup.ts';

/** No connection, or none that is secure, within the time for it. */
export class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError';

  constructor() {
    super('no connection in time');
  }
}

/**
 * Returns what the end of a limit means while there is no connection: the time to connect may be over in the same moment. Where it went by for the look-up of a
 * name, that is what failed.
 */
export function connectError(reason: unknown, lookups?: Lookups): unknown {
  if (!(reason instanceof Error) || !timeouts.has(reason.name)) return reason;
  return lookups?.pending() ?? (reason.name === 'TimeoutError' ? new ConnectTimeoutError() : reason);
}

/** Ours, that of a signal, and undici's have one name each. */
const timeouts: ReadonlySet<string> = new Set(['TimeoutError', 'ConnectTimeoutError']);

/**
 * AbortSignal.any() and timeout() do the same at many times the cost, an AbortController of one's own at several times. One at a time is told of the end,
 * whoever it was that wanted to know last.
 */
export class RequestDeadline {
  /** Whether it is over, and why. */
  ended = false;
  reason: unknown;
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal;
  #onEnd: ((reason: unknown) => void) | undefined;

  constructor(timeoutMs: number, signal: AbortSignal) {
    this.#timer = setTimeout(endLate, timeoutMs, this, timeoutMs);
    this.#signal = signal;
    signal.addEventListener('abort', this);
    if (signal.aborted) this.end(signal.reason);
  }

  /** Of the signal: an EventListener that is no closure. */
  handleEvent(): void {
    this.end(this.#signal.reason);
  }

  end(reason: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.reason = reason;
    this.#onEnd?.(reason);
  }

  /** Calls what is given when it is over, at once if it is over already, and nobody else any more. */
  onEnd(told: (reason: unknown) => void): void {
    this.#onEnd = told;
    if (this.ended) told(this.reason);
  }

  /** The promise's outcome, or a rejection with the reason as soon as it is over. */
  until<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.onEnd(reject);
      promise.then(resolve, reject);
    });
  }

  /** To be called when the request has ended by itself. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this);
    this.#onEnd = undefined;
  }
}

function endLate(limit: RequestDeadline, timeoutMs: number): void {
  limit.end(new DOMException(`not within ${timeoutMs} ms`, 'TimeoutError'));
}
