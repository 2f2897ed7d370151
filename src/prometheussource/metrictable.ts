/** The metrics of all rules, over the series that were found. */
import { metricKey } from '../metricsource/combined.ts';
import type { Mapper } from '../metricsource/described.ts';
import type { CustomMetric } from '../metricsource/source.ts';
import { readingTurns } from '../promql/readingturns.ts';
import type { MetricRule, Rules } from '../rules/rule.ts';
import {
  findExternalMetrics,
  findMetrics,
  type FoundMetrics,
  type RuleExternalMetric,
  type RuleMetric,
  type SeriesShape,
} from '../rules/seriesmetrics.ts';
import { awaitedRules } from './awaitedrules.ts';
import type { SeriesLists } from './serieslists.ts';

/** Metrics of one group that are served; those of later rules are left out. */
export const metricLimit = 100_000;
/** Steps of a refresh that are done at once: a usual file needs fewer. Further ones are done in slices of the event loop. */
const immediateSteps = 100;
/** Metrics that are joined in one step. */
const stepMetrics = 500;

interface Found<Metric> {
  readonly shapes: readonly SeriesShape[];
  readonly resourcesVersion: number;
  readonly found: FoundMetrics<Metric>;
}

type RefreshSteps<T> = Generator<undefined, T>;

/** Computes only what has changed. Until that is done, the last metrics stay. */
export class MetricTable {
  readonly #lists: Pick<SeriesLists, 'of'>;
  readonly #mapper: Mapper;
  #rules: Pick<Rules, 'custom' | 'external'> = { custom: [], external: [] };
  #resourcesVersion = 0;
  readonly #foundCustom = new Map<MetricRule, Found<RuleMetric>>();
  readonly #foundExternal = new Map<MetricRule, Found<RuleExternalMetric>>();
  #customMetrics: ReadonlyMap<string, RuleMetric> = new Map();
  #externalMetrics: ReadonlyMap<string, RuleExternalMetric> = new Map();
  #customList: readonly CustomMetric[] = [];
  #externalList: readonly string[] = [];
  #isStale = false;
  #isRefreshing = false;
  #refreshed: Promise<void> = Promise.resolve();

  constructor(lists: Pick<SeriesLists, 'of'>, mapper: Mapper) {
    this.#lists = lists;
    this.#mapper = mapper;
  }

  setRules(rules: Pick<Rules, 'custom' | 'external'>): void {
    this.#rules = rules;
    this.#foundCustom.clear();
    this.#foundExternal.clear();
    void this.refresh();
  }

  /** Call it after the cluster's resources have changed. */
  resourcesChanged(): void {
    this.#resourcesVersion += 1;
    void this.refresh();
  }

