/** Long computations in short steps, so that the caller can share the event loop's turns between them and everything else. */

/** A computation in steps, each of which takes a millisecond or less. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Runs all steps at once. */
export function runAtOnce<T>(steps: Steps<T>): T {
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}
