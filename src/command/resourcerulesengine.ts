/** Asks a PromQL engine for the usages of `resourceRules`. */
import type { PromqlSample } from '../promql/answer.ts';
import { chosenClient } from '../prometheussource/prometheussource.ts';
import type { PromqlClient } from '../promql/client.ts';
import { QueryError } from '../rules/queries.ts';
import { nodesQuery, podsQuery } from '../rules/resourcequeries.ts';
import type { ResourceQuery, ResourceRule, ResourceRules } from '../rules/rule.ts';
import { errorOf, objectLimit, sendQuery, unknownEngine, valueOf } from './askedvalues.ts';
import type { AskedResourceQuery } from './rulestext.ts';

/** Its pods are asked for first: every cluster has some there, and an answer of all pods may be above a limit. */
const usualNamespace = 'kube-system';

interface MadeQuery {
  readonly query: string;
  /** The labels that name an object of the result. */
  readonly labels: readonly string[];
  /** The namespace of all samples, if it is none of the labels. */
  readonly namespace?: string;
}

/** Returns the values of a few containers and nodes. A query that the rule cannot make is not sent. */
export async function askResourceRules(
  { cpu, memory }: ResourceRules,
  clients: readonly PromqlClient[],
): Promise<readonly AskedResourceQuery[]> {
  const asked: AskedResourceQuery[] = [];
  for (const rule of [cpu, memory]) {
    const ofUsual = () => madePods(rule, [usualNamespace]);
    const ofAll = () => madePods(rule, undefined);
    asked.push(...(await ask(clients, rule.containerQuery, [ofUsual, ofAll])));
    asked.push(...(await ask(clients, rule.nodeQuery, [() => madeNodes(rule)])));
  }
  return asked;
}

function madePods(rule: ResourceRule, namespaces: readonly [string] | undefined): MadeQuery {
  const { query, namespace, pod, container } = podsQuery(rule, { namespaces, names: undefined }, 'exact');
  if (namespace !== undefined) return { query, labels: [namespace, pod, container] };
  return { query, labels: [pod, container], namespace: usualNamespace };
}

function madeNodes(rule: ResourceRule): MadeQuery {
  const { query, node } = nodesQuery(rule, { names: undefined }, 'exact');
  return { query, labels: [node] };
}

/** @param makes queries, of which each is sent if the result of the previous one is empty. */
async function ask(
  clients: readonly PromqlClient[],
  asked: ResourceQuery,
  makes: readonly (() => MadeQuery)[],
): Promise<readonly AskedResourceQuery[]> {
  let query = '';
  const { path } = asked;
  const without = (problem: string) => ({ path, query, values: [], problem, errors: [] });
  const client = chosenClient(clients, asked);
  if (client === undefined) {
    const unknown = unknownEngine(asked);
    return [{ ...without(unknown.message), errors: [unknown] }];
  }
  try {
    for (const make of makes) {
      const made = make();
      ({ query } = made);
      const { type, samples } = await sendQuery(client, query, path);
      if (type !== 'vector') return [without(`the result is a ${type}; a vector is needed`)];
      if (samples.length > 0) return [{ path, query, errors: [], ...valuesOf(made, samples) }];
    }
    return [without('the result is empty')];
  } catch (error) {
    if (error instanceof QueryError) return [];
    const failure = errorOf(error);
    return [{ ...without(failure.message), errors: [failure] }];
  }
}

function valuesOf(
  { labels, namespace }: MadeQuery,
  samples: readonly PromqlSample[],
): Pick<AskedResourceQuery, 'values' | 'problem'> {
  const named = samples.filter((sample) => labels.every((label) => (sample.labels.get(label) ?? '') !== ''));
  const values = named.slice(0, objectLimit).map((sample) => {
    const names = labels.map((label) => sample.labels.get(label) ?? '');
    return valueOf([namespace ?? [], names].flat().join('/'), sample);
  });
  const problem = values.length === 0 ? `no sample has the label ${labels.join(' and the label ')}` : undefined;
  return { values, problem };
}
