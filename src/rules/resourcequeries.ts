/** From requests for metrics.k8s.io to the queries of `resourceRules`. */
import { knownResources } from './knownresources.ts';
import { Matchers, type QueryStyle } from './matchers.ts';
import type { RuleProblem } from './problem.ts';
import { QueryError } from './queries.ts';
import type { ResourceQuery, ResourceRule, ResourceRules } from './rule.ts';
import { TemplateError } from './template/error.ts';

export interface NodesRequest {
  /** At least one; undefined for all. */
  readonly names: readonly string[] | undefined;
}

export interface PodsRequest {
  /** At least one; undefined for all. The query groups by namespace as well unless there is one. */
  readonly namespaces: readonly string[] | undefined;
  /** At least one; undefined for all pods of the namespaces. */
  readonly names: readonly string[] | undefined;
}

export interface NodesQuery {
  readonly query: string;
  /** The label whose value is the node's name in the result. */
  readonly node: string;
}

/** Labels of the result. */
export interface PodsQuery {
  readonly query: string;
  /** Undefined where all samples are of the one namespace. */
  readonly namespace: string | undefined;
  readonly pod: string;
  readonly container: string;
}

/** @throws QueryError if the rule cannot make a query. */
export function nodesQuery(rule: ResourceRule, { names }: NodesRequest, style: QueryStyle): NodesQuery {
  const node = requireLabel(rule, 'nodes');
  const matchers = new Matchers(style);
  addNames(matchers, node, names);
  return { query: execute(rule.nodeQuery, matchers, [node]), node };
}

/** @throws QueryError if the rule cannot make a query. */
export function podsQuery(rule: ResourceRule, { namespaces, names }: PodsRequest, style: QueryStyle): PodsQuery {
  const namespace = requireLabel(rule, 'namespaces');
  const pod = requireLabel(rule, 'pods');
  const container = rule.containerLabel;
  if (container === '') throw new QueryError(`${rule.path}: containerLabel is missing`);
  const matchers = new Matchers(style);
  addNames(matchers, namespace, namespaces);
  addNames(matchers, pod, names);
  const isJoined = namespaces?.length !== 1;
  const groupBy = isJoined ? [namespace, pod, container] : [pod, container];
  const query = execute(rule.containerQuery, matchers, groupBy);
  return { query, namespace: isJoined ? namespace : undefined, pod, container };
}

/** Returns a problem for each part without which metrics.k8s.io cannot be served. prometheus-adapter fails per request. */
export function resourceRulesProblems({ cpu, memory, windowMs, line }: ResourceRules): readonly RuleProblem[] {
  const problem = 'it is unset, and each object would say that its window is 0s';
  const unset = { line, path: 'resourceRules.window', problem, remedy: 'write the range of the CPU query: window: 5m' };
  return [...(windowMs === 0 ? [unset] : []), ...[cpu, memory].flatMap(queryProblems)];
}

function queryProblems(rule: ResourceRule): readonly RuleProblem[] {
  return resourceExamples(rule).flatMap(({ line, path, problem }) =>
    problem === undefined ? [] : [{ line, path, problem, remedy }],
  );
}

/** Returns the queries of CPU, then those of memory. Each fails, and is reported, on its own. */
export function queriesOf({ cpu, memory }: ResourceRules): readonly ResourceQuery[] {
  return [cpu, memory].flatMap(({ containerQuery, nodeQuery }) => [containerQuery, nodeQuery]);
}

/** The query of one pod or node, or why there is none. */
export interface ResourceExample {
  readonly path: string;
  readonly line: number;
  readonly source?: string | undefined;
  readonly query?: string | undefined;
  readonly problem?: string | undefined;
}

export function resourceExamples(rule: ResourceRule): readonly ResourceExample[] {
  const examples: readonly (readonly [asked: ResourceQuery, make: () => { readonly query: string }])[] = [
    [rule.containerQuery, () => podsQuery(rule, { namespaces: ['default'], names: ['web-0'] }, 'exact')],
    [rule.nodeQuery, () => nodesQuery(rule, { names: ['node-a'] }, 'exact')],
  ];
  return examples.map(([{ path, line, source }, make]) => ({ path, line, source, ...tried(make) }));
}

const remedy =
  "write containerQuery, nodeQuery, containerLabel and resources for cpu and for memory, as in prometheus-adapter's example";

function tried(make: () => { readonly query: string }): Pick<ResourceExample, 'query' | 'problem'> {
  try {
    return { query: make().query };
  } catch (error) {
    if (error instanceof QueryError) return { problem: error.message };
    throw error;
  }
}

/** Core resources are known without the cluster's discovery. */
function requireLabel({ path, labels }: ResourceRule, name: 'pods' | 'nodes' | 'namespaces'): string {
  const resource = knownResources.resourceFor(name);
  const label = resource === undefined ? undefined : labels.labelOf(resource, knownResources);
  if (label !== undefined) return label;
  throw new QueryError(`${path}: no label names ${name}; map one in resources.overrides`);
}

function addNames(matchers: Matchers, label: string, names: readonly string[] | undefined): void {
  if (names === undefined) matchers.addAnyName(label);
  else matchers.addNames(label, names);
}

function execute({ path, template }: ResourceQuery, { texts, values }: Matchers, groupBy: readonly string[]): string {
  if (template === undefined) throw new QueryError(`${path} is empty`);
  try {
    const query = template.execute({
      Series: '',
      LabelMatchers: texts.join(','),
      LabelValuesByName: values,
      GroupBy: groupBy.join(','),
      GroupBySlice: groupBy,
    });
    if (query === '') throw new QueryError(`${path} makes an empty query`);
    return query;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new QueryError(`${path}: ${error.message}`, { cause: error });
  }
}
