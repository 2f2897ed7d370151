/** A source of metrics over a fake Prometheus, with rules as in prometheus-adapter's file. */
import { createResolver } from '../../src/dns/resolver.ts';
import { parseLabelSelector } from '../../src/apimachinery/labels.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { type Logger, silentLogger } from '../../src/logging.ts';
import type { Mapper } from '../../src/metricsource/described.ts';
import type { Caller, CustomAnswer, ExternalSample } from '../../src/metricsource/source.ts';
import { createPromqlClient } from '../../src/promql/client.ts';
import { createEngine } from '../../src/promql/engine.ts';
import type { PromqlMetrics } from '../../src/promql/promqlmetrics.ts';
import { createPrometheusSource, type PrometheusSource } from '../../src/prometheussource/prometheussource.ts';
import type { ContainerHasEnded } from '../../src/prometheussource/usagenumbers.ts';
import { parseRules } from '../../src/rules/rules.ts';
import { createMapper } from './discovery.ts';

export const forever = new AbortController().signal;

export interface SourceSettings {
  readonly rules: string;
  /** The URL of one engine, or those of several by name. */
  readonly urls: string | Readonly<Record<string, string>>;
  /** As of --prometheus-header, by the engine's name; that of a single one is prometheus. */
  readonly headers?: Readonly<Record<string, readonly string[]>>;
  readonly deadlineMs?: number;
  readonly relistIntervalMs?: number;
  readonly maxAgeMs?: number;
  readonly asAdapter?: boolean;
  readonly verb?: 'GET' | 'POST';
  readonly mapper?: Mapper;
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly metrics?: PromqlMetrics;
  readonly hasEnded?: ContainerHasEnded;
}

export interface RunningSource extends AsyncDisposable {
  readonly source: PrometheusSource;
  resourcesChanged(): void;
  /** Asks for objects of a resource, by the names of what discovery has. */
  get(metric: string, names: readonly string[], options?: AskOptions): Promise<CustomAnswer>;
  /** Name and value in thousandths of each sample. */
  values(metric: string, names: readonly string[], options?: AskOptions): Promise<Readonly<Record<string, number>>>;
  external(
    metric: string,
    selector?: string,
    options?: Pick<AskOptions, 'namespace' | 'caller'>,
  ): Promise<readonly ExternalSample[]>;
  /** Names of metrics with their resources, such as `pods/requests`. */
  listed(): readonly string[];
}

export interface AskOptions {
  /** Default pods. */
  readonly resource?: string;
  /** Default shop. */
  readonly namespace?: string;
  readonly selector?: string;
  readonly signal?: AbortSignal;
  /** Default the autoscaler. */
  readonly caller?: Caller;
}

/** The HorizontalPodAutoscaler controller. */
export const autoscaler: Caller = {
  kind: 'system',
  name: 'system:serviceaccount:kube-system:horizontal-pod-autoscaler',
};

export function runSource(settings: SourceSettings): RunningSource {
  const {
    rules,
    urls,
    deadlineMs = 60_000,
    relistIntervalMs = 60_000,
    maxAgeMs = 60_000,
    asAdapter = false,
  } = settings;
  const { clock = systemClock, log = silentLogger, mapper = createMapper(), verb = 'GET', metrics } = settings;
  const { resolve } = createResolver();
  const named = typeof urls === 'string' ? { prometheus: urls } : urls;
  const clients = Object.entries(named).map(([name, url]) => {
    const engine = createEngine({ name, url, verb, headers: settings.headers?.[name] ?? [], clock: systemClock, log });
    return createPromqlClient({ engine, resolve, deadlineMs, asAdapter, metrics, clock, random: () => 0 });
  });
  const listeners: (() => void)[] = [];
  const source = createPrometheusSource({
    clients,
    rules: parseRules(rules),
    mapper,
    onResources: (listener) => void listeners.push(listener),
    relistIntervalMs,
    maxAgeMs,
    asAdapter,
    enginesDigest: () => JSON.stringify(named),
    ...(settings.hasEnded === undefined ? {} : { hasEnded: settings.hasEnded }),
    metrics,
    clock,
    log,
  });
  const stop = new AbortController();
  const running = source.run(stop.signal);
  return {
    source,
    resourcesChanged: () => listeners.forEach((listener) => listener()),
    get,
    values: async (metric, names, options) => {
      const { samples } = await get(metric, names, options);
      return Object.fromEntries(samples.map(({ name, valueMilli }) => [name, Number(valueMilli)]));
    },
    external: (metric, selector = '', { namespace = 'shop', caller = autoscaler } = {}) =>
      source.external.get({ metric, namespace, selector: parseLabelSelector(selector), caller }, forever),
    listed: () =>
      source.custom
        .list()
        .map(({ resource: { resource, group }, metric }) => `${resource}${group && `.${group}`}/${metric}`),
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the test ends'));
      await running;
      await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    },
  };

  async function get(metric: string, names: readonly string[], options: AskOptions = {}): Promise<CustomAnswer> {
    const { resource = 'pods', namespace = 'shop', selector = '', signal = forever, caller = autoscaler } = options;
    const described = mapper.resourceFor(resource);
    if (described === undefined) throw new Error(`the mapper has no ${resource}`);
    const question = { metric, resource: described, namespace: described.namespaced ? namespace : '', names };
    const metricSelector = parseLabelSelector(selector);
    return source.custom.get({ ...question, isNamed: names.length === 1, metricSelector, caller }, signal);
  }
}
