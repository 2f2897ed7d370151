/** One request and its whole answer within their limits, over whichever connection leads to the kubelet. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { userAgent } from '../version.ts';
import { type AnswerHead, Intake, type OnBody, ReaderFailure } from './body.ts';
import { type Attempt, KubeletError } from './failure.ts';

/** What is sent. */
export interface Question {
  /** With its query. */
  readonly path: string;
  readonly accept: string;
  /** Whether to ask for a compressed body. */
  readonly gzip: boolean;
  /** The Authorization header's value. */
  readonly authorization: string | undefined;
  readonly onBody?: OnBody;
}

/** What came back, of any status. */
export interface Answer extends AnswerHead {
  /** Uncompressed; empty when a reader took it. */
  readonly body: Buffer;
  /** Bytes of the body on the wire. */
  readonly wireBytes: number;
}

/** For both connections: no HTTP/2 and no pipelining, and all headers of a kubelet are a few hundred bytes. */
export const connectionLimits = { allowH2: false, pipelining: 1, maxHeaderSize: 64 * 1024 } as const;

/**
 * Runs what asks the kubelet, until the attempt's time is over or the signal aborts.
 * @throws KubeletError whatever it was that went wrong, but for what the reader of the body has thrown: that is passed on.
 */
export async function inTime<T>(
  attempt: Attempt,
  signal: AbortSignal,
  ask: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(attempt.timeoutMs)]);
  try {
    return await ask(limit);
  } catch (cause) {
    if (cause instanceof ReaderFailure) throw cause.thrown;
    if (cause instanceof KubeletError) throw cause;
    throw new KubeletError(attempt, signal.aborted ? 'given up, the server stops' : 'no answer', { cause });
  }
}

/** @throws KubeletError when the body is too large or broken; whatever undici throws when it did not come. */
export function exchange(
  connection: Dispatcher,
  question: Question,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<Answer> {
  const { path, accept, gzip, authorization } = question;
  const headers = {
    'user-agent': userAgent,
    accept,
    'accept-encoding': gzip ? 'gzip' : 'identity',
    ...(authorization === undefined ? {} : { authorization }),
  };
  return new Promise((resolve, reject) => {
    connection.dispatch(
      { method: 'GET', path, headers },
      new AnswerHandler(question.onBody, attempt, signal, resolve, reject),
    );
  });
}

/** What undici calls while an answer comes; what its methods throw ends the request and the connection, and comes to onResponseError. */
class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #onBody: OnBody | undefined;
  readonly #attempt: Attempt;
  readonly #signal: AbortSignal;
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (cause: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #head: AnswerHead | undefined;
  #intake: Intake | undefined;

  constructor(
    onBody: OnBody | undefined,
    attempt: Attempt,
    signal: AbortSignal,
    resolve: (answer: Answer) => void,
    reject: (cause: unknown) => void,
  ) {
    this.#onBody = onBody;
    this.#attempt = attempt;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Comes as soon as there is a connection; how long that takes has a limit of its own. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) this.#abort();
    else this.#signal.addEventListener('abort', this.#abort, { once: true });
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // An answer before the answer, such as 103 Early Hints.
    if (status < 200) return;
    this.#head = {
      status,
      contentType: headerText(headers['content-type']),
      dateMs: parseDate(headerText(headers.date)),
    };
    this.#intake = new Intake(this.#head, headerText(headers['content-encoding']), this.#onBody, this.#attempt);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#intake?.write(chunk);
  }

  onResponseEnd(): void {
    if (this.#head === undefined || this.#intake === undefined) throw new Error('an answer without a head has ended');
    const body = this.#intake.end();
    this.#done();
    this.#resolve({ ...this.#head, body, wireBytes: this.#intake.wireBytes });
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    this.#done();
    this.#reject(cause);
  }

  readonly #abort = () => this.#controller?.abort(this.#signal.reason as Error);

  #done(): void {
    this.#signal.removeEventListener('abort', this.#abort);
  }
}

function headerText(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

export function parseDate(text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
