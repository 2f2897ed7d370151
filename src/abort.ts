/** Waiting with an end. */

/**
 * The promise's outcome, or a rejection with the signal's reason as soon as that aborts. Takes its listener away again: on a signal that
 * lives as long as the process they would pile up.
 */
export async function untilAborted<T>(promise: T | Promise<T>, signal: AbortSignal): Promise<T> {
  // What is there already is not waited for.
  if (!(promise instanceof Promise)) return promise;
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
