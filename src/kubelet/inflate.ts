/**
 * Inflates gzip step by step while it comes, and no further than somebody wants it.
 *
 * Node's zlib inflates by steps only as a stream, which costs several times what inflating does, or in one go once everything is there. Beneath both is a
 * handle that inflates synchronously from one buffer into another; it is Node's own affair and may change, so it is tried out first. Where it is not as
 * expected everything is inflated at the end, by what is documented: that costs more, and yields the same.
 */
import { constants, createGunzip, gunzipSync, gzipSync } from 'node:zlib';
import { bodyLimitBytes } from './limits.ts';

/** Each method throws an InflatedTooLargeError, what zlib says of broken input, and what the taker throws. */
export interface Inflater {
  /** The bytes are valid until the call returns. */
  write(chunk: Buffer): void;
  /** Everything has come. */
  end(): void;
  /** Gives back what it holds; may be called again, and nothing else after it. */
  close(): void;
}

/** Takes what was inflated: bytes that are valid until the call returns. Returns whether it wants more. */
export type Taker = (chunk: Buffer) => boolean;

export type MakeInflater = (take: Taker) => Inflater;

/** There is more than the limit of a body, inflated. */
export class InflatedTooLargeError extends Error {
  override readonly name = 'InflatedTooLargeError';
}

/** Chooses what this Node can. */
export function chooseInflater(): MakeInflater {
  const output = Buffer.allocUnsafeSlow(stepBytes);
  const byStep: MakeInflater = (take) => new StepInflater(take, output);
  return works(byStep) ? byStep : inflateAtEnd;
}

/** By what is documented. */
export const inflateAtEnd: MakeInflater = (take) => new LastInflater(take);

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
  readonly #take: Taker;
  readonly #output: Buffer;
  readonly #gunzip = createGunzip();
  readonly #handle: Handle;
  /** What is left of output and input. */
  readonly #left: Uint32Array;
  #error: Error | undefined;
  #inflatedBytes = 0;
  #wanted = true;

  constructor(take: Taker, output: Buffer) {
    this.#take = take;
    this.#output = output;
    const { _handle, _writeState } = this.#gunzip as unknown as { _handle: Handle; _writeState: Uint32Array };
    this.#handle = _handle;
    this.#left = _writeState;
    const onerror: Handle['onerror'] = (message, errno, code) =>
      (this.#error = Object.assign(new Error(message), { errno, code }));
    Object.assign(_handle, { onerror });
  }

  write(chunk: Buffer): void {
    this.#step(constants.Z_NO_FLUSH, chunk);
  }

  end(): void {
    this.#step(constants.Z_FINISH, nothing);
  }

  close(): void {
    this.#gunzip.close();
  }

  #step(flush: number, input: Buffer): void {
    let inputBytes = input.length;
    let outputLeft = 0;
    // More may come as long as the output is filled.
    while (outputLeft === 0 && this.#wanted) {
      this.#handle.writeSync(flush, input, input.length - inputBytes, inputBytes, this.#output, 0, this.#output.length);
      if (this.#error !== undefined) throw this.#error;
      [outputLeft = 0, inputBytes = 0] = this.#left;
      const made = this.#output.length - outputLeft;
      this.#inflatedBytes += made;
      if (this.#inflatedBytes > bodyLimitBytes) throw new InflatedTooLargeError('inflated too large');
      if (made > 0) this.#wanted = this.#take(this.#output.subarray(0, made));
    }
  }
}

const nothing = Buffer.alloc(0);

/** Inflates everything at the end. */
class LastInflater implements Inflater {
  readonly #take: Taker;
  readonly #kept: Buffer[] = [];

  constructor(take: Taker) {
    this.#take = take;
  }

  write(chunk: Buffer): void {
    this.#kept.push(Buffer.from(chunk));
  }

  end(): void {
    const body = inflate(Buffer.concat(this.#kept));
    if (body.length > 0) this.#take(body);
  }

  close(): void {}
}

function inflate(body: Buffer): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: bodyLimitBytes, chunkSize: 2 * stepBytes });
  } catch (cause) {
    const tooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw tooLarge ? new InflatedTooLargeError('inflated too large', { cause }) : cause;
  }
}
