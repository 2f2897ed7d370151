/**
 * The HTTP contract between the page of `kubegauge ui` and its server: GET and HEAD of a fixed list of paths, below the session's path. Answers are the objects
 * of `view/`, or columns of them. Each 200 has an ETag; a request with If-None-Match gets 304 while nothing changed. An error is an `ErrorAnswer`.
 */
import type { Examination } from '../doctor/examination.ts';
import type { ServerReportResult } from '../view/serverreport.ts';
import type { AutoscalerView, ClusterSummaryView, NodeView, PodView } from '../view/types.ts';

/** Paths of the API. Segments that begin with a colon are parameters. */
export const apiPaths = {
  /** SummaryAnswer. */
  summary: '/api/summary',
  /** NodesAnswer. */
  nodes: '/api/nodes',
  /** PodsAnswer. Query: namespace, node, labelSelector, limit (1 to 500), continue. */
  pods: '/api/pods',
  /** PodView; 404 without that pod. */
  pod: '/api/pods/:namespace/:name',
  /** AutoscalersAnswer. Query: namespace. */
  autoscalers: '/api/autoscalers',
  /** UsageHistoryAnswer. Query: name (of a node), sinceSeconds, stepSeconds. */
  nodeHistory: '/api/history/nodes',
  /** UsageHistoryAnswer. Query: namespace (required), name (of a pod), labelSelector, sinceSeconds, stepSeconds. */
  containerHistory: '/api/history/containers',
  /** AutoscalerHistoryAnswer. Query: namespace, name, sinceSeconds. */
  autoscalerHistory: '/api/history/autoscalers',
  /** HealthAnswer. */
  health: '/api/health',
  /** ServerReportAnswer. */
  serverReport: '/api/serverreport',
} as const;

export type ApiPath = (typeof apiPaths)[keyof typeof apiPaths];

export interface SummaryAnswer {
  readonly summary: ClusterSummaryView;
  /** Name of the kubeconfig's context, or the URL of kube-apiserver. */
  readonly context: string;
  /** Of kubegauge. */
  readonly version: string;
  /** How often the page should ask again. */
  readonly refreshSeconds: number;
  /** kube-apiserver's clock minus ours, in milliseconds, rounded to seconds. An age is `Date.now() + clockAheadMs - timestampMs`. */
  readonly clockAheadMs: number;
  readonly history: HistoryExtent;
  /** The namespace of the kubeconfig's context, if it names one: the way for a user who cannot list pods of all namespaces. */
  readonly namespace?: string;
}

/** How far back usage can be read. */
export interface HistoryExtent {
  /** At most: kubegauge does not say its `--history`. */
  readonly seconds: number;
  /** `server`: kubegauge in the cluster keeps it. `ui`: this program collects it while it runs. `unknown`: the server cannot be recognised. */
  readonly keptBy: 'server' | 'ui' | 'unknown';
  /** Where this program collects: what it leaves out, as one sentence. */
  readonly reason?: string;
}

export interface NodesAnswer {
  readonly items: readonly NodeView[];
}

export interface PodsAnswer {
  readonly items: readonly PodView[];
  /** Of the next page; undefined on the last. */
  readonly continue?: string;
}

export interface AutoscalersAnswer {
  readonly items: readonly AutoscalerView[];
}

export interface UsageHistoryAnswer {
  readonly series: readonly UsageSeries[];
}

/** Columns of equal length, oldest first; null where there is no value. */
export interface UsageSeries {
  /** Of a node, or `namespace/pod/container`. */
  readonly name: string;
  /** Seconds since the epoch: ends of windows. */
  readonly timeSeconds: readonly number[];
  readonly windowSeconds: readonly number[];
  /** Cores. */
  readonly cpu: readonly (number | null)[];
  /** Bytes. */
  readonly memory: readonly (number | null)[];
  /** When this program read them, in seconds since the epoch by kube-apiserver's clock; only where it collects them. */
  readonly readSeconds?: readonly number[];
}

export interface AutoscalerHistoryAnswer {
  readonly series: readonly AutoscalerSeries[];
}

/** Columns of equal length, oldest first; null where there is no value. */
export interface AutoscalerSeries {
  readonly namespace: string;
  readonly name: string;
  /** Seconds since the epoch: when it was read. */
  readonly timeSeconds: readonly number[];
  readonly replicas: readonly (number | null)[];
  readonly desiredReplicas: readonly (number | null)[];
  readonly metrics: readonly AutoscalerMetricSeries[];
}

export interface AutoscalerMetricSeries {
  /** See AutoscalerMetricView. */
  readonly name: string;
  /** `%` of requests, or none. */
  readonly unit: '%' | '';
  readonly current: readonly (number | null)[];
  readonly target: readonly (number | null)[];
  /** current / target. */
  readonly ratio: readonly (number | null)[];
}

/** What the checks of `kubegauge doctor` found. They run when this is read and the last run is older than a minute. */
export interface HealthAnswer {
  /** While `examining`, `examination` is of the previous run, if there is one. */
  readonly state: 'examining' | 'examined' | 'failed';
  readonly examination?: Examination;
  /** Why the last run failed, as one sentence. */
  readonly error?: string;
  readonly remedy?: string;
}

/** What the server reports of itself, without what the page does not show. */
export type ServerReportAnswer = ServerReportResult;

/** The body of each status but 200 and 304. */
export interface ErrorAnswer {
  /** One sentence. */
  readonly error: string;
  /** What ends it, as a sentence or a command. */
  readonly remedy?: string;
}
