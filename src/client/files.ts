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
 * @param parse returns what is used of the trimmed text, and throws an Error where it is of no use; it is called when the text has changed.
 */
export function rereadFile(
  what: string,
  path: string,
  remedy: string,
  clock: Clock,
  parse: (text: string) => string = nonEmpty,
): RereadFile {
  let held: { readonly raw: string; readonly used: string } | undefined;
  let readAtMs = 0;
  let expired = false;
  return { read, expire };

  function read(): string {
    if (held !== undefined && !expired && clock.monotonicMs() - readAtMs < maxAgeMs) return held.used;
    readAtMs = clock.monotonicMs();
    expired = false;
    try {
      const raw = readFileSync(path, 'utf8').trim();
      if (raw !== held?.raw) held = { raw, used: parse(raw) };
    } catch (cause) {
      // In the middle of a rotation the file may be missing or empty; what was good a moment ago still is, or the server says no.
      if (held === undefined) throw new Error(`cannot read ${what} ${path}; ${remedy}`, { cause });
    }
    return held.used;
  }

  function expire(): void {
    expired = true;
  }
}

function nonEmpty(content: string): string {
  if (content === '') throw new Error('the file is empty');
  return content;
}
