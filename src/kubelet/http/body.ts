/** Receives a body within its limits, inflates it, and passes it to a reader or keeps it. */
import { BodyBuffer } from '../../client/bodybuffer.ts';
import type { Borrowed } from '../../sample/borrowed.ts';
import { type Attempt, BodyTooLargeError, KubeletError } from '../explain/kubeleterror.ts';
import { InflatedTooLargeError, type Inflater, type MakeInflater } from './inflate.ts';
import { readingBudget } from './readingbudget.ts';
import type { ResponseInfo } from './responsehead.ts';
import { bodyLimitBytes, errorBodyLimitBytes, pieceBytes } from './responselimits.ts';

export interface ResponseBodyReader {
  /** Returns false to drop the rest, without inflating it. */
  write(chunk: Borrowed<Buffer>): boolean;
}

/** Chooses the reader of a response's body. Without a reader the body is kept. */
export type OnBody = (info: ResponseInfo) => ResponseBodyReader | undefined;

/** A reader's error, which is no kubelet failure. */
export class ReaderFailure extends Error {
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    super('the reader of a body failed');
    this.thrown = thrown;
  }
}

/** Throws a KubeletError if the body is too large or broken, or a ReaderFailure. For use within the reading budget. */
export class BodyReceiver {
  wireBytes = 0;
  readonly #attempt: Attempt;
  readonly #reader: ResponseBodyReader | undefined;
  /** Undefined without compression. */
  readonly #inflater: Inflater | undefined;
  /** One growing buffer: chunks may have one byte each. */
  #kept: BodyBuffer | undefined;
  #keptLeft: number;
  #credit = creditBytes;
  /** A copy of unread bytes; a few, even none, may inflate to many. */
  #left: Buffer | undefined;
  #isWanted = true;

  constructor(
    info: ResponseInfo,
    makeInflater: MakeInflater | undefined,
    onBody: OnBody | undefined,
    attempt: Attempt,
  ) {
    this.#attempt = attempt;
    this.#reader = choose(onBody, info);
    this.#keptLeft = info.status === 200 ? Infinity : errorBodyLimitBytes;
    this.#inflater = makeInflater?.((chunk) => this.#take(chunk));
  }

  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** Returns false if the slice ended: then `resume`. */
  write(chunk: Borrowed<Buffer>): boolean {
    this.wireBytes += chunk.length;
    if (this.wireBytes > bodyLimitBytes) throw tooLarge(this.#attempt);
    if (!this.#isWanted) return true;
    this.#credit -= chunk.length + callBytes;
    if (this.#credit < 0) {
      this.#credit = creditBytes;
      if (!readingBudget.mayRead) {
        this.#left = Buffer.from(chunk);
        return false;
      }
    }
    return this.#read(chunk);
  }

  resume(): boolean {
    const left = this.#left;
    this.#left = undefined;
    return left === undefined || this.#read(left);
  }

  end(): Buffer {
    const inflater = this.#inflater;
    if (this.#isWanted && inflater !== undefined) this.#guard(inflater, () => inflater.end());
    inflater?.close();
    return this.#kept?.bytes() ?? nothing;
  }

  #read(chunk: Buffer): boolean {
    const left = this.#inflater === undefined ? this.#takePieces(chunk) : this.#inflate(chunk, this.#inflater);
    if (left === undefined || !this.#isWanted) return true;
    this.#left = Buffer.from(left);
    return false;
  }

  #take(chunk: Buffer): boolean {
    if (this.#reader === undefined) {
      this.#kept ??= new BodyBuffer();
      this.#kept.add(chunk.length <= this.#keptLeft ? chunk : chunk.subarray(0, this.#keptLeft));
      this.#keptLeft -= chunk.length;
      this.#isWanted = this.#keptLeft > 0;
      return this.#isWanted;
    }
    try {
      this.#isWanted = this.#reader.write(chunk);
    } catch (thrown) {
      throw new ReaderFailure(thrown);
    }
    return this.#isWanted;
  }

  #takePieces(chunk: Buffer): Buffer | undefined {
    if (!readingBudget.isLong || chunk.length <= pieceBytes) {
      this.#take(chunk);
      return undefined;
    }
    for (let at = 0; at < chunk.length && this.#isWanted; at += pieceBytes) {
      if (at > 0 && readingBudget.isOver) return chunk.subarray(at);
      this.#take(chunk.subarray(at, at + pieceBytes));
    }
    return undefined;
  }

  #inflate(chunk: Buffer, inflater: Inflater): Buffer | undefined {
    const left = this.#guard(inflater, () => inflater.write(chunk, readingBudget));
    if (!this.#isWanted) inflater.close();
    return left;
  }

  #guard<T>(inflater: Inflater, step: () => T): T {
    try {
      return step();
    } catch (cause) {
      inflater.close();
      if (cause instanceof ReaderFailure) throw cause;
      if (cause instanceof InflatedTooLargeError) throw tooLarge(this.#attempt);
      throw new KubeletError(this.#attempt, 'the compressed body is broken', { cause });
    }
  }
}

/** Between two checks of the clock. Twelve bytes of a hostile body take 1 us. */
const creditBytes = 32 * 1024;
/** A call's cost: chunks may have one byte each. */
const callBytes = 32;

const nothing = Buffer.alloc(0);

function choose(onBody: OnBody | undefined, info: ResponseInfo): ResponseBodyReader | undefined {
  try {
    return onBody?.(info);
  } catch (thrown) {
    throw new ReaderFailure(thrown);
  }
}

function tooLarge(attempt: Attempt): BodyTooLargeError {
  return new BodyTooLargeError(attempt, `the body is larger than ${bodyLimitBytes} bytes`);
}
