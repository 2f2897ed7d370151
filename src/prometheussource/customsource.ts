/** Custom metrics of rules. */
import type { StatusCause } from '../apimachinery/meta.ts';
import { metricKey } from '../metricsource/combined.ts';
import type { Mapper } from '../metricsource/described.ts';
import type { CustomAnswer, CustomQuestion, MetricSample } from '../metricsource/source.ts';
import { incompleteness, type PromqlSample } from '../promql/answer.ts';
import { type Flow, flowText } from '../promql/flow.ts';
import { isTooMuch } from '../promql/promqlerror.ts';
import { readingTurns } from '../promql/readingturns.ts';
import { customQuery, lastByObject, QueryError } from '../rules/queries.ts';
import type { MetricRule } from '../rules/rule.ts';
import type { RuleMetric } from '../rules/seriesmetrics.ts';
import { isBatchable } from './batchable.ts';
import { noQuery, unableToFetch } from './failures.ts';
import { flowOf } from './flows.ts';
import type { LastValuesByLane } from './lastvaluesbylane.ts';
import { causeLimit, leftOutCause, measure } from './measured.ts';
import { JoinedQueryError, NameBatches } from './namebatches.ts';
import { nameBatches } from './podbatches.ts';
import type { Querying } from './querying.ts';
import { questionKey } from './questionkey.ts';
import { isTooLong, measuredNames, nameBytesLimit } from './querylength.ts';
import type { RuleStates } from './rulestates.ts';
import { metricSampleCodec } from './valuecodecs.ts';

interface ObjectAnswer {
  readonly samples: ReadonlyMap<string, PromqlSample>;
  /** False where the engine lacked stores. */
  readonly isWhole: boolean;
}

/** Questions whose room for names is remembered; 1,000 autoscalers ask as many. */
const nameLimitsLimit = 2_000;

export class CustomAnswers {
  readonly #querying: Querying;
  readonly #states: RuleStates;
  readonly #mapper: Mapper;
  readonly #batches = new NameBatches<ObjectAnswer>();
  readonly #last: LastValuesByLane<MetricSample>;
  readonly #batchable = new WeakMap<MetricRule, boolean>();
  /** Rules whose joined queries were too much for an engine: each request has one of its own until the file changes. */
  readonly #separate = new WeakSet<MetricRule>();
  readonly #nameLimits = new Map<string, { readonly metric: RuleMetric; readonly bytes: number }>();

  constructor(querying: Querying, states: RuleStates, mapper: Mapper) {
    this.#querying = querying;
    this.#states = states;
    this.#mapper = mapper;
    this.#last = querying.lastValues('custom', metricSampleCodec);
  }

  /** @throws StatusError, or the signal's reason. */
  async get(metric: RuleMetric, question: CustomQuestion, signal: AbortSignal): Promise<CustomAnswer> {
    const { names } = question;
    const flow = flowOf(question.caller, question.namespace);
    const key = keyOf(metric, question);
    const lastValues = this.#last.of(flow);
    let answer: ObjectAnswer;
    try {
      answer = await this.#ask(key, metric, question, flow, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof QueryError) {
        this.#states.failed(metric.rule.path, error);
        throw noQuery(question.resource, question.metric, error);
      }
      const last = lastValues.of(key);
      const known = new Map(names.flatMap((name) => pairOf(name, last.get(name))));
      return { samples: named(this.#querying.fallBack(error, known)) };
    }
    return await readingTurns.run(() => {
      const { values, causes } = this.#measure(metric, names, answer);
      lastValues.keep(key, names, values, answer.isWhole);
      return { samples: named(values), causes };
    });
  }

  #measure({ rule }: RuleMetric, names: readonly string[], { samples }: ObjectAnswer) {
    const values = new Map<string, MetricSample>();
    const causes: StatusCause[] = [];
    for (const name of names) {
      const sample = samples.get(name);
      if (sample === undefined) continue;
      const measured = measure(sample);
      if (measured.kind === 'sample') values.set(name, measured.sample);
      else {
        if (causes.length < causeLimit) causes.push(leftOutCause(name, measured.message));
        this.#states.leftOut(this.#querying.sourceOf(rule), rule.path, measured.reason, measured.message);
      }
    }
    return { values, causes };
  }

