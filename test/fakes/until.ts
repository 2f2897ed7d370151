/** Waits for something that another side of a test does in its own time. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Long enough for a busy machine; a test that works needs a fraction of it. */
const limitMs = 60_000;

/** Resolves as soon as the condition holds; rejects with its description when it never does. */
export async function until(description: string, condition: () => boolean): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`waited ${limitMs} ms in vain until ${description}`);
    await sleep(2);
  }
}
