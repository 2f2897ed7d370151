/** A small file that another program replaces while we run: a token, a key pair, a CA bundle, a hosts file. One set of rules for all of them. */
import { closeSync, constants, fstatSync, openSync, readSync, statSync, type BigIntStats } from 'node:fs';
import { type Clock, systemClock } from './clock.ts';

/**
 * The value of the file's latest usable content. Content counts as usable if the file is a regular one (symbolic links are followed, as in
 * kubelet's projected volumes), is not too large, and can be parsed. Whatever else the file becomes, the last good value stays: in the middle
 * of a rotation it may be missing, empty or half-written.
 */
export interface WatchedFile<T> {
  /** Returns the last good value, after a look at the file if `maxAgeMs` have passed. Throws Error if there has been no good value. */
  read(): T;
  /** Looks at the file now. Throws Error if it cannot be used. The value is the same object as long as the text is the same. */
  reload(): void;
  /** Makes the next `read` look at the file. */
  expire(): void;
}

export interface WatchedFileOptions<T> {
  readonly path: string;
  /** Names the file in errors, before its path; e.g. `the ServiceAccount token`. */
  readonly what: string;
  /** Says what an operator can do when the file cannot be read. */
  readonly remedy: string;
  /** Throws Error for text that cannot be used. Called only when the text has changed. */
  readonly parse: (text: string) => T;
  /** Milliseconds after which `read` looks again. Infinity: only `reload` looks. */
  readonly maxAgeMs: number;
  /** Default 1 MiB. */
  readonly limitBytes?: number;
  /** Whether a missing file means empty text; a file that cannot be used before there is a good value does, too. */
  readonly isOptional?: boolean;
  /** Called when `read` meets a problem while there is a good value, once until the problem changes or ends. */
  readonly onProblem?: ((error: Error) => void) | undefined;
  readonly clock?: Pick<Clock, 'monotonicMs'>;
}

/** Bytes of a file unless the options say otherwise: a bundle of 500 CA certificates has half as many. */
const defaultLimitBytes = 1024 * 1024;
/**
 * Milliseconds after which a file's times show a change. The kernel's clock for them ticks every few milliseconds, so a file that was just
 * written may be written again without another time; until then its text is compared.
 */
const settledMs = 2_000;

/** O_NONBLOCK: opening a FIFO does not wait for a writer. */
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK;

export function watchFile<T>(options: WatchedFileOptions<T>): WatchedFile<T> {
  const { path, what, remedy, parse, maxAgeMs, isOptional = false, onProblem, clock = systemClock } = options;
  const { limitBytes = defaultLimitBytes } = options;
  let good: { readonly text: string; readonly value: T } | undefined;
  /** Identifies the content that was looked at last, and whether it could be used. */
  let looked: { readonly version: string; readonly problem: Error | undefined } | undefined;
  let lookedAtMs = -Infinity;
  let reported = '';
  return { read, reload: look, expire: () => void (lookedAtMs = -Infinity) };

  function read(): T {
    if (good === undefined || clock.monotonicMs() - lookedAtMs >= maxAgeMs) {
      try {
        look();
        reported = '';
      } catch (error) {
        if (good === undefined && isOptional) take('');
        if (good === undefined) throw error;
        report(error as Error);
      }
    }
    return (good as NonNullable<typeof good>).value;
  }

  function look(): void {
    lookedAtMs = clock.monotonicMs();
    const version = versionOf(path);
    if (looked?.version !== version || version === unknownVersion) {
      looked = { version, problem: undefined };
      try {
        load();
      } catch (error) {
        // A file that could not be read, such as for lack of file descriptors, is read again at the next look.
        looked = { version: error instanceof UnreadFileError ? unknownVersion : version, problem: error as Error };
      }
    }
    if (looked.problem !== undefined) throw looked.problem;
  }

  function load(): void {
    let text: string;
    try {
      text = readRegularFile(path, limitBytes);
    } catch (cause) {
      const message = `cannot read ${named()}; ${remedy}`;
      if (codeOf(cause) === undefined) throw new Error(message, { cause });
      if (!isOptional || !isMissing(cause)) throw new UnreadFileError(message, { cause });
      text = '';
    }
    try {
      take(text);
    } catch (cause) {
      throw new Error(`cannot use ${named()}`, { cause });
    }
  }

  function take(text: string): void {
    if (good?.text !== text) good = { text, value: parse(text) };
  }

  function report(error: Error): void {
    const text = `${error.message} ${String(error.cause)}`;
    if (text !== reported) onProblem?.(error);
    reported = text;
  }

  function named(): string {
    return what === '' ? path : `${what} ${path}`;
  }
}

/** The system returned no content. */
class UnreadFileError extends Error {}

/** Stands for a file whose times do not show yet whether it changed, or that cannot be looked at. */
const unknownVersion = '';
const missingVersion = 'missing';

function versionOf(path: string): string {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return missingVersion;
    return isSettled(stats)
      ? `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`
      : unknownVersion;
  } catch {
    return unknownVersion;
  }
}

function isSettled({ mtimeMs, ctimeMs }: BigIntStats): boolean {
  return Math.abs(Date.now() - Number(mtimeMs > ctimeMs ? mtimeMs : ctimeMs)) > settledMs;
}

/**
 * Reads a file at once, without waiting for the writer of a FIFO.
 * @throws Error that says what the file is instead, or the file system's error.
 */
export function readRegularFile(path: string, limitBytes: number): string {
  const file = openSync(path, openFlags);
  try {
    const stats = fstatSync(file);
    if (stats.isDirectory()) throw new Error('it is a directory');
    if (!stats.isFile()) throw new Error('it is not a regular file');
    // One byte more than it has: it may grow meanwhile.
    const bytes = Buffer.allocUnsafe(Math.min(stats.size, limitBytes) + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got) {
      got = readSync(file, bytes, length, bytes.length - length, null);
    }
    if (length > limitBytes) throw new Error(`it has more than ${limitBytes} bytes`);
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(file);
  }
}

function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Returns undefined for an error that is not the system's. */
function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
