/** Long computations in steps, so that the event loop runs in between. */

/** A step takes at most a millisecond. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Runs all steps at once. */
export function runAtOnce<T>(steps: Steps<T>): T {
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}
