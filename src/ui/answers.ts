/** Answers of the API as bytes: equal requests share one read, and few reads run at the same time. */
import { untilAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { ViewError } from '../view/viewerror.ts';
import { etagOf } from './assets.ts';
import {
  answerLifetimeMs,
  answerLimitBytes,
  keptAnswerLimit,
  keptAnswersLimitBytes,
  readLimit,
  readTimeoutMs,
  waitingReadLimit,
} from './limits.ts';
import { RequestError } from './requesterror.ts';

export interface Answer {
  readonly body: Buffer;
  readonly etag: string;
}

interface Kept {
  readonly answer: Promise<Answer>;
  bytes: number;
  /** Monotonic; infinite while it is read. */
  untilMs: number;
}

export class Answers {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  readonly #waiting: (() => void)[] = [];
  #reading = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Returns the answer to a request, of an equal one where that is fresh. A failure is shared, too.
   * @param key equal for equal requests. @throws RequestError 429, 502 or 504, or what `read` throws.
   */
  async get(key: string, read: () => Promise<unknown>): Promise<Answer> {
    this.#evict();
    const { answer } = this.#kept.get(key) ?? this.#start(key, read);
    const late = AbortSignal.timeout(readTimeoutMs);
    try {
      return await untilAborted(answer, late);
    } catch (error) {
      throw late.aborted && error === late.reason ? tooSlow() : error;
    }
  }

  #start(key: string, read: () => Promise<unknown>): Kept {
    if (this.#waiting.length >= waitingReadLimit) throw tooMany();
    const kept: Kept = { answer: this.#read(read), bytes: 0, untilMs: Number.POSITIVE_INFINITY };
    this.#kept.set(key, kept);
    const settle = (bytes: number) => {
      kept.bytes = bytes;
      kept.untilMs = this.#clock.monotonicMs() + answerLifetimeMs;
    };
    kept.answer.then(
      ({ body }) => settle(body.length),
      () => settle(0),
    );
    return kept;
  }

  async #read(read: () => Promise<unknown>): Promise<Answer> {
    if (this.#reading >= readLimit) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    else this.#reading += 1;
    try {
      return toAnswer(await read());
    } catch (error) {
      throw error instanceof ViewError ? toRequestError(error) : error;
    } finally {
      // The next one takes the place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#reading -= 1;
      else next();
    }
  }

  /** Removes what is stale, and the oldest until the rest is within its limits. */
  #evict(): void {
    const nowMs = this.#clock.monotonicMs();
    let bytes = 0;
    for (const [key, kept] of this.#kept) {
      if (kept.untilMs <= nowMs) this.#kept.delete(key);
      else bytes += kept.bytes;
    }
    for (const [key, kept] of this.#kept) {
      if (this.#kept.size < keptAnswerLimit && bytes <= keptAnswersLimitBytes) break;
      if (kept.untilMs === Number.POSITIVE_INFINITY) continue;
      this.#kept.delete(key);
      bytes -= kept.bytes;
    }
  }
}

function toAnswer(value: unknown): Answer {
  const body = Buffer.from(JSON.stringify(value));
  if (body.length > answerLimitBytes) {
    const mebibytes = answerLimitBytes / 1024 ** 2;
    throw new RequestError(
      502,
      `the answer is larger than ${mebibytes} MiB`,
      'ask for one namespace, or for fewer points with stepSeconds',
    );
  }
  return { body, etag: etagOf(body) };
}

/** A parameter that kube-apiserver refuses, as a page that is too old, is the page's to mend; a right, the user's. */
const passedStatuses: readonly (number | undefined)[] = [400, 403, 404, 410];

function toRequestError({ message, status = 502 }: ViewError): RequestError {
  return new RequestError(passedStatuses.includes(status) ? status : 502, message);
}

function tooSlow(): RequestError {
  const remedy = 'it is still read: ask again';
  return new RequestError(504, `kube-apiserver did not answer within ${readTimeoutMs / 1000} s`, remedy);
}

function tooMany(): RequestError {
  return new RequestError(429, `${waitingReadLimit} requests wait for kube-apiserver`, 'ask again later');
}
