/** Builds the source of custom and external metrics of PromQL engines by the flags. */
import type { ApiServer } from '../client/apiserver.ts';
import type { Clock } from '../clock.ts';
import type { NodeLister } from '../cluster/nodes.ts';
import type { Pods } from '../cluster/pods.ts';
import type { ResourceMapper } from '../cluster/resourcemapper.ts';
import type { Resolver } from '../dns/resolver.ts';
import { metricNamed } from '../kubeletsource/catalogue.ts';
import type { Logger } from '../logging.ts';
import type { Registry } from '../monitoring.ts';
import type { Options } from '../options/flags.ts';
import { UsageError } from '../options/parse.ts';
import { type PrometheusSettings, prometheusSettings } from '../options/prometheussettings.ts';
import { parsePrometheusUrls } from '../options/prometheusurls.ts';
import {
  createPrometheusSource,
  type PrometheusSource,
  type SourceRules,
} from '../prometheussource/prometheussource.ts';
import { createPromqlClient, type PromqlClient, serverListDeadlineMs } from '../promql/client.ts';
import { createEngine, type PromqlEngine } from '../promql/engine.ts';
import { createPromqlMetrics } from '../promql/promqlmetrics.ts';
import { problemText } from '../rules/problem.ts';
import type { Rules } from '../rules/rule.ts';
import { unknownResources } from '../rules/unknownresources.ts';
import type { Environment } from './apiserver.ts';
import type { ConfiguredSource } from './configuredsource.ts';
import { prometheusAccount } from './prometheusaccount.ts';
import { openRulesFile, type RulesFile } from './rulesfile.ts';
import { createRulesSnapshotKeeper, enginesDigest } from './rulessnapshot.ts';
import type { SnapshotKeeper } from './snapshotfile.ts';

export interface PrometheusMetricsOptions {
  readonly options: Options;
  readonly env: Environment;
  readonly mapper: ResourceMapper;
  readonly pods: Pick<Pods, 'hasEnded'>;
  readonly nodes: Pick<NodeLister, 'synced' | 'get'>;
  readonly resolver: Resolver;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  readonly disposables: AsyncDisposableStack;
}

/**
 * Reads the rules and credentials.
 * @param path of the file with the rules.
 * @throws UsageError for rules, headers or credentials that cannot be used.
 */
export async function createPrometheusMetrics(path: string, from: PrometheusMetricsOptions): Promise<ConfiguredSource> {
  const { options, env, mapper, pods, clock, log, registry, disposables } = from;
  const servesUsage = options['resource-metrics'] === 'prometheus';
  const engines = prometheusSettings(options, parsePrometheusUrls(options['prometheus-url']));
  const isTaken = (metric: string) => options['custom-metrics'] === 'kubelet' && metricNamed(metric) !== undefined;
  const sources = engines.map(({ name }) => name);
  const file = openRulesFile({ path, sources, isTaken, needsResourceRules: servesUsage, clock, log });
  const metrics = createPromqlMetrics(registry);
  const clients: PromqlClient[] = [];
  for (const engine of engines) {
    const account = await prometheusAccount(engine, env, log);
    clients.push(disposables.use(createClient(engine, account, metrics, from)));
  }
  const relistIntervalMs = options['metrics-relist-interval'];
  const maxAgeMs = options['metrics-max-age'] ?? relistIntervalMs;
  const source = createPrometheusSource({
    clients,
    rules: rulesInUse(file.first, servesUsage),
    hasEnded: pods.hasEnded,
    mapper: mapper.quiet,
    onResources: (listener) => mapper.onChange(listener),
    relistIntervalMs,
    maxAgeMs,
    asAdapter: isAsAdapter(options),
    enginesDigest: enginesDigest(engines, isAsAdapter(options)),
    metrics,
    clock,
    log,
  });
  const snapshot = createRulesSnapshotKeeper(source.snapshot, maxAgeMs, from);
  return served({ source, file, snapshot, servesUsage, checkResources: createResourceCheck(mapper, log), log });
}

function isAsAdapter(options: Options): boolean {
  return options['prometheus-queries'] === 'as-adapter';
}

function rulesInUse({ custom, external, resource }: Rules, servesUsage: boolean): SourceRules {
  return servesUsage ? { custom, external, resource } : { custom, external };
}

interface Served {
  readonly source: PrometheusSource;
  readonly file: RulesFile;
  readonly snapshot: SnapshotKeeper;
  readonly servesUsage: boolean;
  readonly checkResources: (rules: Rules) => void;
  readonly log: Logger;
}

/** As in prometheus-adapter, a group is served if the file has rules for it; metrics.k8s.io by a flag. */
function served({ source, file, snapshot, servesUsage, checkResources, log }: Served): ConfiguredSource {
  const has = { custom: file.first.custom.length > 0, external: file.first.external.length > 0 };
  if (!has.custom && !has.external && !servesUsage)
    log.warn({ code: 'NoRules' }, 'the file of --config has no rules: no group of metrics is served by it');
  checkResources(file.first);
  const replace = (rules: Rules): void => {
    source.setRules(rulesInUse(rules, servesUsage));
    checkResources(rules);
    const isNew = (rules.custom.length > 0 && !has.custom) || (rules.external.length > 0 && !has.external);
    if (isNew)
      log.warn(
        { code: 'RulesNeedRestart' },
        'the changed rules have the first ones of another group; restart to serve it',
      );
  };
  return {
    name: 'prometheus',
    custom: has.custom ? source.custom : undefined,
    external: has.external ? source.external : undefined,
    usage: servesUsage ? source.usage : undefined,
    snapshot,
    reports: () => source.reports(),
    isWarm: () => source.isWarm(),
    run: async (signal) => void (await Promise.all([source.run(signal), file.run(replace, signal)])),
  };
}

/** Returns a function that logs the unknown resources of rules once: at once, or as soon as discovery was read. */
function createResourceCheck(mapper: ResourceMapper, log: Logger): (rules: Rules) => void {
  let unchecked: Rules | undefined;
  const check = (rules: Rules): void => {
    for (const problem of unknownResources(rules, mapper.quiet)) {
      log.warn(
        { code: 'RuleDoubtful', problem: problemText(problem) },
        'a rule names a resource that the cluster does not have',
      );
    }
  };
  mapper.onChange(() => {
    if (unchecked !== undefined) check(unchecked);
    unchecked = undefined;
  });
  return (rules) => {
    if (mapper.synced()) check(rules);
    else unchecked = rules;
  };
}

/** Of --request-timeout: the rest is for the last values, which are the answer after a query that hangs. */
const queryShare = 0.9;

function createClient(
  settings: PrometheusSettings,
  account: ApiServer | undefined,
  metrics: ReturnType<typeof createPromqlMetrics>,
  { options, resolver, clock, log }: PrometheusMetricsOptions,
): PromqlClient {
  try {
    const verb = options['prometheus-verb'] as PromqlEngine['verb'];
    const engine = createEngine({ ...settings, verb, account, clock, log });
    return createPromqlClient({
      engine,
      resolve: resolver.resolve,
      metrics,
      clock,
      asAdapter: isAsAdapter(options),
      deadlineMs: Math.ceil(options['request-timeout'] * queryShare),
      listDeadlineMs: serverListDeadlineMs,
    });
  } catch (error) {
    const text = `Prometheus ${settings.name}: ${error instanceof Error ? error.message : String(error)}`;
    throw new UsageError({ code: 'PrometheusUnusable', text });
  }
}
