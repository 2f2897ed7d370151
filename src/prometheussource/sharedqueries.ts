/** Sends equal queries of one flow once: while one is under way, and for a second after its answer. */
import { untilAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import type { QueryAnswer, SentAnswer } from '../promql/answer.ts';
import type { PromqlClient, QueryRequest } from '../promql/client.ts';
import { flowText } from '../promql/flow.ts';
import { questionKey } from './questionkey.ts';

/** Milliseconds. An HPA asks every 15 s. */
const sharedAnswerMs = 1_000;
/**
 * Bytes of the answers that are kept, as engines sent them: in memory they take some five times as many. Beyond it the
 * oldest are dropped. One alone may have as many (`queryLimits`).
 */
export const sharedAnswersLimitBytes = 16 * 1024 * 1024;
/** Bytes of an answer beside its body: its key, promises and empty lists. */
const answerOverheadBytes = 1_024;

interface SharedQuery {
  readonly answer: Promise<QueryAnswer>;
  readonly end: AbortController;
  /** The last caller that leaves ends it. */
  waiting: number;
  /** Infinity while it is under way. */
  untilMs: number;
  /** 0 while it is under way. */
  bytes: number;
}

export class SharedQueries {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** Answers are in the order in which they end. */
  readonly #queries = new Map<string, SharedQuery>();
  /** Those of all answers together. */
  #bytes = 0;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Rejects as `PromqlClient.query`. Failures are not kept. */
  async ask(
    client: Pick<PromqlClient, 'engine' | 'query'>,
    request: QueryRequest,
    signal: AbortSignal,
  ): Promise<QueryAnswer> {
    signal.throwIfAborted();
    this.sweep();
    // A query of another flow may wait for its turn.
    const key = questionKey([client.engine.name, flowText(request.flow), request.query]);
    const shared = this.#queries.get(key) ?? this.#begin(key, client, request);
    shared.waiting += 1;
    try {
      return await untilAborted(shared.answer, signal);
    } finally {
      shared.waiting -= 1;
      if (shared.waiting === 0 && shared.untilMs === Infinity) {
        // Joining it would fail.
        this.#drop(key, shared);
        shared.end.abort(new Error('no client waits for the query any more'));
      }
    }
  }

  /** Drops old answers, which may be large, and the oldest ones beyond the limit. */
  sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [key, shared] of this.#queries) {
      if (shared.untilMs === Infinity) continue;
      if (shared.untilMs > nowMs && this.#bytes <= sharedAnswersLimitBytes) return;
      this.#drop(key, shared);
    }
  }

  #begin(key: string, client: Pick<PromqlClient, 'query'>, request: QueryRequest): SharedQuery {
    const end = new AbortController();
    const answer = client.query(request, end.signal);
    const shared: SharedQuery = { answer, end, waiting: 0, untilMs: Infinity, bytes: 0 };
    this.#queries.set(key, shared);
    answer.then(
      (sent) => this.#keep(key, shared, sent),
      () => {
        shared.untilMs = -Infinity;
        this.#drop(key, shared);
      },
    );
    return shared;
  }

  #keep(key: string, shared: SharedQuery, { bytes }: SentAnswer): void {
    shared.untilMs = this.#clock.monotonicMs() + sharedAnswerMs;
    // Its last caller may have left.
    if (this.#queries.get(key) !== shared) return;
    this.#queries.delete(key);
    this.#queries.set(key, shared);
    shared.bytes = bytes + answerOverheadBytes;
    this.#bytes += shared.bytes;
    this.sweep();
  }

  #drop(key: string, shared: SharedQuery): void {
    if (this.#queries.get(key) !== shared) return;
    this.#queries.delete(key);
    this.#bytes -= shared.bytes;
  }
}