  /** Call it after a list has new shapes. Resolves when their metrics are served; never rejects. */
  refresh(): Promise<void> {
    this.#isStale = true;
    if (!this.#isRefreshing) this.#refreshed = this.#refresh();
    return this.#refreshed;
  }

  /** Sorted; the same array until it changes. */
  customList(): readonly CustomMetric[] {
    return this.#customList;
  }

  /** Sorted; the same array until it changes. */
  externalList(): readonly string[] {
    return this.#externalList;
  }

  custom(key: string): RuleMetric | undefined {
    return this.#customMetrics.get(key);
  }

  external(metric: string): RuleExternalMetric | undefined {
    return this.#externalMetrics.get(metric);
  }

  /** Returns the metrics that a rule makes of its series; undefined until they are computed. */
  foundBy(rule: MetricRule): FoundMetrics<unknown> | undefined {
    return (rule.kind === 'custom' ? this.#foundCustom : this.#foundExternal).get(rule)?.found;
  }

  async #refresh(): Promise<void> {
    this.#isRefreshing = true;
    let steps = 0;
    try {
      while (this.#isStale) {
        this.#isStale = false;
        const work = this.#compute(this.#rules);
        const isLast = (): boolean => work.next().done === true;
        while (!(steps < immediateSteps ? isLast() : await readingTurns.run(isLast))) steps += 1;
      }
    } finally {
      this.#isRefreshing = false;
    }
  }

  /** Ends early where other rules have replaced these: their metrics come next. */
  *#compute(rules: Pick<Rules, 'custom' | 'external'>): RefreshSteps<void> {
    const isReplaced = (): boolean => rules !== this.#rules;
    if (isReplaced()) return;
    // An earlier rule that served such a metric meanwhile would have other numbers.
    const awaitedCustom = awaitedRules(rules.custom, this.#lists);
    const awaitedExternal = awaitedRules(rules.external, this.#lists);
    const customMetrics = new Map<string, RuleMetric>();
    for (const [index, rule] of rules.custom.entries()) {
      if (isReplaced()) return;
      const { metrics } = yield* this.#findFor(this.#foundCustom, rule, (shapes) =>
        findMetrics(rule, shapes, this.#mapper),
      );
      const keyOf = (each: RuleMetric) => metricKey(each.resource, each.metric);
      yield* addMetrics(customMetrics, metrics, keyOf, (each) => {
        return awaitedCustom(each.metric) > index && !isServed(this.#customMetrics.get(keyOf(each)), rule);
      });
    }
    const externalMetrics = new Map<string, RuleExternalMetric>();
    for (const [index, rule] of rules.external.entries()) {
      if (isReplaced()) return;
      const { metrics } = yield* this.#findFor(this.#foundExternal, rule, (shapes) =>
        findExternalMetrics(rule, shapes),
      );
      const isHeld = ({ metric }: RuleExternalMetric) =>
        awaitedExternal(metric) > index && !isServed(this.#externalMetrics.get(metric), rule);
      yield* addMetrics(externalMetrics, metrics, ({ metric }) => metric, isHeld);
    }
    const customKeys = [...customMetrics.keys()].sort();
    yield undefined;
    const externalList = [...externalMetrics.keys()].sort();
    yield undefined;
    const customList = customKeys.flatMap((key) => customMetrics.get(key) ?? []);
    const isSame = isSameList(this.#customList, customList);
    yield undefined;
    if (isReplaced()) return;
    this.#customMetrics = customMetrics;
    this.#externalMetrics = externalMetrics;
    if (!isSame) this.#customList = customList;
    if (externalList.join('\n') !== this.#externalList.join('\n')) this.#externalList = externalList;
  }

  *#findFor<Metric>(
    known: Map<MetricRule, Found<Metric>>,
    rule: MetricRule,
    find: (shapes: readonly SeriesShape[]) => RefreshSteps<FoundMetrics<Metric>>,
  ): RefreshSteps<FoundMetrics<Metric>> {
    const { shapes } = this.#lists.of(rule);
    const resourcesVersion = this.#resourcesVersion;
    const last = known.get(rule);
    if (last?.shapes === shapes && last.resourcesVersion === resourcesVersion) return last.found;
    const rules = this.#rules;
    const found = yield* find(shapes);
    if (rules === this.#rules) known.set(rule, { shapes, resourcesVersion, found });
    return found;
  }
}

/** Reports whether a metric is served, and by this rule or an equal one. */
function isServed(metric: { readonly rule: MetricRule } | undefined, { identity }: MetricRule): boolean {
  return metric?.rule.identity === identity;
}

/** Adds the metrics of a rule that are not held back. A metric that an earlier rule has, too, is replaced. */
function* addMetrics<Metric>(
  to: Map<string, Metric>,
  metrics: readonly Metric[],
  keyOf: (metric: Metric) => string,
  isHeld: (metric: Metric) => boolean,
): RefreshSteps<void> {
  for (const [index, metric] of metrics.entries()) {
    const key = keyOf(metric);
    if (!isHeld(metric) && (to.size < metricLimit || to.has(key))) to.set(key, metric);
    if (index % stepMetrics === stepMetrics - 1) yield undefined;
  }
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
