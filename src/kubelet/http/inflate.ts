/**
 * Inflates gzip step by step while it comes, and no further than somebody wants it.
 *
 * Node's zlib inflates by steps only as a stream, which costs several times what inflating does, or in one go once everything is there. Beneath both is a
 * handle that inflates synchronously from one buffer into another; it is Node's own affair and may change, so it is tried out first. Where it is not as
 * expected nothing is asked for compressed: in one go a bomb would hold the thread.
 */
import { constants, createGunzip, gzipSync } from 'node:zlib';
import { bodyLimitBytes, pieceBytes } from './responselimits.ts';

/** Each method throws an InflatedTooLargeError, what zlib says of broken input, and what the taker throws. */
export interface Inflater {
  /**
   * Inflates the chunk, whose bytes are valid until the call returns, as long as there is time, which is asked with each full step. Returns undefined when
   * all of it was taken, otherwise what is left of it, to be written before anything else: it may be empty, as a few bytes inflate to many.
   */
  write(chunk: Buffer, pace?: TimeSlice): Buffer | undefined;
  /** Everything has come. */
  end(): void;
  /** Gives back what it holds; may be called again, and nothing else after it. */
  close(): void;
}

/** How long an inflater may go on. */
export interface TimeSlice {
  /** Whether the body is a long one, which is inflated in smaller steps. */
  readonly isLong: boolean;
  readonly isOver: boolean;
}

/** Takes what was inflated: bytes that are valid until the call returns. Returns whether it wants more. */
export type TakeInflated = (chunk: Buffer) => boolean;

export type MakeInflater = (take: TakeInflated) => Inflater;

/** There is more than the limit of a body, inflated. */
export class InflatedTooLargeError extends Error {
  override readonly name = 'InflatedTooLargeError';
}

/** Returns what makes an inflater; undefined where this Node cannot inflate by steps. */
export function chooseInflater(): MakeInflater | undefined {
  const output = Buffer.allocUnsafeSlow(stepBytes);
  const byStep: MakeInflater = (take) => new StepInflater(take, output);
  return works(byStep) ? byStep : undefined;
}

/** Inflated at a time: small enough to stay in a cache until its reader has read it. */
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

/** What is used of zlib's handle. */
interface Handle {
  /** Reports to onerror, and how much is left of output and input to the stream's _writeState. */
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
  /** What is left of output and input. */
  readonly #left: Uint32Array;
  #error: Error | undefined;
  #inflatedBytes = 0;
  #wanted = true;

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

  write(chunk: Buffer, pace = endless): Buffer | undefined {
    return this.#inflate(constants.Z_NO_FLUSH, chunk, pace);
  }

  end(): void {
    this.#inflate(constants.Z_FINISH, nothing, endless);
  }

  close(): void {
    this.#gunzip.close();
  }

  #inflate(flush: number, input: Buffer, pace: TimeSlice): Buffer | undefined {
    let inputBytes = input.length;
    let outputLeft = 0;
    const room = pace.isLong ? pieceBytes : this.#output.length;
    // More may come as long as the output is filled.
    while (outputLeft === 0 && this.#wanted) {
      this.#handle.writeSync(flush, input, input.length - inputBytes, inputBytes, this.#output, 0, room);
      if (this.#error !== undefined) throw this.#error;
      [outputLeft = 0, inputBytes = 0] = this.#left;
      const made = room - outputLeft;
      this.#inflatedBytes += made;
      if (this.#inflatedBytes > bodyLimitBytes) throw new InflatedTooLargeError('inflated too large');
      if (made > 0) this.#wanted = this.#take(this.#output.subarray(0, made));
      if (outputLeft === 0 && this.#wanted && pace.isOver) return input.subarray(input.length - inputBytes);
    }
    return undefined;
  }
}

const endless: TimeSlice = { isLong: false, isOver: false };

const nothing = Buffer.alloc(0);
