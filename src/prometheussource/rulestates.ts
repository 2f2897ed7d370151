/** Records of each rule when it last worked, its last error and its last query. */
import type { Clock } from '../clock.ts';
import { describeError, createLineLimit, type Logger } from '../logging.ts';
import { type AnswerNotes, incompleteness } from '../promql/answer.ts';
import type { PromqlMetrics } from '../promql/promqlmetrics.ts';

export interface RuleState {
  /** Since the epoch, of a query of a metric. */
  readonly lastSuccessMs: number | undefined;
  /** Undefined after a success. */
  readonly lastError: string | undefined;
  /** Why the last answer may lack samples. */
  readonly warning: string | undefined;
  readonly query: string | undefined;
}

/** Characters of a query in a report. */
const queryLimit = 2_000;

const unknown: RuleState = { lastSuccessMs: undefined, lastError: undefined, warning: undefined, query: undefined };

export interface RuleStatesOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: PromqlMetrics | undefined;
}

export class RuleStates {
  readonly #options: RuleStatesOptions;
  readonly #mayLog: (cause: string) => boolean;
  #states = new Map<string, RuleState>();

  constructor(options: RuleStatesOptions) {
    this.#options = options;
    this.#mayLog = createLineLimit(options.clock.monotonicMs);
  }

  of(path: string): RuleState {
    return this.#states.get(path) ?? unknown;
  }

  /** Call it with new rules, whose paths mean something else. */
  clear(): void {
    this.#states = new Map();
  }

  sent(path: string, query: string): void {
    const shown = query.length > queryLimit ? `${query.slice(0, queryLimit)}...` : query;
    this.#states.set(path, { ...this.of(path), query: shown });
  }

  succeeded(path: string, notes: AnswerNotes): void {
    const lastSuccessMs = this.#options.clock.wallMs();
    this.#states.set(path, { ...this.of(path), lastSuccessMs, lastError: undefined, warning: incompleteness(notes) });
  }

  failed(path: string, error: unknown): void {
    const reason = describeError(error);
    this.#states.set(path, { ...this.of(path), lastError: reason });
    if (this.#mayLog(`${path} fails`))
      this.#options.log.warn({ code: 'RuleFails', rule: path, reason }, 'cannot fetch metrics of a rule');
  }

  /** Logs and counts warnings and partial answers. */
  noted(source: string, subject: string, { warnings, infos, isPartial }: AnswerNotes): void {
    const { log, metrics } = this.#options;
    if (warnings.length > 0) metrics?.noted(source, 'warning');
    if (isPartial) metrics?.noted(source, 'partial');
    if (warnings.length === 0 && infos.length === 0 && !isPartial) return;
    if (!this.#mayLog(`${source} ${subject} notes`)) return;
    const fields = { source, subject, warnings, infos, isPartial };
    if (warnings.length > 0 || isPartial)
      log.warn({ code: 'AnswerIncomplete', ...fields }, 'an answer of Prometheus may be incomplete');
    else log.info(fields, 'Prometheus remarks on an answer');
  }

  leftOut(source: string, path: string, reason: string, message: string): void {
    this.#options.metrics?.leftOut(source, reason);
    if (!this.#mayLog(`${path} ${reason}`)) return;
    this.#options.log.warn(
      { code: 'SampleLeftOut', rule: path, reason: message },
      'leaves out a sample that makes no value',
    );
  }
}
