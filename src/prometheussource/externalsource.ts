/** External metrics of rules. */
import { StatusError } from '../apimachinery/status.ts';
import type { Mapper } from '../metricsource/described.ts';
import type { ExternalQuestion, ExternalSample } from '../metricsource/source.ts';
import { incompleteness, type QueryAnswer } from '../promql/answer.ts';
import { readingTurns } from '../promql/readingturns.ts';
import { externalQuery, QueryError } from '../rules/queries.ts';
import type { MetricRule } from '../rules/rule.ts';
import type { RuleExternalMetric } from '../rules/seriesmetrics.ts';
import { unableToFetch } from './failures.ts';
import { flowOf } from './flows.ts';
import { sampleBytes } from './lastvalues.ts';
import type { LastValuesByLane } from './lastvaluesbylane.ts';
import { measure } from './measured.ts';
import type { Querying } from './querying.ts';
import { questionKey } from './questionkey.ts';
import type { RuleStates } from './rulestates.ts';
import { externalSampleCodec } from './valuecodecs.ts';

export class ExternalAnswers {
  readonly #querying: Querying;
  readonly #states: RuleStates;
  readonly #mapper: Mapper;
  readonly #last: LastValuesByLane<ExternalSample>;

  constructor(querying: Querying, states: RuleStates, mapper: Mapper) {
    this.#querying = querying;
    this.#states = states;
    this.#mapper = mapper;
    this.#last = querying.lastValues('external', externalSampleCodec, weighExternalSample);
  }

  /** @throws StatusError, or the signal's reason. */
  async get(
    { rule, series }: RuleExternalMetric,
    question: ExternalQuestion,
    signal: AbortSignal,
  ): Promise<readonly ExternalSample[]> {
    const { metric, namespace, selector, caller } = question;
    const flow = flowOf(caller, namespace);
    const lastValues = this.#last.of(flow);
    const key = questionKey([rule.identity, series, metric, namespace, JSON.stringify(selector.requirements)]);
    try {
      const query = externalQuery(rule, { series, namespace, selector }, this.#mapper, this.#querying.style);
      const answer = await this.#querying.send(rule, query, flow, signal);
      // Each of the requests that share the answer reads all of it.
      return await readingTurns.run(() => {
        const samples = this.#read(rule, answer);
        const values = new Map(samples.map((sample, index) => [String(index), sample]));
        lastValues.keepTogether(key, values, incompleteness(answer.notes) === undefined);
        return samples;
      });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof QueryError) this.#states.failed(rule.path, error);
      return [...this.#querying.fallBack(error, lastValues.of(key)).values()];
    }
  }

  /** In the engine's order. */
  #read(rule: MetricRule, { type, samples, isNull }: QueryAnswer): readonly ExternalSample[] {
    if (isNull === true) {
      this.#states.failed(rule.path, new Error(`the query makes null; a ${type} is needed`));
      throw new StatusError('InternalError', 'the provided input did not contain vector query results');
    }
    if (type !== 'vector' && type !== 'scalar') {
      const why = `the query makes a ${type}; a vector or a scalar is needed`;
      this.#states.failed(rule.path, new Error(why));
      if (type === 'string') throw unableToFetch(why);
      throw new StatusError('InternalError', 'encountered an unexpected query result type');
    }
    return samples.flatMap((sample) => {
      const measured = measure(sample);
      if (measured.kind === 'sample') {
        return [{ ...measured.sample, labels: type === 'scalar' ? undefined : sample.labels }];
      }
      this.#states.leftOut(this.#querying.sourceOf(rule), rule.path, measured.reason, measured.message);
      return [];
    });
  }
}

/** Bytes in memory of a sample without labels, and of a label beside its text. */
const emptySampleBytes = 200;
const labelBytes = 40;

/** Returns how many usual samples take as much memory: an engine chooses the labels, and small ones in any number. */
export function weighExternalSample({ labels }: ExternalSample): number {
  let bytes = emptySampleBytes;
  for (const [name, value] of labels ?? []) bytes += labelBytes + name.length + value.length;
  return Math.ceil(bytes / sampleBytes);
}
