/** The system's configuration files about names, which may change at any time. */
import { watchFile } from '../watchedfile.ts';

/** Bytes that are read: hosts files that block advertisements have a few MiB, which took 10 ms/MiB to parse. */
const limitBytes = 8 * 1024 * 1024;

/** Returns a function that returns what the file says now. A missing file says the same as an empty one. */
export function watchSystemFile<T>(path: string, parse: (text: string) => T): () => T {
  return watchFile({ path, what: '', remedy: 'correct it', parse, maxAgeMs: 0, limitBytes, isOptional: true }).read;
}
