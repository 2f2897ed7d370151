/** One request and its whole answer within their limits, over whichever connection leads to the kubelet. */
import { type AnswerHead, Intake, type OnBody, ReaderFailure } from './body.ts';
import { type Attempt, KubeletError } from './failure.ts';
import type { MakeInflater } from './inflate.ts';

/** What is sent. */
export interface Request {
  /** With its query. */
  readonly path: string;
  readonly accept: string;
  /** Whether to ask for a compressed body. */
  readonly gzip: boolean;
  /** The Authorization header's value. */
  readonly authorization: string | undefined;
}

export interface Question extends Request {
  readonly onBody?: OnBody;
}

/** What came back, of any status. */
export interface Answer extends AnswerHead {
  /** Uncompressed; empty when a reader took it. */
  readonly body: Buffer;
  /** Bytes of the body on the wire. */
  readonly wireBytes: number;
}

/**
 * Runs what asks the kubelet, until the attempt's time is over or the signal aborts.
 * @throws KubeletError whatever it was that went wrong, but for what the reader of the body has thrown: that is passed on.
 */
export async function inTime<T>(
  attempt: Attempt,
  signal: AbortSignal,
  ask: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  // AbortSignal.any() and timeout() do the same at several times the cost, which was a tenth of a scrape.
  const limit = new AbortController();
  const late = () => limit.abort(new DOMException(`not within ${attempt.timeoutMs} ms`, 'TimeoutError'));
  const stop = () => limit.abort(signal.reason);
  const timer = setTimeout(late, attempt.timeoutMs);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    return await ask(limit.signal);
  } catch (cause) {
    if (cause instanceof ReaderFailure) throw cause.thrown;
    if (cause instanceof KubeletError) throw cause;
    throw new KubeletError(attempt, signal.aborted ? 'given up, the server stops' : 'no answer', { cause });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

/** An answer while it comes. Its methods throw a KubeletError when the body is too large or broken, and a ReaderFailure. */
export class Incoming {
  readonly #onBody: OnBody | undefined;
  readonly #attempt: Attempt;
  readonly #makeInflater: MakeInflater;
  #head: AnswerHead | undefined;
  #intake: Intake | undefined;

  constructor({ onBody }: Question, attempt: Attempt, makeInflater: MakeInflater) {
    this.#onBody = onBody;
    this.#attempt = attempt;
    this.#makeInflater = makeInflater;
  }

  start(status: number, { contentType, contentEncoding, date }: AnswerHeaders): void {
    const dateMs = Date.parse(date ?? '');
    this.#head = { status, contentType: contentType ?? '', dateMs: Number.isNaN(dateMs) ? undefined : dateMs };
    const makeInflater = contentEncoding === 'gzip' ? this.#makeInflater : undefined;
    this.#intake = new Intake(this.#head, makeInflater, this.#onBody, this.#attempt);
  }

  /** The bytes are valid until the call returns. */
  write(chunk: Buffer): void {
    this.#intake?.write(chunk);
  }

  end(): Answer {
    if (this.#head === undefined || this.#intake === undefined) throw new Error('an answer without a head has ended');
    return { ...this.#head, body: this.#intake.end(), wireBytes: this.#intake.wireBytes };
  }
}

/** Those that matter; undefined where there is none. */
interface AnswerHeaders {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly date: string | undefined;
}
