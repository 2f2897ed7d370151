/** A rule, checked and compiled. */
import type { Pattern } from './pattern.ts';
import type { RuleProblem } from './problem.ts';
import type { LabelMapping } from './resourcelabels.ts';
import type { GoTemplate } from './template/template.ts';

export interface MetricRule {
  readonly kind: 'custom' | 'external';
  /** Equal for equal rules, wherever they are in a file. */
  readonly identity: string;
  /** Equal for rules that differ in their seriesQuery alone. */
  readonly identityOfRest: string;
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

/** `resourceRules`: the queries of metrics.k8s.io, used only with --resource-metrics=prometheus. */
export interface ResourceRules {
  readonly line: number;
  /** Equal for equal texts. */
  readonly identity: string;
  /** From `window`; 0 if it is unset. */
  readonly windowMs: number;
  readonly cpu: ResourceRule;
  readonly memory: ResourceRule;
}

/** The queries of one resource, CPU or memory. */
export interface ResourceRule {
  /** Such as `resourceRules.cpu`. */
  readonly path: string;
  readonly labels: LabelMapping;
  /** The label that names containers; empty if it is unset. */
  readonly containerLabel: string;
  /** Of containers of pods. */
  readonly containerQuery: ResourceQuery;
  readonly nodeQuery: ResourceQuery;
}

/** A query, which fails and is reported on its own. */
export interface ResourceQuery {
  /** Such as `resourceRules.cpu.nodeQuery`. */
  readonly path: string;
  readonly line: number;
  /** Undefined for an empty one. */
  readonly template: GoTemplate | undefined;
  /** As in the file. */
  readonly text: string;
  /** The engine that is asked; undefined for the first one. */
  readonly source: string | undefined;
}

export interface Rules {
  readonly custom: readonly MetricRule[];
  readonly external: readonly MetricRule[];
  readonly resource: ResourceRules | undefined;
  /** Parts that load, and will surprise. */
  readonly notes: readonly RuleProblem[];
}