  /** Names that are too long for one query are cut into several, where the value of an object depends on no other one. */
  async #ask(
    key: string,
    metric: RuleMetric,
    question: CustomQuestion,
    flow: Flow,
    signal: AbortSignal,
  ): Promise<ObjectAnswer> {
    const run = (names: readonly string[], ended: AbortSignal) =>
      this.#send(metric, { ...question, names }, flow, ended);
    if (!this.#mayBatch(metric.rule)) return run(question.names, signal);
    const limit = this.#nameBytesLimit(key, metric, question);
    const ask = (names: readonly string[]) =>
      this.#separate.has(metric.rule)
        ? run(names, signal)
        : this.#batches
            .ask(`${flowText(flow)}\n${key}`, names, run, signal, limit)
            .catch((error: unknown) => this.#askAlone(metric.rule, error, () => run(names, signal)));
    const [first = [], ...others] = nameBatches(question.names, 'cut', limit);
    if (others.length === 0) return ask(first);
    const answers = await Promise.all([first, ...others].map(ask));
    return {
      samples: new Map(answers.flatMap(({ samples }) => [...samples])),
      isWhole: answers.every(({ isWhole }) => isWhole),
    };
  }

  /** @throws what the joined query failed with, unless it was too much for the engine. */
  async #askAlone(rule: MetricRule, error: unknown, run: () => Promise<ObjectAnswer>): Promise<ObjectAnswer> {
    if (!(error instanceof JoinedQueryError)) throw error;
    const { cause } = error;
    if (!isTooMuch(cause) && !isTooLong(cause)) throw cause;
    const answer = await run();
    // Where it fails alone, too, joining was not the cause.
    this.#separate.add(rule);
    return answer;
  }

  /** @param key of the question, whose namespace and selector take room, too. */
  #nameBytesLimit(key: string, metric: RuleMetric, question: CustomQuestion): number {
    const known = this.#nameLimits.get(key);
    // A metric is another one after the cluster's resources have changed, which may change its label.
    if (known?.metric === metric) return known.bytes;
    const bytes = nameBytesLimit(() => this.#queryOf(metric, { ...question, names: measuredNames }).query);
    if (this.#nameLimits.size >= nameLimitsLimit) this.#nameLimits.clear();
    this.#nameLimits.set(key, { metric, bytes });
    return bytes;
  }

  async #send(metric: RuleMetric, question: CustomQuestion, flow: Flow, signal: AbortSignal): Promise<ObjectAnswer> {
    const { rule } = metric;
    const { query, label } = this.#queryOf(metric, question);
    const { type, samples, notes } = await this.#querying.send(rule, query, flow, signal);
    if (type === 'vector') {
      // Each of the requests that share the answer reads all of it.
      const byObject = await readingTurns.run(() => lastByObject(samples, label));
      return { samples: byObject, isWhole: incompleteness(notes) === undefined };
    }
    const why = `the query of ${rule.path} makes a ${type}; a vector with the label ${label} is needed`;
    this.#states.failed(rule.path, new Error(why));
    throw unableToFetch(why);
  }

  #queryOf({ rule, series }: RuleMetric, question: CustomQuestion) {
    return customQuery(rule, { ...question, series }, this.#mapper, this.#querying.style);
  }

  #mayBatch(rule: MetricRule): boolean {
    if (this.#querying.style === 'as-adapter') return false;
    const known = this.#batchable.get(rule) ?? isBatchable(rule.metricsQueryText);
    this.#batchable.set(rule, known);
    return known;
  }
}

/** Equal for questions that differ in their names only. */
function keyOf({ rule, series }: RuleMetric, question: CustomQuestion): string {
  const { resource, metric, namespace, metricSelector } = question;
  const selector = JSON.stringify(metricSelector.requirements);
  return questionKey([rule.identity, series, metricKey(resource, metric), namespace, selector]);
}

function pairOf<T>(name: string, value: T | undefined): readonly (readonly [string, T])[] {
  return value === undefined ? [] : [[name, value]];
}

function named(values: ReadonlyMap<string, MetricSample>): CustomAnswer['samples'] {
  return [...values].map(([name, sample]) => ({ name, ...sample }));
}
