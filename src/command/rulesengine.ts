/** Asks PromQL engines for the series and values of rules. */
import { textMap } from '../client/json.ts';
import { parseLabelSelector } from '../apimachinery/labels.ts';
import { fullName, StatusError } from '../apimachinery/status.ts';
import { systemClock } from '../clock.ts';
import { systemResolver } from '../dns/systemresolver.ts';
import { silentLogger } from '../logging.ts';
import { metricKey } from '../metricsource/combined.ts';
import { createPromqlClient, type PromqlClient } from '../promql/client.ts';
import { createEngine } from '../promql/engine.ts';
import type { PromqlSample } from '../promql/answer.ts';
import type { Mapper } from '../metricsource/described.ts';
import { customQuery, externalQuery, lastByObject, namespaceLabelOf, QueryError } from '../rules/queries.ts';
import type { MetricRule, Rules } from '../rules/rule.ts';
import {
  externalMetricsOf,
  metricNameOf,
  type FoundMetrics,
  metricsOf,
  type RuleExternalMetric,
  type RuleMetric,
} from '../rules/seriesmetrics.ts';
import type { Environment } from './apiserver.ts';
import { errorOf, forever, objectLimit, sendQuery, valueOf } from './askedvalues.ts';
import { prometheusAccount } from './prometheusaccount.ts';
import { askResourceRules } from './resourcerulesengine.ts';
import type { EngineArguments } from './rulesarguments.ts';
import type { AskedEngines, AskedError, AskedMetric, AskedRule } from './rulestext.ts';
import { SeriesSamples } from './seriessamples.ts';

/** How far back series are looked for: prometheus-adapter's default. */
const seriesAgeMs = 600_000;
/** Metrics of a rule that are queried. */
const metricLimit = 20;
/** Names of series that are listed. */
const nameLimit = 10;

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
    clients.push(disposables.use(createPromqlClient({ engine, resolve: resolver.resolve })));
  }
  const found = new Map<MetricRule, FoundRule>();
  for (const rule of [...rules.custom, ...rules.external]) {
    const { source } = rule;
    const client = source === undefined ? clients[0] : clients.find(({ engine }) => engine.name === source);
    found.set(rule, await findMetrics(client, rule, mapperOf(rule)));
  }
  const owners = ownersOf(found);
  const asked: AskedRule[] = [];
  for (const [rule, each] of found) asked.push(await askRule(rule, each, owners));
  const [first] = clients;
  return {
    engines: clients.map(({ engine: { name, url } }) => ({ name, url: `${url.origin}${url.pathname}` })),
    rules: asked,
    resourceQueries:
      first === undefined || rules.resource === undefined ? [] : await askResourceRules(rules.resource, first),
  };
}

interface FoundRule {
  /** Undefined where no engine has the rule's source as its name. */
  readonly client: PromqlClient | undefined;
  readonly mapper: Mapper;
  readonly series: number;
  readonly samples: SeriesSamples;
  readonly metrics: FoundMetrics<RuleMetric | RuleExternalMetric> | undefined;
  readonly errors: readonly AskedError[];
}

async function findMetrics(client: PromqlClient | undefined, rule: MetricRule, mapper: Mapper): Promise<FoundRule> {
  const none = { client, mapper, series: 0, samples: new SeriesSamples(), metrics: undefined };
  if (client === undefined) {
    const message = `no --prometheus-url has the name ${rule.source ?? ''}; write --prometheus-url=${rule.source ?? ''}=<url>`;
    return { ...none, errors: [{ message, isUnavailable: false }] };
  }
  if (rule.seriesQuery.trim() === '') return { ...none, errors: [] };
  try {
    const { result: samples, series } = await client.series(
      { match: rule.seriesQuery, startMs: systemClock.wallMs() - seriesAgeMs, subject: rule.path },
      () => {
        const collected = new SeriesSamples();
        return { add: (labels) => collected.add(textMap(labels)), result: () => collected };
      },
      forever,
    );
    const metrics =
      rule.kind === 'external' ? externalMetricsOf(rule, samples.shapes()) : metricsOf(rule, samples.shapes(), mapper);
    return { client, mapper, series, samples, metrics, errors: [] };
  } catch (error) {
    return { ...none, errors: [errorOf(error)] };
  }
}

/** Returns the path of the rule that serves each metric: the last one that has it. */
function ownersOf(found: ReadonlyMap<MetricRule, FoundRule>): ReadonlyMap<string, string> {
  return new Map(
    [...found].flatMap(([rule, { metrics }]) =>
      (metrics?.metrics ?? []).map((each) => [ownerKey(rule, each), rule.path] as const),
    ),
  );
}

function ownerKey(rule: MetricRule, metric: RuleMetric | RuleExternalMetric): string {
  return `${rule.kind} ${'resource' in metric ? metricKey(metric.resource, metric.metric) : metric.metric}`;
}

async function askRule(rule: MetricRule, found: FoundRule, owners: ReadonlyMap<string, string>): Promise<AskedRule> {
  const { series, samples, metrics, errors } = found;
  const all = metrics?.metrics ?? [];
  const asked: AskedMetric[] = [];
  const failures: AskedError[] = [];
  for (const each of all.slice(0, metricLimit)) {
    const owner = owners.get(ownerKey(rule, each));
    const base = {
      metric: each.metric,
      resource: 'resource' in each ? fullName(each.resource) : undefined,
      series: each.series,
      overriddenBy: owner === rule.path ? undefined : owner,
    };
    try {
      asked.push({ ...base, ...(await askMetric(found, rule, each)) });
    } catch (error) {
      const failure = errorOf(error);
      failures.push(failure);
      asked.push({ ...base, values: [], query: undefined, problem: failure.message });
    }
  }
  return {
    path: rule.path,
    series,
    left: samples.count((name) => metricNameOf(rule, name) !== undefined),
    metrics: asked,
    moreMetrics: Math.max(0, all.length - metricLimit),
    unassociated: [...(metrics?.unassociated ?? [])].slice(0, nameLimit),
    errors: [...errors, ...failures],
  };
}

type AskedValues = Pick<AskedMetric, 'values' | 'query' | 'problem'>;

/** @throws PromqlError */
async function askMetric(
  found: FoundRule,
  rule: MetricRule,
  metric: RuleMetric | RuleExternalMetric,
): Promise<AskedValues> {
  const { client } = found;
  if (client === undefined) return { values: [], query: undefined };
  try {
    return 'resource' in metric
      ? await askCustom(client, found, rule, metric)
      : await askExternal(client, found, rule, metric);
  } catch (error) {
    if (error instanceof QueryError || error instanceof StatusError) {
      return { values: [], query: undefined, problem: error.message };
    }
    throw error;
  }
}

async function askCustom(
  client: PromqlClient,
  { samples, mapper }: FoundRule,
  rule: MetricRule,
  { resource, series }: RuleMetric,
): Promise<AskedValues> {
  const label = rule.labels.labelOf(resource, mapper) ?? '';
  const namespaceLabel = resource.namespaced ? namespaceLabelOf(rule, mapper) : undefined;
  const { namespace, names } = samples.objects(series, label, namespaceLabel, objectLimit);
  if (names.length === 0) return { values: [], query: undefined, problem: `no series has the label ${label}` };
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
  { samples, mapper }: FoundRule,
  rule: MetricRule,
  { series }: RuleExternalMetric,
): Promise<AskedValues> {
  const label = rule.namespaced ? namespaceLabelOf(rule, mapper) : undefined;
  const namespace =
    label === undefined ? 'default' : (samples.objects(series, label, undefined, 1).names[0] ?? 'default');
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
