/** Sends the queries of rules, and falls back to the last values. */
import type { Clock } from '../clock.ts';
import type { QueryAnswer } from '../promql/answer.ts';
import type { PromqlClient } from '../promql/client.ts';
import type { Flow } from '../promql/flow.ts';
import { isTransient } from '../promql/promqlerror.ts';
import type { QueryStyle } from '../rules/matchers.ts';
import type { MetricRule } from '../rules/rule.ts';
import { fetchFailure } from './failures.ts';
import { LastValuesByLane } from './lastvaluesbylane.ts';
import { explainLength } from './querylength.ts';
import type { RuleStates } from './rulestates.ts';
import { type SavedStoreName, SavedValues } from './savedvalues.ts';
import { SharedQueries } from './sharedqueries.ts';
import type { ValueCodec } from './valuecodecs.ts';

/** What a query is sent for: a rule, or a query of resourceRules. */
export type QueriedRule = Pick<MetricRule, 'path' | 'source'>;

export interface QueryingOptions {
  readonly clientOf: (rule: QueriedRule) => PromqlClient;
  readonly states: RuleStates;
  readonly clock: Clock;
  readonly maxAgeMs: number;
  /** Sends each request's own query, as prometheus-adapter does. */
  readonly asAdapter: boolean;
}

export class Querying {
  readonly style: QueryStyle;
  /** All that `lastValues` returned. */
  readonly saved = new SavedValues();
  readonly #options: QueryingOptions;
  readonly #shared: SharedQueries;
  readonly #last: Pick<LastValuesByLane<unknown>, 'sweep'>[] = [];

  constructor(options: QueryingOptions) {
    this.#options = options;
    this.#shared = new SharedQueries(options.clock);
    this.style = options.asAdapter ? 'as-adapter' : 'exact';
  }

  /** @param name of the values in a snapshot. */
  lastValues<T>(name: SavedStoreName, codec: ValueCodec<T>, weigh?: (value: T) => number): LastValuesByLane<T> {
    const values = new LastValuesByLane(this.#options.clock, this.#options.maxAgeMs, weigh, codec.createColumn);
    this.saved.add(name, codec, values);
    this.#last.push(values);
    return values;
  }

  sourceOf(rule: QueriedRule): string {
    return this.#options.clientOf(rule).engine.name;
  }

  /** Rejects as `PromqlClient.query`. */
  async send(rule: QueriedRule, query: string, flow: Flow, signal: AbortSignal): Promise<QueryAnswer> {
    const { clientOf, states, clock, asAdapter } = this.#options;
    const client = clientOf(rule);
    states.sent(rule.path, query);
    const request = { query, timeMs: asAdapter ? clock.wallMs() : undefined, subject: rule.path, flow };
    try {
      const answer = asAdapter ? await client.query(request, signal) : await this.#shared.ask(client, request, signal);
      states.succeeded(rule.path, answer.notes);
      states.noted(client.engine.name, rule.path, answer.notes);
      return answer;
    } catch (cause) {
      const error = explainLength(cause, query, this.style);
      if (!signal.aborted) states.failed(rule.path, error);
      throw error;
    }
  }

  /**
   * Returns the last values if the engine is away and there are some.
   * @throws StatusError otherwise.
   */
  fallBack<T>(error: unknown, last: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
    if (isTransient(error) && last.size > 0) return last;
    throw fetchFailure(error);
  }

  /** Drops old answers and values. */
  sweep(): void {
    this.#shared.sweep();
    for (const values of this.#last) values.sweep();
  }
}
