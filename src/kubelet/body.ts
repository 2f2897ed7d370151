/** Takes the body of one answer as it comes off the connection, within its limits, to whoever reads it, or keeps it. */
import { gunzipSync } from 'node:zlib';
import { type Attempt, BodyTooLargeError, KubeletError } from './failure.ts';

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

/** 110 pods of two containers are 12 MB of text, leaked cgroups were seen to make it 128 MB; more than this is a mistake, not a metric. */
export const bodyLimitBytes = 64 * 1024 * 1024;

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
  readonly #gzip: boolean;
  readonly #reader: BodyReader | undefined;
  readonly #kept: Buffer[] = [];
  #wanted = true;

  constructor(head: AnswerHead, gzip: boolean, onBody: OnBody | undefined, attempt: Attempt) {
    this.#attempt = attempt;
    this.#gzip = gzip;
    this.#reader = call(() => onBody?.(head));
  }

  /** The bytes are valid until the call returns. */
  write(chunk: Buffer): void {
    this.wireBytes += chunk.length;
    if (this.wireBytes > bodyLimitBytes) throw tooLarge(this.#attempt);
    if (!this.#wanted) return;
    if (this.#reader === undefined || this.#gzip) this.#kept.push(Buffer.from(chunk));
    else this.#give(this.#reader, chunk);
  }

  /** What was kept, uncompressed; to be called once the whole body has come. */
  end(): Buffer {
    const kept = this.#kept.length === 1 && this.#kept[0] !== undefined ? this.#kept[0] : Buffer.concat(this.#kept);
    const body = this.#gzip ? inflate(kept, this.#attempt) : kept;
    if (this.#reader === undefined) return body;
    if (body.length > 0) this.#give(this.#reader, body);
    return nothing;
  }

  #give(reader: BodyReader, chunk: Buffer): void {
    this.#wanted = call(() => reader.write(chunk));
  }
}

const nothing = Buffer.alloc(0);

function call<T>(ofTheReader: () => T): T {
  try {
    return ofTheReader();
  } catch (thrown) {
    throw new ReaderFailure(thrown);
  }
}

function inflate(body: Buffer, attempt: Attempt): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: bodyLimitBytes, chunkSize: inflateChunkBytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(attempt);
    throw new KubeletError(attempt, 'the compressed body is broken', { cause });
  }
}

/** Larger steps than zlib's 16 KB; bodies of a megabyte are usual. */
const inflateChunkBytes = 128 * 1024;

function tooLarge(attempt: Attempt): BodyTooLargeError {
  return new BodyTooLargeError(attempt, `the body is larger than ${bodyLimitBytes} bytes`);
}
