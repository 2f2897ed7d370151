/** Parses the rules file of prometheus-adapter, and rejects what can never work. */
import { createHash } from 'node:crypto';
import {
  type FilterConfig,
  type NameConfig,
  type ResourceRuleConfig,
  type ResourceRulesConfig,
  type RuleConfig,
  rulesConfig,
} from './config.ts';
import { decodeYaml } from './decode.ts';
import { dryRun, parseQueryTemplate } from './dryrun.ts';
import { unknownReference } from './expansion.ts';
import { compilePattern, type Pattern, PatternError } from './pattern.ts';
import { type RuleProblem, RulesError } from './problem.ts';
import { parsePrometheusDuration } from './prometheusduration.ts';
import { compileResourceLabels } from './resourcelabels.ts';
import type { MetricRule, NameRule, ResourceQuery, ResourceRule, ResourceRules, Rules, SeriesFilter } from './rule.ts';
import { noteRule } from './rulenotes.ts';
import { TemplateError } from './template/error.ts';
import type { GoTemplate } from './template/template.ts';

/**
 * Parses the file that prometheus-adapter gets as --config. An empty file has no rules.
 * @throws RulesError with all problems.
 */
export function parseRules(text: string): Rules {
  const { value, lineOf, notes } = decodeYaml(text, rulesConfig);
  const check = new RuleCompiler(lineOf);
  const compileAll = (
    kind: MetricRule['kind'],
    key: string,
    configs: readonly (RuleConfig | undefined)[] = [],
  ): MetricRule[] => configs.map((config, index) => check.rule(kind, `${key}[${index}]`, config ?? {}));
  const custom = compileAll('custom', 'rules', value?.rules);
  const external = compileAll('external', 'externalRules', value?.externalRules);
  const resource = value?.resourceRules === undefined ? undefined : check.resourceRules(value.resourceRules);
  if (check.problems.length > 0) throw new RulesError(check.problems);
  const found = [...custom, ...external].flatMap((rule) => noteRule(rule, lineOf));
  return { custom, external, resource, notes: [...notes, ...check.notes, ...found] };
}

/** Characters of all regular expressions of a file: the slowest take 5 s to compile. */
const patternsLengthLimit = 50_000;
/** Instructions of all regular expressions of a file. */
const programsLimit = 50_000;

/** Compiles, and collects problems. */
class RuleCompiler {
  readonly problems: RuleProblem[] = [];
  readonly notes: RuleProblem[] = [];
  readonly #lineOf: (path: string) => number;
  #patternLength = 0;
  #programSize = 0;
  #hasTooMuch = false;

  constructor(lineOf: (path: string) => number) {
    this.#lineOf = lineOf;
  }

