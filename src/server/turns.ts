/** Steps that strangers can ask for in any number, such as those of a TLS handshake: what takes longer than its share of a turn of the event loop waits. */

/** Milliseconds of steps in one turn; then whatever else there is has its turn. */
export const turnBudgetMs = 8;

/** Runs the step soon, after those that came before. */
export type InTurn = (step: () => void) => void;

/** @param nowMs the time in milliseconds. */
export function createTurns(nowMs: () => number = () => performance.now()): InTurn {
  let waiting: (() => void)[] = [];
  let isScheduled = false;
  return (step) => {
    waiting.push(step);
    if (!isScheduled) schedule();
  };

  function schedule(): void {
    isScheduled = true;
    setImmediate(run);
  }

  function run(): void {
    isScheduled = false;
    const endMs = nowMs() + turnBudgetMs;
    const steps = waiting;
    waiting = [];
    let done = 0;
    try {
      for (; done < steps.length && (done === 0 || nowMs() < endMs); ) {
        done += 1;
        steps[done - 1]?.();
      }
    } finally {
      // Those that were added meanwhile come after those that are left.
      waiting = [...steps.slice(done), ...waiting];
      if (waiting.length > 0 && !isScheduled) schedule();
    }
  }
}
