/** Metrics of PromQL engines by the rules of prometheus-adapter's file. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { metricKey } from '../metricsource/combined.ts';
import type { Mapper } from '../metricsource/described.ts';
import type { CustomMetricSource, ExternalMetricSource, SourceReport } from '../metricsource/source.ts';
import type { UsageSource } from '../metricsource/usage.ts';
import type { PromqlClient } from '../promql/client.ts';
import type { PromqlMetrics } from '../promql/promqlmetrics.ts';
import type { RuleProblem } from '../rules/problem.ts';
import { queriesOf } from '../rules/resourcequeries.ts';
import type { MetricRule, ResourceQuery, ResourceRules, Rules } from '../rules/rule.ts';
import { type FoundMetrics, ruleMetricLimit } from '../rules/seriesmetrics.ts';
import { CustomAnswers } from './customsource.ts';
import { ExternalAnswers } from './externalsource.ts';
import { MetricTable } from './metrictable.ts';
import { type QueriedRule, Querying } from './querying.ts';
import { createRulesSnapshot, type RulesSnapshot, type RulesSnapshotOptions } from './rulessnapshot.ts';
import { RuleStates } from './rulestates.ts';
import { SeriesLists } from './serieslists.ts';
import type { ContainerHasEnded } from './usagenumbers.ts';
import { UsageAnswers } from './usagesource.ts';

/** Without `resource`, metrics.k8s.io is not served by the source. */
export type SourceRules = Pick<Rules, 'custom' | 'external'> & Partial<Pick<Rules, 'resource'>>;

export interface PrometheusSource {
  readonly custom: CustomMetricSource;
  readonly external: ExternalMetricSource;
  /** Replaces the rules; equal selectors keep their series. @throws Error for a rule whose engine there is not. */
  setRules(rules: SourceRules): void;
  /** Of metrics.k8s.io, by resourceRules; without them its questions are rejected. */
  readonly usage: UsageSource;
  readonly snapshot: RulesSnapshot;
  /** One per rule, in the order of the file; those of resourceRules come last. */
  reports(): readonly SourceReport[];
  /** Whether the first list of each rule has come, has failed or takes long; it stays so with other rules. */
  isWarm(): boolean;
  /** Never rejects; resolves after the signal has aborted. */
  run(signal: AbortSignal): Promise<void>;
}

