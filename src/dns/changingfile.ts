/** A small file of the system that may change at any time: it is read again whenever it is another one than before. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** Bytes of a file that are read at most; hosts files that block advertisements have a few MiB, which took 10 ms/MiB to parse. */
const fileLimitBytes = 1024 * 1024;

/**
 * Returns a function that returns what the file says now.
 * A file that is missing or cannot be read says what an empty one does. What is behind the limit is not read.
 */
export function changingFile<T>(path: string, parse: (text: string) => T): () => T {
  let held: { readonly version: string; readonly value: T } | undefined;
  return () => {
    const version = versionOf(path);
    if (held?.version !== version) held = { version, value: parse(version === missing ? '' : read(path)) };
    return held.value;
  };
}

const missing = 'missing';

function versionOf(path: string): string {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (stats?.isFile() !== true) return missing;
    return `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`;
  } catch {
    return missing;
  }
}

function read(path: string): string {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.allocUnsafe(Math.min(fstatSync(file).size, fileLimitBytes));
      return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}
