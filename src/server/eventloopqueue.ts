/**
 * Shares the event loop between callers. A step runs at once while the iteration has time left; otherwise it waits, and owners take turns (round robin).
 * So a caller waits for one step of each other caller, not for all requests of one.
 */

/** Milliseconds of steps in one iteration of the event loop; then I/O, timers and other queues run. */
export const iterationBudgetMs = 8;

/** The share of an owner: a client network, with connections as parts, or a user. */
export interface QueueShare {
  /**
   * Runs the step in a later phase of the event loop.
   * @param isUrgent whether it precedes all steps that are not.
   */
  enqueue(step: () => void, isUrgent?: boolean): void;
  /** Runs the step now if nothing waits and the iteration has time left; otherwise enqueues it. Returns whether it ran. */
  runOrEnqueue(step: () => void, isUrgent?: boolean): boolean;
  /** Returns undefined if the owner may go on now, else a promise that resolves at its turn. */
  turn(): Promise<void> | undefined;
}

export interface EventLoopQueue {
  /** @param part takes turns with other parts of the owner. */
  shareOf(owner: string, part?: unknown): QueueShare;
}

interface Membership {
  readonly owner: string;
  readonly part: unknown;
}

/** Immediates that found the budget spent and are scheduled again in one iteration. */
const rescheduledLimit = 256;

/**
 * Creates a queue. Each step runs in an immediate of its own, so that its microtasks and next ticks count, too.
 * @param nowMs the time in milliseconds.
 */
export function createEventLoopQueue(nowMs: () => number = () => performance.now()): EventLoopQueue {
  const urgent = new RoundRobin();
  const normal = new RoundRobin();
  /** Immediates that found the budget spent. */
  let late = 0;
  /** When this iteration's budget is spent; undefined until its first step. */
  let endMs: number | undefined;
  return {
    shareOf: (owner, part) => ({
      enqueue: (step, isUrgent) => enqueue({ owner, part }, step, isUrgent),
      runOrEnqueue(step, isUrgent) {
        const isNow = mayRunNow();
        if (isNow) step();
        else enqueue({ owner, part }, step, isUrgent);
        return isNow;
      },
      turn: () => (mayRunNow() ? undefined : new Promise<void>((resolve) => enqueue({ owner, part }, resolve))),
    }),
  };

  function enqueue({ owner, part }: Membership, step: () => void, isUrgent = false): void {
    (isUrgent ? urgent : normal).add(owner, part, step);
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

/** Steps that have run and are kept in an array. */
const spentLimit = 1_024;

class StepQueue {
  #steps: (() => void)[] = [];
  #next = 0;

  add(step: () => void): void {
    this.#steps.push(step);
  }

  take(): (() => void) | undefined {
    const step = this.#steps[this.#next];
    this.#next += 1;
    if (this.#next >= spentLimit) {
      this.#steps = this.#steps.slice(this.#next);
      this.#next = 0;
    }
    return step;
  }

  isEmpty(): boolean {
    return this.#next >= this.#steps.length;
  }
}

/** Owners take turns, and parts of an owner. */
class RoundRobin {
  size = 0;
  /** By owner and part, in the order of turns. */
  readonly #owners = new Map<string, Map<unknown, StepQueue>>();

  add(owner: string, part: unknown, step: () => void): void {
    let parts = this.#owners.get(owner);
    if (parts === undefined) this.#owners.set(owner, (parts = new Map()));
    let steps = parts.get(part);
    if (steps === undefined) parts.set(part, (steps = new StepQueue()));
    steps.add(step);
    this.size += 1;
  }

  /** Removes and returns the next step. Its owner and part move to the end. */
  take(): (() => void) | undefined {
    for (const [owner, parts] of this.#owners) {
      this.#owners.delete(owner);
      for (const [part, steps] of parts) {
        parts.delete(part);
        const step = steps.take();
        if (!steps.isEmpty()) parts.set(part, steps);
        if (parts.size > 0) this.#owners.set(owner, parts);
        this.size -= 1;
        return step;
      }
    }
    return undefined;
  }
}
