/** Usages of nodes and pods by resourceRules. */
import type { AskedNode, AskedPod, AskedUsage, UsageOf, UsageQuestion, UsageSource } from '../metricsource/usage.ts';
import { incompleteness, type PromqlSample } from '../promql/answer.ts';
import type { Flow } from '../promql/flow.ts';
import { isTooMuch } from '../promql/promqlerror.ts';
import { readingTurns } from '../promql/readingturns.ts';
import type { QueryStyle } from '../rules/matchers.ts';
import { lastByObject, QueryError } from '../rules/queries.ts';
import { nodesQuery, podsQuery, type PodsQuery } from '../rules/resourcequeries.ts';
import type { ResourceQuery, ResourceRule, ResourceRules } from '../rules/rule.ts';
import type { PodUsage, Usage } from '../sample/point.ts';
import { isBatchable } from './batchable.ts';
import { unableToFetch } from './failures.ts';
import { flowOf } from './flows.ts';
import type { LastValuesByLane } from './lastvaluesbylane.ts';
import { nameBatches, podBatches, type PodsOfQuery, type QueryForm } from './podbatches.ts';
import type { Querying } from './querying.ts';
import { measuredNames, measuredNamespaces, nameBytesLimit } from './querylength.ts';
import type { RuleStates } from './rulestates.ts';
import { type ContainerHasEnded, type OnLeftOut, PodSamples, usageOf } from './usagenumbers.ts';
import { type KeptPod, podCodec, usageCodec } from './valuecodecs.ts';

export interface UsageAnswersOptions {
  readonly querying: Querying;
  readonly states: RuleStates;
  /** The rules in force. */
  readonly rules: () => ResourceRules | undefined;
  readonly hasEnded: ContainerHasEnded | undefined;
}

/** Samples or pods per slice of the event loop: a millisecond or so. */
const sliceLength = 1_000;

/** Whether all answers were whole. */
type Seen = Pick<PodSamples, 'isWhole'>;

/** By namespace and name. */
type PodAnswers = Map<string, AskedUsage<PodUsage>>;

export class UsageAnswers implements UsageSource {
  readonly #options: UsageAnswersOptions;
  readonly #lastNodes: LastValuesByLane<Usage>;
  readonly #lastPods: LastValuesByLane<KeptPod>;
  readonly #joinable = new WeakMap<ResourceQuery, boolean>();
  /** Room for names, which takes a rendering of both templates. */
  readonly #podBytesLimits = new WeakMap<ResourceRules, Map<QueryForm, number>>();
  /**
   * Rules for which all pods of a namespace were too much for one query: it has those that have ended, and those of
   * other clusters.
   */
  readonly #named = new WeakSet<ResourceRules>();

  constructor(options: UsageAnswersOptions) {
    this.#options = options;
    this.#lastNodes = options.querying.lastValues('nodes', usageCodec);
    this.#lastPods = options.querying.lastValues('pods', podCodec, ({ usage }) => usage.containers.length);
  }

