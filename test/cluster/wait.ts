/** Waits until something is so, or says what it was waiting for and why it was not. */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks every intervalMs until the condition answers with anything but undefined or false, and returns that.
 * A condition that throws is asked again; its last error is part of the message when timeoutMs have passed.
 * GiveUp ends the wait at once.
 */
export async function waitFor<T>(
  description: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs: number,
  intervalMs = 250,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const answer = await condition();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      if (error instanceof GiveUp) throw error;
      failure = error;
    }
    if (performance.now() >= deadlineMs) {
      const why = failure instanceof Error ? `; last error: ${failure.message}` : '';
      throw new Error(`waited ${timeoutMs / 1000} s for ${description}${why}`, { cause: failure });
    }
    await sleep(intervalMs);
  }
}

/** Thrown by a condition that can never become true any more. */
export class GiveUp extends Error {}
