/** The answers of the API: which parameters each path takes, and what it reads. */
import type { Clock } from '../clock.ts';
import { version } from '../version.ts';
import type { UiCollector, UiView } from './collector.ts';
import type { Health } from './health.ts';
import { historySeconds, podPageLimit, refreshSeconds } from './limits.ts';
import { checkPodPath, type GivenParameters, type ParameterName, readParameters } from './parameters.ts';
import { RequestError } from './requesterror.ts';
import {
  type ApiPath,
  apiPaths,
  type AutoscalerHistoryAnswer,
  type AutoscalersAnswer,
  type HealthAnswer,
  type NodesAnswer,
  type PodsAnswer,
  type ServerReportAnswer,
  type SummaryAnswer,
  type UsageHistoryAnswer,
} from './routes.ts';
import { toUsageSeries } from './usagelog.ts';

export interface ApiSources {
  readonly view: UiView;
  readonly collector: UiCollector;
  readonly health: Health;
  /** Shown as the cluster's name. */
  readonly context: string;
  readonly clock: Clock;
}

export interface ApiCall {
  /** Equal for equal requests. */
  readonly key: string;
  /** Returns what the answer's JSON says. */
  readonly read: () => Promise<unknown>;
}

export interface ApiRequestParts {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
}

/** @throws RequestError 400 or 404. */
export type UiApiRoute = (request: ApiRequestParts) => ApiCall;

export function createApi(sources: ApiSources): Readonly<Record<ApiPath, UiApiRoute>> {
  const { view, health, collector } = sources;
  return {
    [apiPaths.summary]: route(apiPaths.summary, [], () => readSummary(sources)),
    [apiPaths.nodes]: route(apiPaths.nodes, [], async (): Promise<NodesAnswer> => ({ items: await view.nodes() })),
    [apiPaths.pods]: route(
      apiPaths.pods,
      ['namespace', 'node', 'labelSelector', 'limit', 'continue'],
      (parameters): Promise<PodsAnswer> => view.pods({ limit: podPageLimit, ...parameters }),
    ),
    [apiPaths.pod]: ({ params: { namespace = '', name = '' }, query }) => {
      checkPodPath(namespace, name);
      readParameters(query, []);
      return { key: `pod ${namespace}/${name}`, read: () => readPod(sources, namespace, name) };
    },
    [apiPaths.autoscalers]: route(
      apiPaths.autoscalers,
      ['namespace'],
      async ({ namespace }): Promise<AutoscalersAnswer> => ({ items: await view.autoscalers(namespace) }),
    ),
    [apiPaths.nodeHistory]: route(apiPaths.nodeHistory, ['name', 'sinceSeconds', 'stepSeconds'], (parameters) =>
      readNodeHistory(sources, parameters),
    ),
    [apiPaths.containerHistory]: route(
      apiPaths.containerHistory,
      ['namespace', 'name', 'labelSelector', 'sinceSeconds', 'stepSeconds'],
      (parameters) => readContainerHistory(sources, parameters),
    ),
    [apiPaths.autoscalerHistory]: route(
      apiPaths.autoscalerHistory,
      ['namespace', 'name', 'sinceSeconds'],
      async (parameters): Promise<AutoscalerHistoryAnswer> => ({
        series: collector.autoscalers.read({ sinceSeconds: historySeconds, ...parameters }, view.nowMs()),
      }),
    ),
    [apiPaths.health]: route(apiPaths.health, [], async (): Promise<HealthAnswer> => health.read()),
    [apiPaths.serverReport]: route(apiPaths.serverReport, [], (): Promise<ServerReportAnswer> => view.serverReport()),
  };
}

function route<Names extends ParameterName>(
  path: ApiPath,
  names: readonly Names[],
  read: (parameters: GivenParameters<Names>) => Promise<unknown>,
): UiApiRoute {
  return ({ query }) => {
    const parameters = readParameters(query, names);
    const key = `${path} ${JSON.stringify(names.map((name) => parameters[name] ?? null))}`;
    return { key, read: () => read(parameters) };
  };
}

async function readSummary({ view, collector, context, clock }: ApiSources): Promise<SummaryAnswer> {
  const summary = await view.summary();
  return {
    summary,
    context,
    version,
    refreshSeconds,
    clockAheadMs: Math.round((view.nowMs() - clock.wallMs()) / 1000) * 1000,
    history: collector.extentOf(summary),
    ...(view.contextNamespace !== undefined && { namespace: view.contextNamespace }),
  };
}

async function readPod({ view }: ApiSources, namespace: string, name: string): Promise<unknown> {
  const pod = await view.pod(namespace, name);
  if (pod === undefined) throw new RequestError(404, `there is no pod ${namespace}/${name}`);
  return pod;
}

async function readNodeHistory(
  { view, collector }: ApiSources,
  { name, ...given }: GivenParameters<'name' | 'sinceSeconds' | 'stepSeconds'>,
): Promise<UsageHistoryAnswer> {
  const range = { sinceSeconds: historySeconds, ...given };
  const points = (await keepsHistory(view))
    ? await view.nodeHistory({ ...range, ...(name !== undefined && { name }) })
    : collector.nodes.read(range, view.nowMs(), (node) => node === (name ?? node));
  return { series: toUsageSeries(points) };
}

async function readContainerHistory(
  { view, collector }: ApiSources,
  parameters: GivenParameters<'namespace' | 'name' | 'labelSelector' | 'sinceSeconds' | 'stepSeconds'>,
): Promise<UsageHistoryAnswer> {
  const { namespace, name, labelSelector } = parameters;
  if (namespace === undefined) throw new RequestError(400, 'namespace: name the namespace of the pods');
  const range = { sinceSeconds: historySeconds, ...parameters };
  if (await keepsHistory(view, namespace))
    return { series: toUsageSeries(await view.containerHistory({ ...range, namespace })) };
  if (labelSelector !== undefined)
    throw new RequestError(400, 'labelSelector: the history that this program collects has no labels; leave it out');
  const omitted = collector.omissionOf(namespace);
  if (omitted !== undefined) throw new RequestError(403, omitted);
  const prefix = `${namespace}/${name === undefined ? '' : `${name}/`}`;
  return { series: toUsageSeries(collector.containers.read(range, view.nowMs(), (key) => key.startsWith(prefix))) };
}

/** Reports whether the server keeps the history of a namespace's containers; of nodes without one. @throws ViewError if that is not known. */
async function keepsHistory(view: UiView, namespace?: string): Promise<boolean> {
  return (await view.historyKeeper(namespace)) === 'kubegauge';
}
