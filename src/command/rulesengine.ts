/** Asks PromQL engines for the series and values of rules. */
import { parseLabelSelector } from '../apimachinery/labels.ts';
import { fullName, StatusError } from '../apimachinery/status.ts';
import { systemClock } from '../clock.ts';
import { systemResolver } from '../dns/systemresolver.ts';
import { silentLogger } from '../logging.ts';
import { createPromqlClient, type PromqlClient } from '../promql/client.ts';
import { createEngine } from '../promql/engine.ts';
import type { PromqlSample } from '../promql/answer.ts';
import { chosenClient } from '../prometheussource/prometheussource.ts';
import type { Mapper } from '../metricsource/described.ts';
import { customQuery, externalQuery, lastByObject, QueryError } from '../rules/queries.ts';
import type { MetricRule, Rules } from '../rules/rule.ts';
import type { RuleExternalMetric, RuleMetric } from '../rules/seriesmetrics.ts';
import type { Environment } from './apiserver.ts';
import { errorOf, objectLimit, sendQuery, valueOf } from './askedvalues.ts';
import { prometheusAccount } from './prometheusaccount.ts';
import { askResourceRules } from './resourcerulesengine.ts';
import type { EngineArguments } from './rulesarguments.ts';
import { askedWhileAnswering } from './rulesclient.ts';
import { findMetrics, type FoundMetric, type FoundRule, ownerKey, type Owners } from './rulesseries.ts';
import type { AskedEngines, AskedError, AskedMetric, AskedRule } from './rulestext.ts';

/**
 * Asks the engine of each rule.
 * @param engineArguments of all; rules without a source are for the first.
 * @param env of the process: a pod's account.
 * @throws Error if an engine cannot be set up: a header, a file. UsageError for an account that a pod would have.
 */
export async function askEngines(
  rules: Rules,
  engineArguments: readonly EngineArguments[],
  mapperOf: (rule: MetricRule) => Mapper,
  env: Environment,
): Promise<AskedEngines> {
  using resolver = systemResolver();
  await using disposables = new AsyncDisposableStack();
  const clients: PromqlClient[] = [];
  for (const each of engineArguments) {
    const account = await prometheusAccount(each, env, silentLogger);
    const engine = createEngine({ ...each, account, clock: systemClock, log: silentLogger });
    const client = disposables.use(createPromqlClient({ engine, resolve: resolver.resolve }));
    clients.push(askedWhileAnswering(client));
  }
  const owners: Owners = new Map();
  const found: FoundRule[] = [];
  for (const rule of [...rules.custom, ...rules.external]) {
    found.push(await findMetrics(chosenClient(clients, rule), rule, mapperOf(rule), owners));
  }
  const asked: AskedRule[] = [];
  for (const each of found) asked.push(await askRule(each, owners));
  return {
    engines: clients.map(({ engine: { name, url } }) => ({ name, url: `${url.origin}${url.pathname}` })),
    rules: asked,
    resourceQueries: rules.resource === undefined ? [] : await askResourceRules(rules.resource, clients),
  };
}

async function askRule(found: FoundRule, owners: Owners): Promise<AskedRule> {
  const { rule, series, left, moreMetrics, unassociated, errors } = found;
  const asked: AskedMetric[] = [];
  const failures: AskedError[] = [];
  for (const each of found.metrics) {
    const { metric } = each;
    const owner = owners.get(ownerKey(rule, metric));
    const base = {
      metric: metric.metric,
      resource: 'resource' in metric ? fullName(metric.resource) : undefined,
      series: metric.series,
      overriddenBy: owner === rule.path ? undefined : owner,
    };
    try {
      asked.push({ ...base, ...(await askMetric(found, each)) });
    } catch (error) {
      const failure = errorOf(error);
      failures.push(failure);
      asked.push({ ...base, values: [], query: undefined, problem: failure.message });
    }
  }
  return { path: rule.path, series, left, metrics: asked, moreMetrics, unassociated, errors: [...errors, ...failures] };
}

type AskedValues = Pick<AskedMetric, 'values' | 'query' | 'problem'>;

/** @throws PromqlError */
async function askMetric({ client, mapper }: FoundRule, { metric, objects }: FoundMetric): Promise<AskedValues> {
  if (client === undefined) return { values: [], query: undefined };
  try {
    return 'resource' in metric
      ? await askCustom(client, mapper, metric, objects)
      : await askExternal(client, mapper, metric, objects);
  } catch (error) {
    if (error instanceof QueryError || error instanceof StatusError) {
      return { values: [], query: undefined, problem: error.message };
    }
    throw error;
  }
}

async function askCustom(
  client: PromqlClient,
  mapper: Mapper,
  { rule, resource, series }: RuleMetric,
  { namespace, names, problem }: FoundMetric['objects'],
): Promise<AskedValues> {
  if (names.length === 0) return { values: [], query: undefined, problem };
  const request = { series, resource, namespace, names, metricSelector: parseLabelSelector('') };
  const built = customQuery(rule, request, mapper);
  const answer = await sendQuery(client, built.query, rule.path);
  if (answer.type !== 'vector') {
    return { values: [], query: built.query, problem: `the result is a ${answer.type}; a vector is needed` };
  }
  const byObject = lastByObject(answer.samples, built.label);
  const values = names.flatMap((name) => {
    const sample = byObject.get(name);
    return sample === undefined ? [] : [valueOf(namespace === '' ? name : `${namespace}/${name}`, sample)];
  });
  const lacking = answer.samples.length === 0 ? 'the result is empty' : `no sample has the label ${built.label}`;
  return { values, query: built.query, problem: values.length === 0 ? lacking : undefined };
}

async function askExternal(
  client: PromqlClient,
  mapper: Mapper,
  { rule, series }: RuleExternalMetric,
  { names: [namespace = 'default'] }: FoundMetric['objects'],
): Promise<AskedValues> {
  const request = { series, namespace, selector: parseLabelSelector('') };
  const query = externalQuery(rule, request, mapper);
  const answer = await sendQuery(client, query, rule.path);
  if (answer.type !== 'vector' && answer.type !== 'scalar') {
    return { values: [], query, problem: `the result is a ${answer.type}; a vector or scalar is needed` };
  }
  const values = answer.samples.slice(0, objectLimit).map((sample) => valueOf(labelText(sample), sample));
  return { values, query, problem: values.length === 0 ? 'the result is empty' : undefined };
}

function labelText({ labels }: PromqlSample): string {
  return `{${[...labels].map(([label, value]) => `${label}="${value}"`).join(',')}}`;
}