export interface PrometheusSourceOptions {
  /** At least one; rules without a source use the first. */
  readonly clients: readonly PromqlClient[];
  readonly rules: SourceRules;
  /** Whether a container of the pod ended for good: rates of its counters go on for their range. Absent: it is not known. */
  readonly hasEnded?: ContainerHasEnded;
  readonly mapper: Mapper;
  /** Calls the listener after the mapper's resources have changed. */
  readonly onResources: (listener: () => void) => void;
  readonly relistIntervalMs: number;
  readonly maxAgeMs: number;
  /** Sends prometheus-adapter's own queries: none are joined, and none are for several requests. */
  readonly asAdapter: boolean;
  readonly enginesDigest: RulesSnapshotOptions['enginesDigest'];
  readonly metrics?: PromqlMetrics | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

export function createPrometheusSource(options: PrometheusSourceOptions): PrometheusSource {
  const { clients, mapper, clock, log, metrics, maxAgeMs, asAdapter } = options;
  const clientOf = (rule: QueriedRule) => findClient(clients, rule);
  const states = new RuleStates({ clock, log, metrics });
  const lists = new SeriesLists({
    clientOf,
    intervalMs: options.relistIntervalMs,
    maxAgeMs,
    asAdapter,
    clock,
    log,
    onNotes: (source, subject, notes) => {
      states.noted(source, subject, notes);
      // Each list also drops old answers, which may be large, while no query is sent.
      querying.sweep();
    },
    onShapes: () => table.refresh(),
  });
  const querying = new Querying({ clientOf, states, clock, maxAgeMs, asAdapter });
  const table = new MetricTable(lists, mapper);
  const customAnswers = new CustomAnswers(querying, states, mapper);
  const externalAnswers = new ExternalAnswers(querying, states, mapper);
  let rules: SourceRules = { custom: [], external: [] };
  let isWarm = false;
  const usage = new UsageAnswers({ querying, states, rules: () => rules.resource, hasEnded: options.hasEnded });
  const snapshot = createRulesSnapshot({
    lists,
    values: querying.saved,
    enginesDigest: options.enginesDigest,
    newSalt: randomUUID,
    onLists: () => void table.refresh(),
  });
  setRules(options.rules);
  options.onResources(() => table.resourcesChanged());

  return {
    custom: customSource(table, customAnswers, () => absence(lists, rules.custom)),
    external: externalSource(table, externalAnswers, () => absence(lists, rules.external)),
    usage,
    snapshot,
    setRules,
    reports: () => [
      ...[...rules.custom, ...rules.external].map(report),
      ...(rules.resource === undefined ? [] : queriesOf(rules.resource)).map((query) =>
        reportOf(query, clientOf(query), states),
      ),
    ],
    isWarm: () => (isWarm ||= [...rules.custom, ...rules.external].every((rule) => !lists.of(rule).isExpectedSoon)),
    run: (signal) => lists.run(signal),
  };

  function setRules(next: SourceRules): void {
    const all = [...next.custom, ...next.external];
    for (const rule of [...all, ...(next.resource === undefined ? [] : queriesOf(next.resource))]) clientOf(rule);
    lists.setRules(all);
    table.setRules(next);
    states.clear();
    rules = next;
  }

  function report(rule: MetricRule): SourceReport {
    const list = lists.of(rule);
    const { lastSuccessMs, lastError, warning, query } = states.of(rule.path);
    const found = table.foundBy(rule);
    return {
      source: clientOf(rule).engine.name,
      rule: rule.path,
      metrics: found?.metrics.length ?? 0,
      series: found?.series,
      lastSuccessMs: lastSuccessMs ?? list.lastSuccessMs,
      lastError: list.lastError?.message ?? lastError ?? cutError(found),
      warning: list.warning ?? warning,
      query: query ?? rule.seriesQuery,
    };
  }
}

function customSource(
  table: MetricTable,
  answers: CustomAnswers,
  absent: () => string | undefined,
): CustomMetricSource {
  return {
    list: () => table.customList(),
    absence: absent,
    get: async (question, signal) => {
      const found = table.custom(metricKey(question.resource, question.metric));
      // It has gone since the API looked at the list.
      return found === undefined ? { samples: [] } : answers.get(found, question, signal);
    },
  };
}

function externalSource(
  table: MetricTable,
  answers: ExternalAnswers,
  absent: () => string | undefined,
): ExternalMetricSource {
  return {
    list: () => table.externalList(),
    absence: absent,
    get: async (question, signal) => {
      const found = table.external(question.metric);
      return found === undefined ? [] : answers.get(found, question, signal);
    },
  };
}

function reportOf({ path }: ResourceQuery, { engine }: PromqlClient, states: RuleStates): SourceReport {
  return { source: engine.name, rule: path, metrics: 1, ...states.of(path) };
}

/** Returns why metrics of rules may be missing. */
function absence(lists: SeriesLists, rules: readonly MetricRule[]): string | undefined {
  const unlisted = rules.map((rule) => lists.of(rule)).filter((list) => list.lastSuccessMs === undefined);
  const failed = unlisted.find((list) => list.lastError !== undefined);
  if (failed?.lastError !== undefined) return failed.lastError.message;
  return unlisted.length === 0 ? undefined : 'Prometheus has not answered yet which series there are';
}

function cutError(found: FoundMetrics<unknown> | undefined): string | undefined {
  if (found?.isCut !== true) return undefined;
  return `it makes more than ${ruleMetricLimit} metrics; the others are left out`;
}

/** Returns the engine that a rule or query chooses; undefined for an unknown name. */
export function chosenClient(
  clients: readonly PromqlClient[],
  { source }: Pick<QueriedRule, 'source'>,
): PromqlClient | undefined {
  return source === undefined ? clients[0] : clients.find(({ engine }) => engine.name === source);
}

/** The engine is chosen for both queries of a resource. */
function chosenEngines({ cpu, memory }: ResourceRules): readonly (QueriedRule & { readonly line: number })[] {
  return [cpu, memory].map(({ path, containerQuery: { line, source } }) => ({ path, line, source }));
}

/** @throws Error for an unknown name. */
function findClient(clients: readonly PromqlClient[], rule: QueriedRule): PromqlClient {
  const { path, source } = rule;
  const found = chosenClient(clients, rule);
  if (found === undefined) throw new Error(`${path}.source: no --prometheus-url has the name ${source ?? ''}`);
  return found;
}

/** Returns a problem for each rule whose engine is not configured, and for each query of resourceRules. */
export function unknownSources(
  { custom, external, resource }: SourceRules,
  names: readonly string[],
): readonly RuleProblem[] {
  return [...custom, ...external, ...(resource === undefined ? [] : chosenEngines(resource))]
    .filter(({ source }) => source !== undefined && !names.includes(source))
    .map(({ line, path, source }) => ({
      line,
      path: `${path}.source`,
      problem: `no --prometheus-url has the name ${source ?? ''}`,
      remedy: `use one of ${names.join(', ')}`,
    }));
}
