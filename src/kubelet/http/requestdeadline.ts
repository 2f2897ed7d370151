/** Ends one request when its time is over, or when its caller aborts. */
import type { Lookups } from '../../dns/lookup.ts';

/** There was no connection, or no secure one, in time. */
export class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError';

  constructor() {
    super('no connection in time');
  }
}

/** Returns the error for a request that ended without a connection: a slow look-up, a connect timeout, or the given reason. */
export function connectError(reason: unknown, lookups?: Lookups): unknown {
  if (!(reason instanceof Error) || !timeouts.has(reason.name)) return reason;
  return lookups?.pending() ?? (reason.name === 'TimeoutError' ? new ConnectTimeoutError() : reason);
}

const timeouts: ReadonlySet<string> = new Set(['TimeoutError', 'ConnectTimeoutError']);

/** A timer and a signal in one. AbortSignal.any() with timeout() costs many times as much, an AbortController of our own several times. */
export class RequestDeadline {
  ended = false;
  reason: unknown;
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal;
  #listener: ((reason: unknown) => void) | undefined;

  constructor(timeoutMs: number, signal: AbortSignal) {
    this.#timer = setTimeout(endLate, timeoutMs, this, timeoutMs);
    this.#signal = signal;
    signal.addEventListener('abort', this);
    if (signal.aborted) this.end(signal.reason);
  }

  /** Handles the signal's event, without a closure. */
  handleEvent(): void {
    this.end(this.#signal.reason);
  }

  end(reason: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.reason = reason;
    this.#listener?.(reason);
  }

  /** Replaces the listener. Calls it at once if the deadline has ended. */
  onEnd(listener: (reason: unknown) => void): void {
    this.#listener = listener;
    if (this.ended) listener(this.reason);
  }

  /** Settles as the promise does, or rejects with the reason when the deadline ends. */
  until<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.onEnd(reject);
      promise.then(resolve, reject);
    });
  }

  /** Releases timer and signal. Call it when the request has ended. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this);
    this.#listener = undefined;
  }
}

function endLate(deadline: RequestDeadline, timeoutMs: number): void {
  deadline.end(new DOMException(`not within ${timeoutMs} ms`, 'TimeoutError'));
}
