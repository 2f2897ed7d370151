/** The system's configuration files about names, which may change at any time. */
import { watchFile } from '../watchedfile.ts';

/** Hosts files that block advertisements have a few MiB, at 10 ms/MiB to parse. */
const limitBytes = 8 * 1024 * 1024;

/** Returns a reader of the current file; a missing one is empty. */
export function watchSystemFile<T>(path: string, parse: (text: string) => T): () => T {
  return watchFile({ path, what: '', remedy: 'correct it', parse, maxAgeMs: 0, limitBytes, isOptional: true }).read;
}
