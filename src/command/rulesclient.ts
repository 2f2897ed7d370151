/** Stops asking an engine that gives no answers: `kubegauge rules check` asks for one rule after the other. */
import type { SentAnswer } from '../promql/answer.ts';
import type { SeriesAnswer, SeriesFold } from '../promql/answerbodies.ts';
import { StoppedError } from '../promql/breakers.ts';
import type { PromqlClient, QueryRequest, SeriesRequest } from '../promql/client.ts';
import type { PromqlEngine } from '../promql/engine.ts';
import { hasNoAnswer, PromqlError } from '../promql/promqlerror.ts';

/** Rules without an answer, of an engine that has answered others: one may be slow by itself. */
const unansweredLimit = 2;

/**
 * Returns the client with two limits. A subject without an answer is not asked again. An engine is not asked again once
 * it cannot be reached, or two subjects had no answer; the first one if it has answered nothing before. Requests then
 * throw StoppedError with the last failure.
 */
export function askedWhileAnswering(client: PromqlClient): PromqlClient {
  return new StoppingClient(client);
}

class StoppingClient implements PromqlClient {
  readonly engine: PromqlEngine;
  readonly #client: PromqlClient;
  readonly #unanswered = new Map<string, PromqlError>();
  #hasAnswered = false;
  #away: PromqlError | undefined;

  constructor(client: PromqlClient) {
    this.engine = client.engine;
    this.#client = client;
  }

  query(request: QueryRequest, signal: AbortSignal): Promise<SentAnswer> {
    return this.#ask(request.subject, () => this.#client.query(request, signal));
  }

  series<T>(request: SeriesRequest, fold: () => SeriesFold<T>, signal: AbortSignal): Promise<SeriesAnswer<T>> {
    return this.#ask(request.subject, () => this.#client.series(request, fold, signal));
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#client[Symbol.asyncDispose]();
  }

  async #ask<T>(subject: string, send: () => Promise<T>): Promise<T> {
    const stopped = this.#away ?? this.#unanswered.get(subject);
    if (stopped !== undefined) throw new StoppedError(stopped);
    try {
      const answer = await send();
      this.#hasAnswered = true;
      return answer;
    } catch (error) {
      if (error instanceof PromqlError) this.#failed(subject, error);
      throw error;
    }
  }

  #failed(subject: string, error: PromqlError): void {
    if (!hasNoAnswer(error)) {
      this.#hasAnswered = true;
      return;
    }
    this.#unanswered.set(subject, error);
    const isAway = error.problem === 'unavailable' || !this.#hasAnswered;
    if (isAway || this.#unanswered.size >= unansweredLimit) this.#away = error;
  }
}
