/** The file format of prometheus-adapter v0.12, and the one key of rules and of resources that is ours. */
import { boolean, type YamlDecoder, list, mapOf, struct, text } from './decode.ts';

export interface GroupResourceConfig {
  readonly group?: string;
  readonly resource?: string;
}

export interface ResourcesConfig {
  readonly template?: string;
  /** By label. */
  readonly overrides?: ReadonlyMap<string, GroupResourceConfig | undefined>;
  readonly namespaced?: boolean;
}

export interface FilterConfig {
  readonly is?: string;
  readonly isNot?: string;
}

export interface NameConfig {
  readonly matches?: string;
  readonly as?: string;
}

export interface RuleConfig {
  readonly seriesQuery?: string;
  readonly seriesFilters?: readonly (FilterConfig | undefined)[];
  readonly resources?: ResourcesConfig;
  readonly name?: NameConfig;
  readonly metricsQuery?: string;
  /** The name of the engine that has the series; ours, prometheus-adapter rejects it. */
  readonly source?: string;
}

export interface ResourceRuleConfig {
  readonly containerQuery?: string;
  readonly nodeQuery?: string;
  readonly resources?: ResourcesConfig;
  readonly containerLabel?: string;
  /** As in a rule; ours. */
  readonly source?: string;
}

export interface ResourceRulesConfig {
  readonly cpu?: ResourceRuleConfig;
  readonly memory?: ResourceRuleConfig;
  readonly window?: string;
}

export interface RulesConfig {
  readonly rules?: readonly (RuleConfig | undefined)[];
  readonly externalRules?: readonly (RuleConfig | undefined)[];
  readonly resourceRules?: ResourceRulesConfig;
}

const resources = struct<ResourcesConfig>({
  template: text,
  overrides: mapOf(struct<GroupResourceConfig>({ group: text, resource: text })),
  namespaced: boolean,
});

const rule = struct<RuleConfig>({
  seriesQuery: text,
  seriesFilters: list(struct<FilterConfig>({ is: text, isNot: text })),
  resources,
  name: struct<NameConfig>({ matches: text, as: text }),
  metricsQuery: text,
  source: text,
});

const resourceRule = struct<ResourceRuleConfig>({
  containerQuery: text,
  nodeQuery: text,
  resources,
  containerLabel: text,
  source: text,
});

export const rulesConfig: YamlDecoder<RulesConfig> = struct<RulesConfig>({
  rules: list(rule),
  externalRules: list(rule),
  resourceRules: struct<ResourceRulesConfig>({ cpu: resourceRule, memory: resourceRule, window: text }),
});
