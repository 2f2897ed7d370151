/**
 * Inflates gzip in steps, as needed. Node's streams cost several times as much; inflating at once lets a bomb block the
 * thread. The handle below both is private to Node: if it fails a trial, no compressed body is requested.
 */
import { constants, createGunzip, gzipSync } from 'node:zlib';
import type { Borrowed } from '../../sample/borrowed.ts';
import { bodyLimitBytes, pieceBytes } from './responselimits.ts';

/** Methods throw InflatedTooLargeError, zlib's errors for broken input, and the receiver's. */
export interface Inflater {
  /** Returns the rest when the slice ends, else undefined. An empty rest may still inflate to many bytes. */
  write(chunk: Borrowed<Buffer>, slice?: TimeSlice): Buffer | undefined;
  end(): void;
  /** May be called twice. */
  close(): void;
}

/** Read after each full step. */
export interface TimeSlice {
  /** Long bodies take smaller steps. */
  readonly isLong: boolean;
  readonly isOver: boolean;
}

/** Receives inflated bytes. Returns whether it needs more. */
export type TakeInflated = (chunk: Borrowed<Buffer>) => boolean;

export type MakeInflater = (take: TakeInflated) => Inflater;

/** The inflated body exceeds the limit. */
export class InflatedTooLargeError extends Error {
  override readonly name = 'InflatedTooLargeError';
}

/** Returns undefined if this Node cannot inflate in steps. */
export function chooseInflater(): MakeInflater | undefined {
  const output = Buffer.allocUnsafeSlow(stepBytes);
  const byStep: MakeInflater = (take) => new StepInflater(take, output);
  return works(byStep) ? byStep : undefined;
}

/** Stays in a CPU cache. */
const stepBytes = 64 * 1024;

function works(make: MakeInflater): boolean {
  const text = 'as expected '.repeat(10_000);
  const input = gzipSync(text);
  const seen: string[] = [];
  try {
    const inflater = make((chunk) => seen.push(chunk.toString('latin1')) > 0);
    inflater.write(input.subarray(0, 100));
    inflater.write(input.subarray(100));
    inflater.end();
    inflater.close();
    return seen.length > 1 && seen.join('') === text;
  } catch {
    return false;
  }
}

interface Handle {
  /** Reports to onerror, and bytes left to the stream's _writeState. */
  writeSync(
    flush: number,
    input: Buffer,
    inputAt: number,
    inputBytes: number,
    output: Buffer,
    outputAt: number,
    outputBytes: number,
  ): void;
  readonly onerror: (message: string, errno: number, code: string) => void;
}

class StepInflater implements Inflater {
  readonly #take: TakeInflated;
  readonly #output: Buffer;
  readonly #gunzip = createGunzip();
  readonly #handle: Handle;
  readonly #left: Uint32Array;
  #error: Error | undefined;
  #inflatedBytes = 0;
  #isWanted = true;

  constructor(take: TakeInflated, output: Buffer) {
    this.#take = take;
    this.#output = output;
    const { _handle, _writeState } = this.#gunzip as unknown as { _handle: Handle; _writeState: Uint32Array };
    this.#handle = _handle;
    this.#left = _writeState;
    const onerror: Handle['onerror'] = (message, errno, code) =>
      (this.#error = Object.assign(new Error(message), { errno, code }));
    Object.assign(_handle, { onerror });
  }

  write(chunk: Buffer, slice = endless): Buffer | undefined {
    return this.#inflate(constants.Z_NO_FLUSH, chunk, slice);
  }

  end(): void {
    this.#inflate(constants.Z_FINISH, nothing, endless);
  }

  close(): void {
    this.#gunzip.close();
  }

  #inflate(flush: number, input: Buffer, slice: TimeSlice): Buffer | undefined {
    let inputBytes = input.length;
    let outputLeft = 0;
    const outputBytes = slice.isLong ? pieceBytes : this.#output.length;
    // A full output may mean more.
    while (outputLeft === 0 && this.#isWanted) {
      this.#handle.writeSync(flush, input, input.length - inputBytes, inputBytes, this.#output, 0, outputBytes);
      if (this.#error !== undefined) throw this.#error;
      [outputLeft = 0, inputBytes = 0] = this.#left;
      const made = outputBytes - outputLeft;
      this.#inflatedBytes += made;
      if (this.#inflatedBytes > bodyLimitBytes) throw new InflatedTooLargeError('inflated too large');
      if (made > 0) this.#isWanted = this.#take(this.#output.subarray(0, made));
      if (outputLeft === 0 && this.#isWanted && slice.isOver) return input.subarray(input.length - inputBytes);
    }
    return undefined;
  }
}

const endless: TimeSlice = { isLong: false, isOver: false };

const nothing = Buffer.alloc(0);
