/** Takes the body of one answer as it comes off the connection, within its limits, to whoever reads it, or keeps it. */
import { BodyBuffer } from '../../client/bodybuffer.ts';
import { type Attempt, BodyTooLargeError, KubeletError } from '../explain/kubeleterror.ts';
import { InflatedTooLargeError, type Inflater, type MakeInflater } from './inflate.ts';
import { bodyLimitBytes, pieceBytes, refusalLimitBytes } from './responselimits.ts';
import { readingBudget } from './readingbudget.ts';

/** What is known of an answer before its body. */
export interface ResponseInfo {
  readonly status: number;
  readonly contentType: string;
  /** The node's clock when it answered, whole seconds, in milliseconds since the epoch; undefined without a Date header. */
  readonly dateMs: number | undefined;
}

/** Takes a body as it comes, uncompressed. */
export interface BodyReader {
  /**
   * The bytes are valid until the call returns: they may be a view of a buffer that is used again. Returns false when nothing that follows is of interest:
   * the rest is then read off the connection and dropped, or not even inflated.
   */
  write(chunk: Buffer): boolean;
}

/** Chooses by its head who takes an answer's body; without a reader the body is kept. */
export type OnBody = (head: ResponseInfo) => BodyReader | undefined;

/** Carries what a reader has thrown past everybody who would take it for a failure of the kubelet. */
export class ReaderFailure extends Error {
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    super('the reader of a body failed');
    this.thrown = thrown;
  }
}

/**
 * Takes the body of one answer. Each method throws a KubeletError when the body is too large or broken, and a ReaderFailure; it is called between `begin`
 * and `end` of the thread's readingBudget.
 */
export class BodyReceiver {
  /** Bytes of the body on the wire. */
  wireBytes = 0;
  readonly #attempt: Attempt;
  readonly #reader: BodyReader | undefined;
  /** Undefined: the body is not compressed. */
  readonly #inflater: Inflater | undefined;
  /** Without a reader. One buffer that grows: a body may come in pieces of a byte, and each one by itself would take a hundred. */
  #kept: BodyBuffer | undefined;
  #keptLeft: number;
  /** What may be read until the clock is looked at. */
  #credit = creditBytes;
  /** A copy of what has come and is not read yet; undefined where there is none, may be empty where a few bytes inflate to many. */
  #left: Buffer | undefined;
  #wanted = true;

  constructor(
    head: ResponseInfo,
    makeInflater: MakeInflater | undefined,
    onBody: OnBody | undefined,
    attempt: Attempt,
  ) {
    this.#attempt = attempt;
    this.#reader = choose(onBody, head);
    this.#keptLeft = head.status === 200 ? Infinity : refusalLimitBytes;
    this.#inflater = makeInflater?.((chunk) => this.#take(chunk));
  }

  /** Reports whether the reader needs what follows. */
  get isWanted(): boolean {
    return this.#wanted;
  }

  /** The bytes are valid until the call returns. Returns false when there was no time to read all of them: `resume` goes on before anything else comes. */
  write(chunk: Buffer): boolean {
    this.wireBytes += chunk.length;
    if (this.wireBytes > bodyLimitBytes) throw tooLarge(this.#attempt);
    if (!this.#wanted) return true;
    this.#credit -= chunk.length + callBytes;
    if (this.#credit < 0) {
      this.#credit = creditBytes;
      if (!readingBudget.isFree) {
        this.#left = Buffer.from(chunk);
        return false;
      }
    }
    return this.#read(chunk);
  }

  /** Reads what `write` has left, and returns what that does. */
  resume(): boolean {
    const left = this.#left;
    this.#left = undefined;
    return left === undefined || this.#read(left);
  }

  #read(chunk: Buffer): boolean {
    const left = this.#inflater === undefined ? this.#takePieces(chunk) : this.#inflate(chunk, this.#inflater);
    if (left === undefined || !this.#wanted) return true;
    this.#left = Buffer.from(left);
    return false;
  }

  /** What was kept, uncompressed; to be called once the whole body has come. */
  end(): Buffer {
    const inflater = this.#inflater;
    if (this.#wanted && inflater !== undefined) this.#guard(inflater, () => inflater.end());
    inflater?.close();
    return this.#kept?.bytes() ?? nothing;
  }

  #take(chunk: Buffer): boolean {
    if (this.#reader === undefined) {
      this.#kept ??= new BodyBuffer();
      this.#kept.add(chunk.length <= this.#keptLeft ? chunk : chunk.subarray(0, this.#keptLeft));
      this.#keptLeft -= chunk.length;
      this.#wanted = this.#keptLeft > 0;
      return this.#wanted;
    }
    try {
      this.#wanted = this.#reader.write(chunk);
    } catch (thrown) {
      throw new ReaderFailure(thrown);
    }
    return this.#wanted;
  }

  /** Returns what there was no time for. */
  #takePieces(chunk: Buffer): Buffer | undefined {
    if (!readingBudget.isLong || chunk.length <= pieceBytes) {
      this.#take(chunk);
      return undefined;
    }
    for (let at = 0; at < chunk.length && this.#wanted; at += pieceBytes) {
      if (at > 0 && readingBudget.isOver) return chunk.subarray(at);
      this.#take(chunk.subarray(at, at + pieceBytes));
    }
    return undefined;
  }

  /** Returns what there was no time for. */
  #inflate(chunk: Buffer, inflater: Inflater): Buffer | undefined {
    const left = this.#guard(inflater, () => inflater.write(chunk, readingBudget));
    if (!this.#wanted) inflater.close();
    return left;
  }

  /** Closes the inflater when something is thrown, and explains what was. */
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

/** Bytes that are read between two looks at the clock; a hostile one takes a microsecond for each twelve. */
const creditBytes = 32 * 1024;
/** What a call costs beside its bytes, in bytes: chunks may have one byte each. */
const callBytes = 32;

const nothing = Buffer.alloc(0);

function choose(onBody: OnBody | undefined, head: ResponseInfo): BodyReader | undefined {
  try {
    return onBody?.(head);
  } catch (thrown) {
    throw new ReaderFailure(thrown);
  }
}

function tooLarge(attempt: Attempt): BodyTooLargeError {
  return new BodyTooLargeError(attempt, `the body is larger than ${bodyLimitBytes} bytes`);
}
