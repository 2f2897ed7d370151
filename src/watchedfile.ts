/** A small file that another program replaces while we run, such as a token, a key pair or a CA bundle. */
import { closeSync, constants, fstatSync, openSync, readSync, statSync, type BigIntStats } from 'node:fs';
import { type Clock, systemClock } from './clock.ts';

/**
 * Keeps the value of the latest usable content: a regular file (links are followed, as in kubelet's projected volumes),
 * not too large, parsed. In a rotation it may be missing, empty or half-written.
 */
export interface WatchedFile<T> {
  /** Looks at the file if `maxAgeMs` have passed. Throws Error without any good value. */
  read(): T;
  /** Looks now. Throws Error if the file cannot be used. The value is the same object while the text is the same. */
  reload(): void;
  expire(): void;
}

export interface WatchedFileOptions<T> {
  readonly path: string;
  readonly what: string;
  readonly remedy: string;
  /** Throws Error for unusable text. */
  readonly parse: (text: string) => T;
  /** Whether a change counts once two looks in turn have met it: half of some texts can be parsed, too. */
  readonly isConfirmed?: boolean;
  /** Until `read` looks again. Infinity: only `reload` looks. */
  readonly maxAgeMs: number;
  /** Default 1 MiB. */
  readonly limitBytes?: number;
  /** A missing file means empty text; so does an unusable one before there is a good value. */
  readonly isOptional?: boolean;
  /** Called once for each problem that `read` meets while there is a good value. */
  readonly onProblem?: ((error: Error) => void) | undefined;
  readonly clock?: Pick<Clock, 'monotonicMs'>;
}

/** A bundle of 500 CA certificates has half as many. */
const defaultLimitBytes = 1024 * 1024;
/** After this a file's times show a change: their clock ticks every few milliseconds. Until then text is compared. */
const settledMs = 2_000;

/** O_NONBLOCK: opening a FIFO does not wait for a writer. */
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK;

export function watchFile<T>(options: WatchedFileOptions<T>): WatchedFile<T> {
  const { path, what, remedy, parse, maxAgeMs, isOptional = false, onProblem, clock = systemClock } = options;
  const { limitBytes = defaultLimitBytes, isConfirmed = false } = options;
  let good: { readonly text: string; readonly value: T } | undefined;
  let lastText: string | undefined;
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
        // A file that could not be read, as for lack of descriptors, is read again at the next look.
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
    const isSeenTwice = text === lastText;
    lastText = text;
    if (isConfirmed && !isSeenTwice && good !== undefined && text !== good.text) {
      looked = { version: unknownVersion, problem: undefined };
      return;
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

class UnreadFileError extends Error {}

/** For a file whose times show no change yet, or that cannot be looked at. */
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
 * Reads a file without waiting for the writer of a FIFO.
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

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
