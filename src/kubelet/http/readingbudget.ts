/** Reads long kubelet responses in slices of the event loop's iterations: those of nodes with leaked cgroups, or of hostile kubelets. Usual ones are read at once. */
import type { Steps } from '../../decode/steps.ts';

/** Milliseconds before a response is read in slices. A full body of 30 pods takes 3, one of 110 pods 10. */
export const freeMs = 15;

/** Milliseconds of one iteration, for all long responses together. */
export const sliceMs = 5;

/** Milliseconds of one response, each for reading and for decoding it. A sound body of 64 MiB takes 300. */
export const readingLimitMs = 2_000;

/** Milliseconds from the end of a response until it must be decoded, on a busy event loop as well. */
const decodingDeadlineMs = 10_000;

/** A response took longer to read than it may. */
export class ReadingTooLongError extends Error {
  override readonly name = 'ReadingTooLongError';
}

/** A response with bytes that have arrived and are not read yet. */
export interface PausedReading {
  /** Reads on, between `begin` and `end`. Calls `resumeLater` again if the slice ends before the bytes do. */
  resume(): void;
}

export class ReadingBudget {
  /** Milliseconds of this iteration, without the reading under way. */
  #spentMs = 0;
  #beganMs = 0;
  #responseMs = 0;
  #isArmed = false;
  readonly #paused = new Set<PausedReading>();
  readonly #nowMs: () => number;

  /** @param nowMs monotonic, in milliseconds. */
  constructor(nowMs = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Starts the clock. Everything up to `end` is synchronous. @param responseMs milliseconds that the response has taken before. */
  begin(responseMs: number): void {
    this.#responseMs = responseMs;
    this.#beganMs = this.#nowMs();
  }

  /** Stops the clock. Returns the milliseconds since `begin`. */
  end(): number {
    const tookMs = this.#nowMs() - this.#beganMs;
    if (this.#responseMs + tookMs >= freeMs) {
      this.#spentMs += tookMs;
      this.#arm();
    }
    return tookMs;
  }

  /** Reports whether the response being read is long. As `mayRead` and `isOver`, for use between `begin` and `end`. */
  get isLong(): boolean {
    return this.#responseMs >= freeMs;
  }

  /** Reports whether bytes that have just arrived may be read now. */
  get mayRead(): boolean {
    return !this.isLong || (this.#paused.size === 0 && !this.isOver);
  }

  /** Reports whether the slice is used up. */
  get isOver(): boolean {
    const tookMs = this.#nowMs() - this.#beganMs;
    return this.#responseMs + tookMs >= freeMs && this.#spentMs + tookMs >= sliceMs;
  }

  resumeLater(reading: PausedReading): void {
    this.#paused.add(reading);
    this.#arm();
  }

  cancel(reading: PausedReading): void {
    this.#paused.delete(reading);
  }

  /** Runs the steps in slices. Rejects with what a step throws, or with a ReadingTooLongError. */
  run<T>(steps: Steps<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const begunMs = this.#nowMs();
      let spentMs = freeMs;
      const reading: PausedReading = {
        resume: () => {
          this.begin(spentMs);
          try {
            let step = steps.next();
            while (step.done !== true && !this.isOver) step = steps.next();
            if (step.done === true) resolve(step.value);
            else if (spentMs > readingLimitMs || this.#nowMs() - begunMs > decodingDeadlineMs) giveUp();
            else this.resumeLater(reading);
          } catch (cause) {
            reject(cause);
          } finally {
            spentMs += this.end();
          }
        },
      };
      const giveUp = () => {
        steps.return(undefined as never);
        reject(new ReadingTooLongError('decoding it took too long'));
      };
      this.resumeLater(reading);
    });
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(() => this.#resumePaused());
  }

  #resumePaused(): void {
    this.#isArmed = false;
    this.#spentMs = 0;
    // One that pauses again goes to the end of the queue.
    for (const reading of this.#paused) {
      if (this.#spentMs >= sliceMs) break;
      this.#paused.delete(reading);
      reading.resume();
    }
    if (this.#paused.size > 0) this.#arm();
  }
}

/** The budget of this thread's event loop: the only state of `kubelet/` that no object owns. Each further budget would hold the loop for another 5 ms per iteration. */
export const readingBudget = new ReadingBudget();