  async nodeUsages(
    { objects, caller }: UsageQuestion<AskedNode>,
    signal: AbortSignal,
  ): Promise<UsageOf<AskedNode, Usage>> {
    const rules = this.#requireRules();
    const names = objects.map(({ name }) => name);
    const flow = flowOf(caller, '');
    const last = this.#lastNodes.of(flow);
    const form = this.#style === 'as-adapter' ? 'whole' : 'cut';
    const makeOf = (rule: ResourceRule, batch: readonly string[]) => nodesQuery(rule, { names: batch }, this.#style);
    const seen: Seen = { isWhole: true };
    const ask = async (rule: ResourceRule, batch: readonly string[]) => {
      const { query, node } = this.#make(rule.nodeQuery, () => makeOf(rule, batch));
      return [...lastByObject(await this.#send(rule.nodeQuery, query, flow, signal, seen), node)];
    };
    const askAll = async (rule: ResourceRule) => {
      const bytesLimit = nameBytesLimit(() => makeOf(rule, measuredNames).query);
      const batches = [...nameBatches(names, form, bytesLimit)];
      return new Map((await Promise.all(batches.map((batch) => ask(rule, batch)))).flat());
    };
    try {
      const [cpu, memory] = await Promise.all([askAll(rules.cpu), askAll(rules.memory)]);
      const onLeftOut = this.#onLeftOut(rules, 'nodeQuery');
      const usages = new Map(
        names.map((name) => [
          name,
          usageOf({ cpu: cpu.get(name), memory: memory.get(name) }, rules.windowMs, onLeftOut),
        ]),
      );
      const ready = [...usages].flatMap(([name, usage]) =>
        usage.kind === 'ready' ? [[name, usage.value] as const] : [],
      );
      last.keep(nodesKey(rules), names, new Map(ready), seen.isWhole);
      return ({ name }) => usages.get(name) ?? notAsked;
    } catch (error) {
      signal.throwIfAborted();
      const known = this.#options.querying.fallBack(error, pick(last.of(nodesKey(rules)), names));
      return ({ name }) => readyOr(known.get(name));
    }
  }

  /** One query of CPU and one of memory per batch; a batch is the pods of a list, unless their names are too long. */
  async podUsages(question: UsageQuestion<AskedPod>, signal: AbortSignal): Promise<UsageOf<AskedPod, PodUsage>> {
    const rules = this.#requireRules();
    const isWhole = question.isWhole && !this.#named.has(rules);
    const answers: PodAnswers = new Map();
    await this.#askAll(rules, { ...question, isWhole }, signal, answers);
    return (pod) => answers.get(keyOf(pod)) ?? notAsked;
  }

  async #askAll(
    rules: ResourceRules,
    question: UsageQuestion<AskedPod>,
    signal: AbortSignal,
    answers: PodAnswers,
  ): Promise<void> {
    const batches: PodsOfQuery[] = [];
    const form = this.#formOf(rules);
    const source = podBatches(question, form, this.#podBytesLimit(rules, form));
    for (let next = await readingTurns.run(() => source.next()); !next.done; ) {
      batches.push(next.value);
      next = await readingTurns.run(() => source.next());
    }
    await Promise.all(batches.map((batch) => this.#askBatch(rules, batch, question, signal, answers)));
  }

  async #askBatch(
    rules: ResourceRules,
    batch: PodsOfQuery,
    question: UsageQuestion<AskedPod>,
    signal: AbortSignal,
    answers: PodAnswers,
  ): Promise<void> {
    const { caller } = question;
    const [namespace = ''] = batch.namespaces;
    const flow = flowOf(caller, batch.namespaces.length === 1 ? namespace : '');
    try {
      const samples = new PodSamples(batch.pods);
      await Promise.all(
        (['cpu', 'memory'] as const).map(async (kind) => {
          const rule = rules[kind];
          const make = () => this.#make(rule.containerQuery, () => podsQuery(rule, batch, this.#style));
          const made = await readingTurns.run(make);
          const found = await this.#send(rule.containerQuery, made.query, flow, signal, samples);
          await inSlices(found, (sample) => samples.add(kind, placeOf(sample, made, namespace), sample));
        }),
      );
      await this.#measure(rules, batch, samples, flow, answers);
    } catch (error) {
      signal.throwIfAborted();
      if (batch.names === undefined && isTooMuch(error)) {
        this.#named.add(rules);
        await this.#askAll(rules, { ...question, objects: batch.pods, isWhole: false }, signal, answers);
      } else this.#addLast(error, rules, batch, flow, answers);
    }
  }

  async #measure(
    rules: ResourceRules,
    { pods }: PodsOfQuery,
    samples: PodSamples,
    flow: Flow,
    answers: PodAnswers,
  ): Promise<void> {
    const { hasEnded = () => undefined } = this.#options;
    const onLeftOut = this.#onLeftOut(rules, 'containerQuery');
    const last = this.#lastPods.of(flow);
    for (const [namespace, members] of Map.groupBy(pods, (pod) => pod.namespace)) {
      const ready = new Map<string, KeptPod>();
      await inSlices(members, (pod) => {
        const usage = samples.usageOf(pod, rules.windowMs, hasEnded, onLeftOut);
        answers.set(keyOf(pod), usage);
        if (usage.kind === 'ready') ready.set(pod.name, { uid: pod.uid, usage: usage.value });
      });
      const names = members.map(({ name }) => name);
      last.keep(podsKey(rules, namespace), names, ready, samples.isWhole);
    }
  }

  /** @throws StatusError if the error is not of an engine that is away, or nothing is known. */
  #addLast(
    error: unknown,
    rules: ResourceRules,
    { pods, namespaces }: PodsOfQuery,
    flow: Flow,
    answers: PodAnswers,
  ): void {
    const last = this.#lastPods.of(flow);
    const byNamespace = new Map(namespaces.map((each) => [each, last.of(podsKey(rules, each))]));
    const known = new Map<string, PodUsage>();
    for (const pod of pods) {
      const kept = byNamespace.get(pod.namespace)?.get(pod.name);
      if (kept?.uid === pod.uid) known.set(keyOf(pod), kept.usage);
    }
    const served = this.#options.querying.fallBack(error, known);
    for (const pod of pods) answers.set(keyOf(pod), readyOr(served.get(keyOf(pod))));
  }

  /** Rejects as `Querying.send`, and for an answer that is no vector. @param seen becomes not whole by a partial answer. */
  async #send(asked: ResourceQuery, query: string, flow: Flow, signal: AbortSignal, seen: Seen) {
    const { querying, states } = this.#options;
    const { type, samples, notes } = await querying.send(asked, query, flow, signal);
    if (incompleteness(notes) !== undefined) seen.isWhole = false;
    if (type === 'vector') return samples;
    const why = `${asked.path} makes a ${type}; a vector is needed`;
    states.failed(asked.path, new Error(why));
    throw unableToFetch(why);
  }

  #make<T>(asked: ResourceQuery, make: () => T): T {
    try {
      return make();
    } catch (error) {
      if (error instanceof QueryError) this.#options.states.failed(asked.path, error);
      throw error;
    }
  }

