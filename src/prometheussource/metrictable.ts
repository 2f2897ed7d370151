/** The metrics of all rules, over the series that were found. */
import { metricKey } from '../metricsource/combined.ts';
import type { Mapper } from '../metricsource/described.ts';
import type { CustomMetric } from '../metricsource/source.ts';
import type { MetricRule, Rules } from '../rules/rule.ts';
import {
  externalMetricsOf,
  type FoundMetrics,
  joinExternalMetrics,
  joinMetrics,
  metricsOf,
  type RuleExternalMetric,
  type RuleMetric,
} from '../rules/seriesmetrics.ts';
import type { SeriesLists } from './serieslists.ts';

/** Metrics of one group that discovery lists; more are left out, in the order of names. */
export const metricLimit = 100_000;

interface Found<Metric> {
  readonly listVersion: number;
  readonly mapperVersion: number;
  readonly found: FoundMetrics<Metric>;
}

/** Computes on request, and only what has changed. */
export class MetricTable {
  readonly #lists: SeriesLists;
  readonly #mapper: Mapper;
  #rules: Pick<Rules, 'custom' | 'external'> = { custom: [], external: [] };
  #mapperVersion = 0;
  readonly #custom = new Map<MetricRule, Found<RuleMetric>>();
  readonly #external = new Map<MetricRule, Found<RuleExternalMetric>>();
  #state = '';
  #customMetrics: ReadonlyMap<string, RuleMetric> = new Map();
  #externalMetrics: ReadonlyMap<string, RuleExternalMetric> = new Map();
  #customList: readonly CustomMetric[] = [];
  #externalList: readonly string[] = [];

  constructor(lists: SeriesLists, mapper: Mapper) {
    this.#lists = lists;
    this.#mapper = mapper;
  }

  setRules(rules: Pick<Rules, 'custom' | 'external'>): void {
    this.#rules = rules;
    this.#custom.clear();
    this.#external.clear();
    this.#state = '';
  }

  /** Call it after the cluster's resources have changed. */
  resourcesChanged(): void {
    this.#mapperVersion += 1;
  }

  /** Sorted; the same array until it changes. */
  customList(): readonly CustomMetric[] {
    this.#refresh();
    return this.#customList;
  }

  /** Sorted; the same array until it changes. */
  externalList(): readonly string[] {
    this.#refresh();
    return this.#externalList;
  }

  custom(key: string): RuleMetric | undefined {
    this.#refresh();
    return this.#customMetrics.get(key);
  }

  external(metric: string): RuleExternalMetric | undefined {
    this.#refresh();
    return this.#externalMetrics.get(metric);
  }

  /** Returns the metrics that a rule makes of its series. */
  foundBy(rule: MetricRule): FoundMetrics<unknown> {
    return rule.kind === 'custom' ? this.#foundCustom(rule) : this.#foundExternal(rule);
  }

  #refresh(): void {
    const versions = [...this.#rules.custom, ...this.#rules.external].map((rule) => this.#lists.of(rule).version);
    const state = `${this.#mapperVersion} ${versions.join(' ')}`;
    if (state === this.#state) return;
    this.#state = state;
    this.#customMetrics = joinMetrics(this.#rules.custom.map((rule) => this.#foundCustom(rule)));
    this.#externalMetrics = joinExternalMetrics(this.#rules.external.map((rule) => this.#foundExternal(rule)));
    const custom = sortedKeys(this.#customMetrics).flatMap((key) => this.#customMetrics.get(key) ?? []);
    if (!isSameList(this.#customList, custom)) this.#customList = custom;
    const external = sortedKeys(this.#externalMetrics);
    if (external.join('\n') !== this.#externalList.join('\n')) this.#externalList = external;
  }

  #foundCustom(rule: MetricRule): FoundMetrics<RuleMetric> {
    const { version, shapes } = this.#lists.of(rule);
    const known = this.#custom.get(rule);
    if (known?.listVersion === version && known.mapperVersion === this.#mapperVersion) return known.found;
    const found = metricsOf(rule, shapes, this.#mapper);
    this.#custom.set(rule, { listVersion: version, mapperVersion: this.#mapperVersion, found });
    return found;
  }

  #foundExternal(rule: MetricRule): FoundMetrics<RuleExternalMetric> {
    const { version, shapes } = this.#lists.of(rule);
    const known = this.#external.get(rule);
    if (known?.listVersion === version) return known.found;
    const found = externalMetricsOf(rule, shapes);
    this.#external.set(rule, { listVersion: version, mapperVersion: 0, found });
    return found;
  }
}

function sortedKeys(metrics: ReadonlyMap<string, unknown>): readonly string[] {
  return [...metrics.keys()].sort().slice(0, metricLimit);
}

function isSameList(some: readonly CustomMetric[], others: readonly CustomMetric[]): boolean {
  return (
    some.length === others.length &&
    some.every((each, index) => {
      const other = others[index];
      return other !== undefined && textOf(each) === textOf(other);
    })
  );
}

function textOf({ resource, metric, namespaced }: CustomMetric): string {
  return `${metricKey(resource, metric)} ${namespaced}`;
}
