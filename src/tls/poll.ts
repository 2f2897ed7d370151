/** Polls for another program's changes, and reports each distinct problem once. */
import type { Clock } from '../clock.ts';

export interface PollOptions {
  /** Milliseconds, also before the first look. */
  readonly intervalMs: number;
  readonly clock: Clock;
  /** Skips repetitions of an error without a good look between. */
  readonly onProblem: (error: unknown) => void;
}

/** Polls until the signal aborts. Never rejects. */
export async function poll(look: () => Promise<void>, options: PollOptions, signal: AbortSignal): Promise<void> {
  const { intervalMs, clock, onProblem } = options;
  let reported = '';
  for (;;) {
    await clock.sleep(intervalMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await look();
      reported = '';
    } catch (error) {
      if (String(error) !== reported) onProblem(error);
      reported = String(error);
    }
  }
}
