/**
 * Shares the event loop between callers. Steps run at once while this iteration of the event loop has time left; otherwise they wait, and owners take turns
 * (round robin). So the cost of one caller's requests delays another caller by the budget of one iteration and one step, not by all of them.
 */

/** Milliseconds of steps in one iteration of the event loop; then I/O, timers and other queues run. */
export const iterationBudgetMs = 8;

/** One owner's part of a queue. An owner is a client network or a user. */
export interface QueueShare {
  /**
   * Runs the step in a later phase of the event loop.
   * @param isUrgent whether it runs before all steps that are not.
   */
  enqueue(step: () => void, isUrgent?: boolean): void;
  /** Runs the step now if nothing waits and the iteration has time left; otherwise enqueues it. */
  runOrEnqueue(step: () => void, isUrgent?: boolean): void;
  /** Returns undefined if the owner may go on now, else a promise that resolves at its turn. */
  turn(): Promise<void> | undefined;
}

export interface FairQueue {
  shareOf(owner: string): QueueShare;
}

/** Immediates that found the budget spent and are scheduled again in one iteration. */
const rescheduledLimit = 256;

/**
 * Creates a queue. Each step runs in an immediate of its own, so that its microtasks and next ticks count, too.
 * @param nowMs the time in milliseconds.
 */
export function createFairQueue(nowMs: () => number = () => performance.now()): FairQueue {
  const urgent = new RoundRobin();
  const normal = new RoundRobin();
  /** Immediates that found the budget spent. */
  let late = 0;
  /** When this iteration's budget is spent; undefined until its first step. */
  let endMs: number | undefined;
  return {
    shareOf: (owner) => ({
      enqueue: (step, isUrgent) => enqueue(owner, step, isUrgent),
      runOrEnqueue(step, isUrgent) {
        if (mayRunNow()) step();
        else enqueue(owner, step, isUrgent);
      },
      turn: () => (mayRunNow() ? undefined : new Promise<void>((resolve) => enqueue(owner, resolve))),
    }),
  };

  function enqueue(owner: string, step: () => void, isUrgent = false): void {
    (isUrgent ? urgent : normal).add(owner, step);
    setImmediate(runNext);
  }

  function mayRunNow(): boolean {
    return urgent.size === 0 && normal.size === 0 && hasTime();
  }

  /** The first step of an iteration starts its budget. */
  function hasTime(): boolean {
    if (endMs !== undefined) return nowMs() < endMs;
    endMs = nowMs() + iterationBudgetMs;
    setImmediate(nextIteration);
    return true;
  }

  function runNext(): void {
    if (!hasTime()) {
      late += 1;
      return;
    }
    (urgent.take() ?? normal.take())?.();
  }

  function nextIteration(): void {
    endMs = undefined;
    const count = Math.min(late, rescheduledLimit);
    late -= count;
    for (let each = 0; each < count; each += 1) setImmediate(runNext);
  }
}

/** Steps that have run and are kept in an owner's array. */
const spentLimit = 1_024;

/** Steps by owner; within one owner, first in, first out. */
class RoundRobin {
  size = 0;
  /** In the order of turns. */
  readonly #owners = new Map<string, { steps: (() => void)[]; next: number }>();

  add(owner: string, step: () => void): void {
    const waiting = this.#owners.get(owner);
    if (waiting === undefined) this.#owners.set(owner, { steps: [step], next: 0 });
    else waiting.steps.push(step);
    this.size += 1;
  }

  /** Removes and returns the first step of the owner whose turn it is. */
  take(): (() => void) | undefined {
    for (const [owner, waiting] of this.#owners) {
      this.#owners.delete(owner);
      const step = waiting.steps[waiting.next];
      waiting.next += 1;
      if (waiting.next >= spentLimit) {
        waiting.steps = waiting.steps.slice(waiting.next);
        waiting.next = 0;
      }
      if (waiting.next < waiting.steps.length) this.#owners.set(owner, waiting);
      this.size -= 1;
      return step;
    }
    return undefined;
  }
}
