/** One GET and its response within their limits, over any connection. */
import { foreignText } from '../../foreigntext.ts';
import { type Attempt, BodyTooLargeError, EndlessAnswerError, KubeletError } from '../explain/kubeleterror.ts';
import { BodyReceiver, type OnBody, ReaderFailure } from './body.ts';
import type { ResponseSink } from './http1.ts';
import type { MakeInflater } from './inflate.ts';
import { ReadingTooLongError } from './readingbudget.ts';
import { RequestDeadline } from './requestdeadline.ts';
import type { ResponseHead, ResponseInfo } from './responsehead.ts';

/** Characters of a message. */
const codingLimit = 100;

/** The request as it is sent. */
export interface WireRequest {
  readonly path: string;
  readonly accept: string;
  readonly gzip: boolean;
  readonly authorization: string | undefined;
}

export interface GetRequest extends WireRequest {
  readonly onBody?: OnBody;
}

/** A response of any status. */
export interface GetResponse extends ResponseInfo {
  /** Empty if a reader took it. */
  readonly body: Buffer;
  readonly wireBytes: number;
}

/**
 * Sends a request, until timeout or abort.
 * @throws KubeletError for any failure, and the reader's errors.
 */
export async function withinDeadline<T>(
  attempt: Attempt,
  signal: AbortSignal,
  send: (deadline: RequestDeadline) => Promise<T>,
): Promise<T> {
  const deadline = new RequestDeadline(attempt.timeoutMs, signal);
  try {
    return await send(deadline);
  } catch (cause) {
    if (cause instanceof ReaderFailure) throw cause.thrown;
    if (cause instanceof KubeletError) throw cause;
    if (cause instanceof ReadingTooLongError) throw new BodyTooLargeError(attempt, cause.message);
    throw new KubeletError(attempt, signal.aborted ? 'given up, the server stops' : 'no answer', { cause });
  } finally {
    deadline.clear();
  }
}

/** Throws a KubeletError if the body is too large or broken, or a ReaderFailure. */
export class IncomingResponse implements ResponseSink<GetResponse> {
  readonly #onBody: OnBody | undefined;
  readonly #attempt: Attempt;
  readonly #makeInflater: MakeInflater | undefined;
  #info: ResponseInfo | undefined;
  #body: BodyReceiver | undefined;
  #isEndless = false;

  constructor({ onBody }: GetRequest, attempt: Attempt, makeInflater: MakeInflater | undefined) {
    this.#onBody = onBody;
    this.#attempt = attempt;
    this.#makeInflater = makeInflater;
  }

  onHead({ info, headers }: ResponseHead): void {
    this.#info = info;
    // Case-insensitive (RFC 9110, 8.4.1), as in Go.
    const coding = headers.get('content-encoding')?.toLowerCase() ?? '';
    const isCompressed = coding === 'gzip' || coding === 'x-gzip';
    const makeInflater = isCompressed ? this.#makeInflater : undefined;
    if (isCompressed && makeInflater === undefined) {
      throw new KubeletError(this.#attempt, 'a compressed body that was not asked for');
    }
    // Bodies of other statuses are only quoted.
    if (info.status === 200 && !isCompressed && coding !== '' && coding !== 'identity') {
      throw new KubeletError(
        this.#attempt,
        `a body in the encoding ${foreignText(coding, { limit: codingLimit })}; only gzip can be read`,
      );
    }
    this.#isEndless = !headers.has('content-length') && !headers.has('transfer-encoding');
    this.#body = new BodyReceiver(info, makeInflater, this.#onBody, this.#attempt);
  }

  onBody(chunk: Buffer): boolean {
    return this.#body?.write(chunk) ?? true;
  }

  resume(): boolean {
    return this.#body?.resume() ?? true;
  }

  onEnd(): GetResponse {
    if (this.#info === undefined || this.#body === undefined) throw new Error('a response without a head has ended');
    const { status, contentType, dateMs } = this.#info;
    // Also with gzip: the cut may be between two members. Bodies of other statuses are only quoted.
    if (status === 200 && this.#isEndless && this.#body.isWanted) {
      throw new KubeletError(this.#attempt, 'an answer without an end', { cause: new EndlessAnswerError() });
    }
    return { status, contentType, dateMs, body: this.#body.end(), wireBytes: this.#body.wireBytes };
  }
}
