/** Runs work on many objects, a few at a time. */

/** Returns results in the order of the objects. Stops starting work once the signal aborts; those left out are undefined. */
export async function mapLimited<T, R>(
  objects: readonly T[],
  limit: number,
  signal: AbortSignal,
  work: (object: T) => Promise<R>,
): Promise<readonly (R | undefined)[]> {
  const results: (R | undefined)[] = Array.from({ length: objects.length });
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < objects.length && !signal.aborted) {
      const at = next;
      next += 1;
      results[at] = await work(objects[at] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, objects.length) }, worker));
  return results;
}
