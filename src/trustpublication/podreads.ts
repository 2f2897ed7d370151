/** Limits how often one publication reads the pods behind its Service: another writer must not cause a read with each of its changes. */

/** Reads that may follow each other at once, as the events of a rolling update do. */
export const podReadsAtOnce = 10;
/** Milliseconds in which one more read may be made. */
export const podReadPauseMs = 5_000;

export class PodReads {
  /** When all reads are available again, monotonic, in milliseconds. */
  #fullMs = -Infinity;

  /** Counts a read and returns 0, or returns the milliseconds until one may be made. */
  take(nowMs: number): number {
    const fullMs = Math.max(this.#fullMs, nowMs) + podReadPauseMs;
    const waitMs = fullMs - nowMs - podReadsAtOnce * podReadPauseMs;
    if (waitMs > 0) return waitMs;
    this.#fullMs = fullMs;
    return 0;
  }
}
