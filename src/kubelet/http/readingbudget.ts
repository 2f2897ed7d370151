/**
 * Shares the readingBudget of the event loop between reading long answers of kubelets and everything else that a thread does. Usual answers take a few
 * milliseconds and are read at once. One that has taken more, as of a node with leaked cgroups or of a hostile kubelet, is read in slices of a turn.
 */

import type { Steps } from '../../decode/steps.ts';

/** Milliseconds of reading that each answer has before it is read in slices; a full body of 30 pods takes 3, one of 110 pods 10. */
export const freeMs = 15;

/** Milliseconds of one turn of the event loop that all long answers together are read for. */
export const sliceMs = 5;

/**
 * Milliseconds of reading that one answer may cost in all, and of choosing what is kept of it. A sound body of 64 MiB takes 300, so more is a bomb, or a
 * machine without any CPU time left.
 */
export const readingLimitMs = 2_000;

/** Milliseconds from the end of an answer until it has to be decoded, whoever else has the readingBudget. */
const decodingDeadlineMs = 10_000;

/** To read the answer costs more than it may. */
export class ReadingTooLongError extends Error {
  override readonly name = 'ReadingTooLongError';
}

/** An answer of which something has come that is not read yet. */
export interface PausedReading {
  /** Reads on, within `begin` and `end`, and calls `wait` again if the slice ends before the answer's bytes do. */
  resume(): void;
}

export class ReadingBudget {
  /** Of this turn, by long answers, without the reading under way. */
  #spentMs = 0;
  #beganMs = 0;
  /** What the answer that is being read has cost before. */
  #answerMs = 0;
  #isArmed = false;
  /** In the order in which they go on. */
  readonly #waiting = new Set<PausedReading>();
  readonly #nowMs: () => number;

  /** @param nowMs monotonic, in milliseconds. */
  constructor(nowMs = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Starts to count. Everything up to `end` is synchronous. @param answerMs what the answer has cost before, in milliseconds. */
  begin(answerMs: number): void {
    this.#answerMs = answerMs;
    this.#beganMs = this.#nowMs();
  }

  /** Returns the milliseconds since `begin`. */
  end(): number {
    const tookMs = this.#nowMs() - this.#beganMs;
    if (this.#answerMs + tookMs >= freeMs) {
      this.#spentMs += tookMs;
      this.#arm();
    }
    return tookMs;
  }

  /** Reports whether the answer under way is a long one. To be called between `begin` and `end`. */
  get isLong(): boolean {
    return this.#answerMs >= freeMs;
  }

  /** Reports whether bytes that have just come may be read now. To be called between `begin` and `end`. */
  get isFree(): boolean {
    return !this.isLong || (this.#waiting.size === 0 && !this.isOver);
  }

  /** Reports whether the slice is used up. To be called between `begin` and `end`. */
  get isOver(): boolean {
    const tookMs = this.#nowMs() - this.#beganMs;
    return this.#answerMs + tookMs >= freeMs && this.#spentMs + tookMs >= sliceMs;
  }

  /** Lets it read on in a later turn. */
  wait(waiting: PausedReading): void {
    this.#waiting.add(waiting);
    this.#arm();
  }

  /** Forgets an answer that is not wanted any more. */
  forget(waiting: PausedReading): void {
    this.#waiting.delete(waiting);
  }

  /** Runs the steps in slices. Rejects with what a step throws, and with a ReadingTooLongError. */
  run<T>(steps: Steps<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const begunMs = this.#nowMs();
      let spentMs = freeMs;
      const waiting: PausedReading = {
        resume: () => {
          this.begin(spentMs);
          try {
            let step = steps.next();
            while (step.done !== true && !this.isOver) step = steps.next();
            if (step.done === true) resolve(step.value);
            else if (spentMs > readingLimitMs || this.#nowMs() - begunMs > decodingDeadlineMs) giveUp();
            else this.wait(waiting);
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
      this.wait(waiting);
    });
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(() => this.#next());
  }

  #next(): void {
    this.#isArmed = false;
    this.#spentMs = 0;
    // Those that wait again come last, in this turn or in the next.
    for (const waiting of this.#waiting) {
      if (this.#spentMs >= sliceMs) break;
      this.#waiting.delete(waiting);
      waiting.resume();
    }
    if (this.#waiting.size > 0) this.#arm();
  }
}

/** Of this thread. */
export const readingBudget = new ReadingBudget();
