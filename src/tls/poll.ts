/** Looks at something now and then, such as a file that somebody else replaces, and tells once about each thing that is wrong with it. */
import type { Clock } from '../clock.ts';

export interface PollOptions {
  /** The first look is after one interval. */
  readonly intervalMs: number;
  readonly clock: Clock;
  /** Called for an error only if the one before it, without a good look between, was another one. */
  readonly complain: (error: unknown) => void;
}

/** Looks until the signal aborts; resolves then, and never rejects. */
export async function poll(look: () => Promise<void>, options: PollOptions, signal: AbortSignal): Promise<void> {
  const { intervalMs, clock, complain } = options;
  let complaint = '';
  for (;;) {
    await clock.sleep(intervalMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await look();
      complaint = '';
    } catch (error) {
      if (String(error) !== complaint) complain(error);
      complaint = String(error);
    }
  }
}
