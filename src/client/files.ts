/** A small file that somebody else replaces now and then: a token, a certificate, a CA bundle. */
import { readFileSync } from 'node:fs';
import type { Clock } from '../clock.ts';

export interface RereadFile {
  /** The trimmed text, at most ten seconds old. Throws only if the file could not be read even once. */
  read(): string;
  /** Makes the next read look at the file, however young the text is. */
  expire(): void;
}

/** A rotated ServiceAccount token stays good for minutes, so this is soon enough; and reading 2 kB is cheaper than watching it. */
const maxAgeMs = 10_000;

/**
 * @param what names the file in the error, with its path behind it.
 * @param remedy says what to do when it cannot be read.
 */
export function rereadFile(what: string, path: string, remedy: string, clock: Clock): RereadFile {
  let held: string | undefined;
  let readAtMs = 0;
  let expired = false;
  return { read, expire };

  function read(): string {
    if (held !== undefined && !expired && clock.monotonicMs() - readAtMs < maxAgeMs) return held;
    readAtMs = clock.monotonicMs();
    expired = false;
    try {
      held = nonEmpty(readFileSync(path, 'utf8').trim());
    } catch (cause) {
      // In the middle of a rotation the file may be missing or empty; what was good a moment ago still is, or the server says no.
      if (held === undefined) throw new Error(`cannot read ${what} ${path}; ${remedy}`, { cause });
    }
    return held;
  }

  function expire(): void {
    expired = true;
  }
}

function nonEmpty(content: string): string {
  if (content === '') throw new Error('the file is empty');
  return content;
}
