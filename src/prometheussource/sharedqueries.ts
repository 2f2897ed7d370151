/** Sends equal queries of one flow once: while one is under way, and for a second after its answer. */
import { untilAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import type { QueryAnswer } from '../promql/answer.ts';
import type { PromqlClient, QueryRequest } from '../promql/client.ts';
import { flowText } from '../promql/flow.ts';
import { questionKey } from './questionkey.ts';

/** Milliseconds. An HPA asks every 15 s. */
const sharedAnswerMs = 1_000;
/** Answers that are kept; of more than this the oldest is dropped. */
const answerLimit = 1_000;

interface SharedQuery {
  readonly answer: Promise<QueryAnswer>;
  readonly end: AbortController;
  /** The last caller that leaves ends it. */
  waiting: number;
  /** Infinity while it is under way. */
  untilMs: number;
}

export class SharedQueries {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #queries = new Map<string, SharedQuery>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Rejects as `PromqlClient.query`. Failures are not kept. */
  async ask(client: PromqlClient, request: QueryRequest, signal: AbortSignal): Promise<QueryAnswer> {
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
        if (this.#queries.get(key) === shared) this.#queries.delete(key);
        shared.end.abort(new Error('no client waits for the query any more'));
      }
    }
  }

  /** Drops old answers, which may be large. */
  sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [key, { untilMs }] of this.#queries) {
      if (untilMs <= nowMs || (this.#queries.size > answerLimit && untilMs < Infinity)) this.#queries.delete(key);
    }
  }

  #begin(key: string, client: PromqlClient, request: QueryRequest): SharedQuery {
    const end = new AbortController();
    const answer = client.query(request, end.signal);
    const shared: SharedQuery = { answer, end, waiting: 0, untilMs: Infinity };
    this.#queries.set(key, shared);
    answer.then(
      () => {
        shared.untilMs = this.#clock.monotonicMs() + sharedAnswerMs;
      },
      () => {
        shared.untilMs = -Infinity;
        if (this.#queries.get(key) === shared) this.#queries.delete(key);
      },
    );
    return shared;
  }
}
