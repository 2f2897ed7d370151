/** A rule, checked and compiled. */
import type { Pattern } from './pattern.ts';
import type { RuleProblem } from './problem.ts';
import type { LabelMapping } from './resourcelabels.ts';
import type { GoTemplate } from './template/template.ts';

export interface MetricRule {
  readonly kind: 'custom' | 'external';
  /** Such as `rules[0]`, for logs and reports. */
  readonly path: string;
  readonly line: number;
  readonly seriesQuery: string;
  /** The engine that has the series; undefined for the first one. */
  readonly source: string | undefined;
  /** All must hold for a series' name. The rule's own pattern is one of them. */
  readonly filters: readonly SeriesFilter[];
  readonly name: NameRule;
  readonly labels: LabelMapping;
  /** False: external queries get no matcher for the namespace. */
  readonly namespaced: boolean;
  /** Undefined for an empty one: the metrics are listed, and have no values. */
  readonly metricsQuery: GoTemplate | undefined;
  /** As in the file. */
  readonly metricsQueryText: string;
}

export interface SeriesFilter {
  readonly pattern: Pattern;
  /** False for isNot. */
  readonly isPositive: boolean;
}

export interface NameRule {
  readonly matches: Pattern;
  /** Go's syntax of expansion. */
  readonly as: string;
}

/** `resourceRules`: accepted and checked. */
export interface ResourceRules {
  readonly line: number;
  /** From `window`; 0 if it is unset. */
  readonly windowMs: number;
}

export interface Rules {
  readonly custom: readonly MetricRule[];
  readonly external: readonly MetricRule[];
  readonly resource: ResourceRules | undefined;
  /** Parts that load, and will surprise. */
  readonly notes: readonly RuleProblem[];
}
