/** Finds a worker thread that does not respond any more: its nodes would never be scraped again. */
import type { Clock } from '../../../clock.ts';

const checkEveryMs = 5_000;

/**
 * Watches requests until the signal aborts; calls `onStuck` once if the oldest one has waited for too long.
 * @param pending by ID, oldest first; sinceMs is monotonic.
 */
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
    // Twice in a row: after a pause of the whole process the response may be there, but not read yet.
    if (isLate && lateId === oldest?.[0]) return onStuck();
    lateId = isLate ? oldest?.[0] : undefined;
  }
}

function ignoreAbort(): void {
  // The loop looks at the signal.
}
