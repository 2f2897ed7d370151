/** One request and its whole answer within their limits, over whichever connection leads to the kubelet. */
import { type ResponseInfo, BodyReceiver, type OnBody, ReaderFailure } from './body.ts';
import { type Attempt, BodyTooLargeError, EndlessAnswerError, KubeletError } from '../explain/kubeleterror.ts';
import type { ResponseHead, ResponseSink } from './http1.ts';
import type { MakeInflater } from './inflate.ts';
import { RequestDeadline } from './requestdeadline.ts';
import { ReadingTooLongError } from './readingbudget.ts';

/** What is sent. */
export interface WireRequest {
  /** With its query. */
  readonly path: string;
  readonly accept: string;
  /** Whether to ask for a compressed body. */
  readonly gzip: boolean;
  /** The Authorization header's value. */
  readonly authorization: string | undefined;
}

export interface GetRequest extends WireRequest {
  readonly onBody?: OnBody;
}

/** What came back, of any status. */
export interface GetResponse extends ResponseInfo {
  /** Uncompressed; empty when a reader took it. */
  readonly body: Buffer;
  /** Bytes of the body on the wire. */
  readonly wireBytes: number;
}

/**
 * Runs what asks the kubelet, until the attempt's time is over or the signal aborts.
 * @throws KubeletError whatever it was that went wrong, but for what the reader of the body has thrown: that is passed on.
 */
export async function withinDeadline<T>(
  attempt: Attempt,
  signal: AbortSignal,
  ask: (limit: RequestDeadline) => Promise<T>,
): Promise<T> {
  const limit = new RequestDeadline(attempt.timeoutMs, signal);
  try {
    return await ask(limit);
  } catch (cause) {
    if (cause instanceof ReaderFailure) throw cause.thrown;
    if (cause instanceof KubeletError) throw cause;
    if (cause instanceof ReadingTooLongError) throw new BodyTooLargeError(attempt, cause.message);
    throw new KubeletError(attempt, signal.aborted ? 'given up, the server stops' : 'no answer', { cause });
  } finally {
    limit.clear();
  }
}

/** An answer while it comes. Its methods throw a KubeletError when the body is too large or broken, and a ReaderFailure. */
export class IncomingResponse implements ResponseSink<GetResponse> {
  readonly #onBody: OnBody | undefined;
  readonly #attempt: Attempt;
  readonly #makeInflater: MakeInflater | undefined;
  #head: ResponseInfo | undefined;
  #intake: BodyReceiver | undefined;
  /** Whether nothing but the end of the connection ends the body. */
  #isEndless = false;

  constructor({ onBody }: GetRequest, attempt: Attempt, makeInflater: MakeInflater | undefined) {
    this.#onBody = onBody;
    this.#attempt = attempt;
    this.#makeInflater = makeInflater;
  }

  onHead(head: ResponseHead): void {
    this.#head = answerHeadOf(head);
    const isCompressed = head.headers.get('content-encoding') === 'gzip';
    const makeInflater = isCompressed ? this.#makeInflater : undefined;
    if (isCompressed && makeInflater === undefined) {
      throw new KubeletError(this.#attempt, 'a compressed body that was not asked for');
    }
    this.#isEndless = !head.headers.has('content-length') && !head.headers.has('transfer-encoding');
    this.#intake = new BodyReceiver(this.#head, makeInflater, this.#onBody, this.#attempt);
  }

  onBody(chunk: Buffer): boolean {
    return this.#intake?.write(chunk) ?? true;
  }

  resume(): boolean {
    return this.#intake?.resume() ?? true;
  }

  onEnd(): GetResponse {
    if (this.#head === undefined || this.#intake === undefined) throw new Error('an answer without a head has ended');
    const { status, contentType, dateMs } = this.#head;
    // Compressed or not: a body of several gzip members may have been cut between two. Other statuses are only quoted.
    if (status === 200 && this.#isEndless && this.#intake.isWanted) {
      throw new KubeletError(this.#attempt, 'an answer without an end', { cause: new EndlessAnswerError() });
    }
    return { status, contentType, dateMs, body: this.#intake.end(), wireBytes: this.#intake.wireBytes };
  }
}

function answerHeadOf(head: ResponseHead): ResponseInfo {
  if (lastHead?.head === head) return lastHead.answer;
  const { status, headers } = head;
  const contentType = headers.get('content-type') ?? '';
  lastHead = { head, answer: { status, contentType, dateMs: dateOf(headers.get('date') ?? '') } };
  return lastHead.answer;
}

/** The year 9999 may be the last one that times are written in, and samples are a little ahead of their Date. */
const latestDateMs = Date.UTC(9999);

/** Returns the time in milliseconds since the epoch; undefined where it is none, or one that no clock of a node shows: Linux counts from 1970 on. */
export function dateOf(header: string): number | undefined {
  const dateMs = Date.parse(header);
  return dateMs >= 0 && dateMs < latestDateMs ? dateMs : undefined;
}

/** Whoever reads heads gives the same object for the same one. */
let lastHead: { readonly head: ResponseHead; readonly answer: ResponseInfo } | undefined;