  get #style(): QueryStyle {
    return this.#options.querying.style;
  }

  /** Joined queries group by namespace, too, which only queries of a known form do rightly. */
  #formOf({ cpu, memory }: ResourceRules): QueryForm {
    if (this.#style === 'as-adapter') return 'whole';
    const mayJoin = [cpu, memory].every(({ containerQuery }) => {
      const known = this.#joinable.get(containerQuery) ?? isBatchable(containerQuery.text);
      this.#joinable.set(containerQuery, known);
      return known;
    });
    return mayJoin ? 'joined' : 'cut';
  }

  /** The queries of CPU and memory are for the same pods. */
  #podBytesLimit(rules: ResourceRules, form: QueryForm): number {
    const known = this.#podBytesLimits.get(rules) ?? new Map<QueryForm, number>();
    this.#podBytesLimits.set(rules, known);
    const bytes = known.get(form) ?? this.#measurePodBytes(rules, form);
    known.set(form, bytes);
    return bytes;
  }

  #measurePodBytes({ cpu, memory }: ResourceRules, form: QueryForm): number {
    const namespaces = form === 'joined' ? measuredNamespaces : measuredNamespaces.slice(1);
    const request = { namespaces, names: measuredNames };
    return Math.min(...[cpu, memory].map((rule) => nameBytesLimit(() => podsQuery(rule, request, this.#style).query)));
  }

  #onLeftOut(rules: ResourceRules, query: 'containerQuery' | 'nodeQuery'): OnLeftOut {
    const { querying, states } = this.#options;
    return (kind, reason, message) => {
      const asked = rules[kind][query];
      states.leftOut(querying.sourceOf(asked), asked.path, reason, message);
    };
  }

  /** A reload never removes resourceRules that are in use. */
  #requireRules(): ResourceRules {
    const rules = this.#options.rules();
    if (rules === undefined) throw unableToFetch('the file of --config has no resourceRules');
    return rules;
  }
}

const nodesKey = ({ identity }: ResourceRules) => identity;
const podsKey = ({ identity }: ResourceRules, namespace: string) => `${identity} ${namespace}`;
const keyOf = ({ namespace, name }: AskedPod) => `${namespace}/${name}`;

const notAsked = { kind: 'missing', message: 'it was not asked for' } as const;

function readyOr<U>(usage: U | undefined): AskedUsage<U> {
  if (usage !== undefined) return { kind: 'ready', value: usage };
  return { kind: 'missing', message: 'Prometheus is away, and no last value is known' };
}

function pick<T>(values: ReadonlyMap<string, T>, names: readonly string[]): ReadonlyMap<string, T> {
  return new Map(
    names.flatMap((name) => {
      const value = values.get(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

function placeOf({ labels }: PromqlSample, { namespace, pod, container }: PodsQuery, only: string) {
  return {
    namespace: namespace === undefined ? only : labels.get(namespace),
    pod: labels.get(pod),
    container: labels.get(container),
  };
}

async function inSlices<T>(items: readonly T[], each: (item: T) => void): Promise<void> {
  for (let start = 0; start < items.length; start += sliceLength) {
    await readingTurns.run(() => {
      for (const item of items.slice(start, start + sliceLength)) each(item);
    });
  }
}
