/** Writes log lines, and never blocks, throws or ends the process: lines wait in a bounded backlog, and further ones are dropped and counted. */
import { constants, openSync, writeSync } from 'node:fs';
import process from 'node:process';
import { isatty } from 'node:tty';

export interface LogOutput {
  write(line: string): void;
}

export interface LogOutputOptions {
  /** Non-blocking; see `standardErrorDescriptor`. */
  readonly fd: number;
  readonly droppedLine: (lines: number, code: string) => string;
}

/** For a full disk or a pipe that is not read. */
export const backlogLimitBytes = 1024 * 1024;

/** Backoff between tries, doubled while there is no progress. */
const shortestPauseMs = 50;
const longestPauseMs = 1_000;

/** How long exit waits for a slow reader, and the pause between tries. */
const lastLinesMs = 250;
const lastLinesPauseMs = 10;

export function createLogOutput({ fd, droppedLine }: LogOutputOptions): LogOutput {
  /** The first may be the rest of a partly written line. */
  const backlog: Buffer[] = [];
  let backlogBytes = 0;
  let dropped = 0;
  let code = '';
  let pauseMs = shortestPauseMs;
  let timer: NodeJS.Timeout | undefined;
  process.once('exit', flushLastLines);
  return { write };

  function write(line: string): void {
    const bytes = Buffer.from(line);
    // The count of dropped lines is logged in their place: no later line precedes it.
    if (dropped > 0 || backlogBytes + bytes.length > backlogLimitBytes) dropped += 1;
    else add(bytes);
    // While lines wait, only the timer writes: a failed try costs a system call and an exception.
    if (timer === undefined && !flush()) retryLater();
  }

  function add(bytes: Buffer): void {
    backlog.push(bytes);
    backlogBytes += bytes.length;
  }

  /** Reports whether the backlog is empty now. */
  function flush(): boolean {
    try {
      do {
        if (backlog.length === 0 && dropped > 0) {
          add(Buffer.from(droppedLine(dropped, code)));
          dropped = 0;
        }
        writeBacklog();
      } while (dropped > 0);
      return true;
    } catch (error) {
      code = codeOf(error);
      return false;
    }
  }

  /** @throws Error at the first line that cannot be written whole. */
  function writeBacklog(): void {
    for (let [line] = backlog; line !== undefined; [line] = backlog) {
      const written = writeSync(fd, line);
      pauseMs = shortestPauseMs;
      backlogBytes -= written;
      if (written < line.length) backlog[0] = line.subarray(written);
      else backlog.shift();
    }
  }

  function retryLater(): void {
    timer = setTimeout(() => {
      timer = undefined;
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
      if (!flush()) retryLater();
    }, pauseMs);
    // Unwritable lines do not keep the process alive.
    timer.unref();
  }

  function flushLastLines(): void {
    if (timer === undefined) return;
    const cell = new Int32Array(new SharedArrayBuffer(4));
    const endMs = performance.now() + lastLinesMs;
    while (!flush() && performance.now() < endMs) Atomics.wait(cell, 0, 0, lastLinesPauseMs);
  }
}

/** Returns standard error, without blocking if it is a pipe, a socket or a terminal. */
export function standardErrorDescriptor(): number {
  // Node makes a pipe or a socket non-blocking when it opens the stream.
  const { fd } = process.stderr;
  if (!isatty(fd)) return fd;
  try {
    // Node makes a terminal blocking, and a stopped terminal (Ctrl-S) would stop the process.
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
