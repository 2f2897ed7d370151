/**
 * Shares the event loop between callers, round robin. A step runs at once while the iteration has time. A caller waits
 * for one step of each other caller, not for all of one.
 */

/** Milliseconds of steps per event loop iteration; then I/O, timers and other queues run. */
export const iterationBudgetMs = 8;

/** A client network with connections as parts, a user, a server that is connected to, or kubelets with their connections and responses. */
export interface QueueShare {
  /**
   * Runs the step in a later phase.
   * @param isUrgent precedes all that are not.
   */
  enqueue(step: () => void, isUrgent?: boolean): void;
  /** Returns whether the step ran at once: nothing waits, and time is left. */
  runOrEnqueue(step: () => void, isUrgent?: boolean): boolean;
  /** Returns undefined if the owner may go on now, else a promise of its turn. */
  turn(): Promise<void> | undefined;
}

export interface EventLoopQueue {
  shareOf(owner: string, part?: unknown): QueueShare;
}

interface Membership {
  readonly owner: string;
  readonly part: unknown;
}

/** Immediates rescheduled in one iteration because its budget is spent. */
const rescheduledLimit = 256;

/** Creates a queue. Each step runs in its own immediate, so that its microtasks and next ticks count. */
export function createEventLoopQueue(nowMs: () => number = () => performance.now()): EventLoopQueue {
  const urgent = new RoundRobin();
  const normal = new RoundRobin();
  /** Immediates of this iteration that found the budget spent. */
  let late = 0;
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

class RoundRobin {
  size = 0;
  /** In the order of turns. */
  readonly #owners = new Map<string, Map<unknown, StepQueue>>();

  add(owner: string, part: unknown, step: () => void): void {
    let parts = this.#owners.get(owner);
    if (parts === undefined) this.#owners.set(owner, (parts = new Map()));
    let steps = parts.get(part);
    if (steps === undefined) parts.set(part, (steps = new StepQueue()));
    steps.add(step);
    this.size += 1;
  }

  /** Removes the next step, and moves its owner and part to the end. */
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
