/** Takes the body of one answer as it comes off the connection, within its limits, to whoever reads it, or keeps it. */
import { BodyBuffer } from '../client/bodybuffer.ts';
import { type Attempt, BodyTooLargeError, KubeletError } from './failure.ts';
import { InflatedTooLargeError, type Inflater, type MakeInflater } from './inflate.ts';
import { bodyLimitBytes } from './limits.ts';

/** What is known of an answer before its body. */
export interface AnswerHead {
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
export type OnBody = (head: AnswerHead) => BodyReader | undefined;

/** Carries what a reader has thrown past everybody who would take it for a failure of the kubelet. */
export class ReaderFailure extends Error {
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    super('the reader of a body failed');
    this.thrown = thrown;
  }
}

/** Of one answer. Each method throws a KubeletError when the body is too large or broken, and a ReaderFailure. */
export class Intake {
  /** Bytes of the body on the wire. */
  wireBytes = 0;
  readonly #attempt: Attempt;
  readonly #reader: BodyReader | undefined;
  /** Undefined: the body is not compressed. */
  readonly #inflater: Inflater | undefined;
  /** Without a reader. One buffer that grows: a body may come in pieces of a byte, and each one by itself would take a hundred. */
  #kept: BodyBuffer | undefined;
  #wanted = true;

  constructor(head: AnswerHead, makeInflater: MakeInflater | undefined, onBody: OnBody | undefined, attempt: Attempt) {
    this.#attempt = attempt;
    this.#reader = choose(onBody, head);
    this.#inflater = makeInflater?.((chunk) => this.#take(chunk));
  }

  /** Reports whether the reader needs what follows. */
  get isWanted(): boolean {
    return this.#wanted;
  }

  /** The bytes are valid until the call returns. */
  write(chunk: Buffer): void {
    this.wireBytes += chunk.length;
    if (this.wireBytes > bodyLimitBytes) throw tooLarge(this.#attempt);
    if (!this.#wanted) return;
    if (this.#inflater === undefined) this.#take(chunk);
    else this.#inflate((inflater) => inflater.write(chunk));
  }

  /** What was kept, uncompressed; to be called once the whole body has come. */
  end(): Buffer {
    if (this.#wanted) this.#inflate((inflater) => inflater.end());
    this.#inflater?.close();
    return this.#kept?.bytes() ?? nothing;
  }

  #take(chunk: Buffer): boolean {
    if (this.#reader === undefined) {
      this.#kept ??= new BodyBuffer();
      this.#kept.add(chunk);
      return true;
    }
    try {
      this.#wanted = this.#reader.write(chunk);
    } catch (thrown) {
      throw new ReaderFailure(thrown);
    }
    return this.#wanted;
  }

  #inflate(step: (inflater: Inflater) => void): void {
    if (this.#inflater === undefined) return;
    try {
      step(this.#inflater);
      if (!this.#wanted) this.#inflater.close();
    } catch (cause) {
      this.#inflater.close();
      if (cause instanceof ReaderFailure) throw cause;
      if (cause instanceof InflatedTooLargeError) throw tooLarge(this.#attempt);
      throw new KubeletError(this.#attempt, 'the compressed body is broken', { cause });
    }
  }
}

const nothing = Buffer.alloc(0);

function choose(onBody: OnBody | undefined, head: AnswerHead): BodyReader | undefined {
  try {
    return onBody?.(head);
  } catch (thrown) {
    throw new ReaderFailure(thrown);
  }
}

function tooLarge(attempt: Attempt): BodyTooLargeError {
  return new BodyTooLargeError(attempt, `the body is larger than ${bodyLimitBytes} bytes`);
}
