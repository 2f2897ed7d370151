/** Steps that strangers can ask for in any number, such as those of a TLS handshake: what takes longer than its share of a turn of the event loop waits. */

/** Milliseconds of steps in one turn; then whatever else there is has its turn. */
export const turnBudgetMs = 8;

/** Runs the step soon, after those that came before. */
export type InTurn = (step: () => void) => void;

export interface Turns {
  readonly inTurn: InTurn;
  /** Runs the step now where nothing waits and the turn has time left; else as `inTurn`. */
  readonly atOnce: InTurn;
}

/** Steps that were too late for their turn and are asked to run in one later turn. */
const lateLimit = 256;

/** Steps that have run and are kept. */
const doneLimit = 1_024;

/**
 * Each step is an immediate of its own, so that what it leaves to the next tick and to promises counts, too.
 * @param nowMs the time in milliseconds.
 */
export function createTurns(nowMs: () => number = () => performance.now()): Turns {
  let waiting: (() => void)[] = [];
  /** The first of `waiting` that has not run. */
  let at = 0;
  /** Immediates that found the turn's time used up. */
  let late = 0;
  /** When this turn's time is used up; undefined until its first step. */
  let endMs: number | undefined;
  return { inTurn, atOnce };

  function inTurn(step: () => void): void {
    waiting.push(step);
    setImmediate(run);
  }

  function atOnce(step: () => void): void {
    if (at === waiting.length && hasTime()) step();
    else inTurn(step);
  }

  /** Begins the turn with its first step. */
  function hasTime(): boolean {
    if (endMs !== undefined) return nowMs() < endMs;
    endMs = nowMs() + turnBudgetMs;
    setImmediate(nextTurn);
    return true;
  }

  function run(): void {
    if (!hasTime()) {
      late += 1;
      return;
    }
    const step = waiting[at];
    at += 1;
    // In a flood there is always one that waits.
    if (at === waiting.length || at >= doneLimit) {
      waiting = waiting.slice(at);
      at = 0;
    }
    step?.();
  }

  function nextTurn(): void {
    endMs = undefined;
    const count = Math.min(late, lateLimit);
    late -= count;
    for (let each = 0; each < count; each += 1) setImmediate(run);
  }
}
