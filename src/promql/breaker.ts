/** Stops requests that would fail anyway, and lets one through from time to time. */
import type { Clock } from '../clock.ts';

/** In a row. A single one may be a restart of the engine. */
export const breakerFailures = 3;
/** Milliseconds until the first probe; doubled after each failed one. */
const firstOpenMs = 1_000;
/** So that values are back within seconds of the engine's return. */
export const longestOpenMs = 5_000;

export interface BreakerOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Milliseconds that a probe keeps other requests back; to its end if not given. */
  readonly probeMs?: number;
}

/** Ends a request that was let through. */
export interface Passage {
  succeeded(): void;
  failed(error: Error): void;
  /** The request ended without a verdict on the engine, such as by its caller's abort. */
  abandoned(): void;
}

export class Breaker {
  readonly #options: BreakerOptions;
  #failures = 0;
  #openMs = 0;
  #untilMs = -Infinity;
  #probingUntilMs = -Infinity;
  #lastError: Error | undefined;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Returns the last failure while requests are stopped. */
  get stopped(): Error | undefined {
    if (this.#failures < breakerFailures) return undefined;
    const isWaiting = this.#options.clock.monotonicMs() < Math.max(this.#untilMs, this.#probingUntilMs);
    return isWaiting ? this.#lastError : undefined;
  }

  /** Call it only while nothing is stopped. Once half open, this request is the probe. */
  pass(): Passage {
    const isProbe = this.#failures >= breakerFailures;
    const { clock, probeMs = Infinity } = this.#options;
    if (isProbe) this.#probingUntilMs = clock.monotonicMs() + probeMs;
    return {
      succeeded: () => this.#close(),
      failed: (error) => this.#fail(error, isProbe),
      abandoned: () => {
        if (isProbe) this.#probingUntilMs = -Infinity;
      },
    };
  }

  #close(): void {
    this.#failures = 0;
    this.#openMs = 0;
    this.#probingUntilMs = -Infinity;
    this.#lastError = undefined;
  }

  #fail(error: Error, isProbe: boolean): void {
    this.#failures += 1;
    this.#lastError = error;
    if (isProbe) this.#probingUntilMs = -Infinity;
    // Requests that began before it opened extend nothing.
    if (!isProbe && this.#failures !== breakerFailures) return;
    this.#openMs = Math.min(Math.max(firstOpenMs, this.#openMs * 2), longestOpenMs);
    const jitter = 0.5 + this.#options.random() / 2;
    this.#untilMs = this.#options.clock.monotonicMs() + this.#openMs * jitter;
  }
}
