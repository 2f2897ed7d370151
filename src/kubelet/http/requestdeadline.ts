/** Ends a request at its timeout or its caller's abort. */
import type { Lookups } from '../../dns/lookup.ts';

/** There was no connection, or no secure one, in time. */
export class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError';

  constructor() {
    super('no connection in time');
  }
}

/** Returns the error of a request without a connection: a slow look-up, a timeout, or the reason. */
export function connectError(reason: unknown, lookups?: Lookups): unknown {
  if (!(reason instanceof Error) || !timeouts.has(reason.name)) return reason;
  return lookups?.pending() ?? (reason.name === 'TimeoutError' ? new ConnectTimeoutError() : reason);
}

const timeouts: ReadonlySet<string> = new Set(['TimeoutError', 'ConnectTimeoutError']);

/**
 * AbortSignal.any() with timeout() costs many times as much as this timer and signal, an own AbortController several
 * times.
 */
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

  /** Avoids a closure. */
  handleEvent(): void {
    this.end(this.#signal.reason);
  }

  end(reason: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.reason = reason;
    this.#listener?.(reason);
  }

  /** Calls the new listener at once after the end. */
  onEnd(listener: (reason: unknown) => void): void {
    this.#listener = listener;
    if (this.ended) listener(this.reason);
  }

  until<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.onEnd(reject);
      promise.then(resolve, reject);
    });
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this);
    this.#listener = undefined;
  }
}

function endLate(deadline: RequestDeadline, timeoutMs: number): void {
  deadline.end(new DOMException(`not within ${timeoutMs} ms`, 'TimeoutError'));
}
