/**
 * Reads long responses, of nodes with leaked cgroups or hostile kubelets, in slices of the event loop's iterations, and
 * other responses in several iterations if many arrive together.
 */
// The global is an accessor, a fifth of each clock reading.
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import type { Steps } from '../../decode/steps.ts';
import { createEventLoopQueue, type EventLoopQueue } from '../../eventloopqueue.ts';

/** Reading time before slices begin. A full body of 30 pods takes 3 ms, of 110 pods 10 ms. */
export const freeMs = 15;

/** Per iteration, for all long responses. */
export const sliceMs = 5;

/** Per iteration, for all other responses, before they queue. */
export const shortSliceMs = 8;

/** Per response, each for reading and decoding, in CPU time: a throttled pod takes longer. A sound body of 64 MiB takes 300 ms. */
export const readingLimitMs = 2_000;

/** A response must be decoded within this time of its end, also on a busy event loop. */
const decodingDeadlineMs = 10_000;

/** A response took longer to read than it may. */
export class ReadingTooLongError extends Error {
  override readonly name = 'ReadingTooLongError';
}

/** A response with bytes that have arrived and are not read yet. */
export interface PausedReading {
  /** Calls `resumeLater` again if the slice ends first. Within `begin` and `end`. */
  resume(): void;
}

export class ReadingBudget {
  /** In this iteration, before the current reading. */
  #spentMs = 0;
  #beganMs = 0;
  /** Set for a long response only: reading CPU time takes 1 us, too much for others. */
  #beganCpuMs: number | undefined;
  #responseMs = 0;
  #isArmed = false;
  readonly #paused = new Set<PausedReading>();
  /** Spent on responses that are not long, at least since the iteration began. */
  #shortMs = 0;
  #queued = 0;
  readonly #queue: EventLoopQueue;
  readonly #nowMs: () => number;
  readonly #cpuMs: () => number;

  /** @param nowMs monotonic. @param cpuMs CPU time of this thread. */
  constructor(nowMs = () => performance.now(), cpuMs = threadCpuMs) {
    this.#nowMs = nowMs;
    this.#cpuMs = cpuMs;
    this.#queue = createEventLoopQueue(nowMs);
  }

  /**
   * Whether arrived bytes may be read at once: the response is long and has its slices, or others have left time in
   * this iteration. Otherwise `readLater`.
   */
  mayBegin(responseMs: number): boolean {
    return responseMs >= freeMs || (this.#queued === 0 && this.#shortMs < shortSliceMs);
  }

  /** Calls `resume` once, also for a response that has ended meanwhile. */
  readLater(reading: PausedReading): void {
    this.#queued += 1;
    this.#queue.shareOf('', reading).enqueue(() => {
      this.#queued -= 1;
      reading.resume();
    });
  }

  /** Up to `end` all is synchronous. @param responseMs spent before. */
  begin(responseMs: number): void {
    this.#responseMs = responseMs;
    this.#beganMs = this.#nowMs();
    this.#beganCpuMs = this.isLong ? this.#cpuMs() : undefined;
  }

  /** Returns what counts for `readingLimitMs`. */
  end(): number {
    const tookMs = this.#nowMs() - this.#beganMs;
    if (this.#responseMs + tookMs >= freeMs) {
      this.#spentMs += tookMs;
      this.#arm();
    } else {
      this.#shortMs += tookMs;
      // Not in each iteration: an immediate costs one more.
      if (this.#shortMs >= shortSliceMs / 2) this.#arm();
    }
    return this.#beganCpuMs === undefined ? tookMs : this.#cpuMs() - this.#beganCpuMs;
  }

  /** As `mayRead` and `isOver`, within `begin` and `end`. */
  get isLong(): boolean {
    return this.#responseMs >= freeMs;
  }

  get mayRead(): boolean {
    return !this.isLong || (this.#paused.size === 0 && !this.isOver);
  }

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

  /** Rejects with a step's error or a ReadingTooLongError. */
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
    this.#shortMs = 0;
    // Paused again, they queue at the end.
    for (const reading of this.#paused) {
      if (this.#spentMs >= sliceMs) break;
      this.#paused.delete(reading);
      reading.resume();
    }
    if (this.#paused.size > 0) this.#arm();
  }
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/**
 * The only state of `kubelet/` that no object owns. Another budget would hold the loop for as long again in each iteration.
 */
export const readingBudget = new ReadingBudget();
