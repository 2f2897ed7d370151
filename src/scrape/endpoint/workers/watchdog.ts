/** Finds a worker thread that no longer responds: its nodes would never be scraped again. */
import type { Clock } from '../../../clock.ts';

const checkEveryMs = 5_000;

/** Calls `onStuck` once if the oldest request waits too long. @param pending by ID, oldest first; sinceMs is monotonic. */
export async function watchPending(
  pending: ReadonlyMap<number, { readonly sinceMs: number }>,
  limitMs: number,
  clock: Clock,
  signal: AbortSignal,
  onStuck: () => void,
): Promise<void> {
  let lateId: number | undefined;
  while (!signal.aborted) {
    await clock.sleep(checkEveryMs, signal).catch(ignoreAbort);
    const [oldest] = pending;
    const waitedMs = oldest === undefined ? 0 : clock.monotonicMs() - oldest[1].sinceMs;
    const isLate = waitedMs > limitMs;
    // Twice in a row: after a pause of the process the response may be there, but unread.
    if (isLate && lateId === oldest?.[0]) return onStuck();
    lateId = isLate ? oldest?.[0] : undefined;
  }
}

function ignoreAbort(): void {
  // The loop looks at the signal.
}
