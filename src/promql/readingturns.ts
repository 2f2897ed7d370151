/** Shares the event loop among long answers, which are read in slices of its iterations. */

/** Per iteration, for all answers that are read. */
export const sliceMs = 5;

export class ReadingTurns {
  #spentMs = 0;
  #next: Promise<void> | undefined;
  readonly #nowMs: () => number;

  /** @param nowMs monotonic. */
  constructor(nowMs = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Runs the work at once, or in a later iteration if this one's slice is spent. Returns its result; rejects with its error. */
  async run<T>(work: () => T): Promise<T> {
    while (this.#spentMs >= sliceMs) await this.#nextIteration();
    const beganMs = this.#nowMs();
    try {
      return work();
    } finally {
      this.#spentMs += this.#nowMs() - beganMs;
    }
  }

  #nextIteration(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#spentMs = 0;
        this.#next = undefined;
        resolve();
      });
    });
    return this.#next;
  }
}

/** One for the process: several would each hold the loop for a slice. */
export const readingTurns = new ReadingTurns();