  rule(kind: MetricRule['kind'], path: string, config: RuleConfig): MetricRule {
    const name = this.#name(path, config.name ?? {});
    const filters = (config.seriesFilters ?? []).flatMap((filter, index) =>
      this.#filter(`${path}.seriesFilters[${index}]`, filter ?? {}),
    );
    const labels = compileResourceLabels(config.resources, (below, problem, remedy) =>
      this.#add(`${path}.resources.${below}`, problem, remedy),
    );
    const before = this.problems.length;
    const metricsQuery = this.#query(`${path}.metricsQuery`, config.metricsQuery);
    const rule: MetricRule = {
      kind,
      identity: identityOf(config),
      identityOfRest: identityOf({ ...config, seriesQuery: '' }),
      path,
      line: this.#lineOf(path),
      seriesQuery: config.seriesQuery ?? '',
      source: engineOf(config.source),
      filters:
        (config.name?.matches ?? '') === '' ? filters : [...filters, { pattern: name.matches, isPositive: true }],
      name,
      labels,
      namespaced: config.resources?.namespaced ?? true,
      metricsQuery,
      metricsQueryText: config.metricsQuery ?? '',
    };
    if (this.problems.length === before) this.#dryRun(rule);
    if (kind === 'custom' && config.resources?.namespaced === false) {
      const problem = 'namespaced: false has no effect in rules, as in prometheus-adapter';
      this.#note(
        `${path}.resources.namespaced`,
        problem,
        'leave .LabelMatchers out of the query to read other namespaces',
      );
    }
    return rule;
  }

  resourceRules(config: ResourceRulesConfig): ResourceRules {
    const cpu = this.#resourceRule('resourceRules.cpu', config.cpu);
    const memory = this.#resourceRule('resourceRules.memory', config.memory);
    const window = config.window === undefined ? 0 : parsePrometheusDuration(config.window);
    if (window === undefined) {
      const problem = `not a valid duration string: "${(config.window ?? '').slice(0, 40)}"`;
      this.#add('resourceRules.window', problem, 'write a number with a unit, such as 5m');
    }
    return { line: this.#lineOf('resourceRules'), identity: identityOf(config), windowMs: window ?? 0, cpu, memory };
  }

  #resourceRule(path: string, config: ResourceRuleConfig = {}): ResourceRule {
    const query = (key: 'containerQuery' | 'nodeQuery'): ResourceQuery => {
      const at = `${path}.${key}`;
      const { [key]: text = '', source } = config;
      return { path: at, line: this.#lineOf(at), template: this.#query(at, text), text, source: engineOf(source) };
    };
    return {
      path,
      labels: compileResourceLabels(config.resources, (below, problem, remedy) =>
        this.#add(`${path}.resources.${below}`, problem, remedy),
      ),
      containerLabel: config.containerLabel ?? '',
      containerQuery: query('containerQuery'),
      nodeQuery: query('nodeQuery'),
    };
  }

  #name(path: string, { matches = '', as = '' }: NameConfig): NameRule {
    const pattern = this.#pattern(`${path}.name.matches`, matches) ?? everything;
    if (as === '') {
      if (pattern.groups > 1) {
        const problem = `must specify an 'as' value: matches has ${pattern.groups} groups`;
        this.#add(`${path}.name.as`, problem, 'name the group to use, such as as: "$1"');
      }
      return { matches: pattern, as: pattern.groups === 0 ? '$0' : '$1' };
    }
    const unknown = unknownReference(as, pattern);
    if (unknown?.meant !== undefined) {
      const problem = `$${unknown.group} is the group named ${unknown.group}, which matches does not have`;
      this.#add(`${path}.name.as`, problem, `write ${unknown.meant}`);
    } else if (unknown !== undefined) {
      const problem = `matches has no group ${unknown.group}; it becomes an empty text`;
      this.#note(`${path}.name.as`, problem, `use one of its ${pattern.groups} groups`);
    }
    return { matches: pattern, as };
  }

  #filter(path: string, { is = '', isNot = '' }: FilterConfig): readonly SeriesFilter[] {
    if (is !== '' && isNot !== '') {
      this.#add(path, 'cannot have both an is and an isNot expression in a single filter', 'make two filters of it');
    }
    if (is === '' && isNot === '') {
      this.#add(path, 'must have either an is or an isNot expression', 'add one, or remove the filter');
      return [];
    }
    const key = is === '' ? 'isNot' : 'is';
    const pattern = this.#pattern(`${path}.${key}`, is === '' ? isNot : is);
    return pattern === undefined ? [] : [{ pattern, isPositive: key === 'is' }];
  }

  #pattern(path: string, source: string): Pattern | undefined {
    if (source === '') return undefined;
    this.#patternLength += source.length;
    if (this.#patternLength > patternsLengthLimit) {
      this.#addOnce(path, `the regular expressions of the file have more than ${patternsLengthLimit} characters`);
      return undefined;
    }
    try {
      const compiled = compilePattern(source);
      this.#programSize += compiled.programSize;
      if (this.#programSize <= programsLimit) return compiled;
      this.#addOnce(path, `the regular expressions of the file have more than ${programsLimit} instructions`);
      return undefined;
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      const remedy = 'use the syntax of RE2, without lookahead, lookbehind and backreferences';
      this.#add(path, error.message, remedy);
      return undefined;
    }
  }

  #query(path: string, text = ''): GoTemplate | undefined {
    if (text === '') return undefined;
    try {
      return parseQueryTemplate(text);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      this.#add(path, error.message, 'correct the template');
      return undefined;
    }
  }

  /** Rejects a query that fails for each request whatever its data, and notes one that may fail. */
  #dryRun(rule: MetricRule): void {
    const { failures, neverWorks } = dryRun(rule);
    const [failure] = failures;
    if (failure === undefined) return;
    const path = `${rule.path}.metricsQuery`;
    if (neverWorks) this.#add(path, failure.problem, 'correct the template');
    else this.#note(path, `${failure.problem} (for ${failure.request})`, 'make the template work for each request');
  }

  /** Each further expression would be too much, as well. */
  #addOnce(path: string, problem: string): void {
    if (!this.#hasTooMuch) this.#add(path, problem, 'split the file over several servers, or write shorter ones');
    this.#hasTooMuch = true;
  }

  #add(path: string, problem: string, remedy: string): void {
    this.problems.push({ line: this.#lineOf(path), path, problem, remedy });
  }

  #note(path: string, problem: string, remedy: string): void {
    this.notes.push({ line: this.#lineOf(path), path, problem, remedy });
  }
}

const everything = compilePattern('.*');

/** An empty name is none. */
function engineOf(source: string | undefined): string | undefined {
  return source === '' ? undefined : source;
}

/** Returns a text that another rule of the file, or of the next one, has only if it is the same. */
function identityOf(config: RuleConfig | ResourceRulesConfig): string {
  const text = JSON.stringify(config, (_, value: unknown) => (value instanceof Map ? [...value] : value));
  return createHash('sha256').update(text).digest('base64url');
}
