/** GET /status explains the served numbers. The same report is a resource of metrics.k8s.io. */
import { statusResource } from '../api/statusresource.ts';
import { encodeJson } from '../apimachinery/meta.ts';
import { badRequest, watchNotSupported } from '../apimachinery/status.ts';
import { foreignText } from '../foreigntext.ts';
import type { MessageCode } from '../messagecodes.ts';
import { compress } from './compress.ts';
import { jsonReply, type Reply } from './reply.ts';
import { type ApiRequest, type RequestInfo, valuesOf } from './requestinfo.ts';
import type { ApiRoute } from './route.ts';

/** Durations have Go's form, times Kubernetes'; unknown values are absent. */
export interface StatusReport {
  readonly version: string;
  /** The pod that answers, as <namespace>/<name>; absent outside of a pod. Each replica has a report of its own. */
  readonly pod?: string | undefined;
  readonly startTime: string;
  readonly resolution: string;
  readonly staleness: string;
  readonly resourceMetrics: ResourceMetricsReport;
  /** A degraded server is ready. */
  readonly degraded: readonly DegradedReport[];
  /** Refusals of the last five minutes, latest first. */
  readonly refused: readonly RefusedReport[];
  readonly kubeletIdentity: KubeletIdentityReport;
  /** In a pod with a root certificate of its own; one for each version of the API. */
  readonly caBundles?: readonly CaBundleReport[] | undefined;
  /** Rules and metrics of custom.metrics.k8s.io, external.metrics.k8s.io and of resourceRules in use; absent without a source of them. */
  readonly metricRules?: readonly MetricRuleReport[] | undefined;
  readonly nodes: readonly NodeReport[];
}

/** Where metrics.k8s.io comes from. */
export interface ResourceMetricsReport {
  /** prometheus: an engine is asked during each request, by resourceRules. */
  readonly source: 'kubelet' | 'prometheus';
  /** False: there are no nodes in the report. */
  readonly scrapesKubelets: boolean;
}

export interface DegradedReport {
  /** A heading of docs/troubleshooting.md. */
  readonly code: MessageCode;
  /** One sentence. */
  readonly message: string;
}

/** A rule of an engine, or a metric of kubelets. */
export interface MetricRuleReport {
  readonly source: string;
  readonly rule: string;
  /** Metrics that it exposes, and series behind them. */
  readonly metrics: number;
  readonly series?: number | undefined;
  readonly lastSuccess?: string | undefined;
  /** Absent while it works. */
  readonly error?: string | undefined;
  /** Why values may be missing although it works. */
  readonly warning?: string | undefined;
  /** The last query that was sent. */
  readonly query?: string | undefined;
}

/** Which credentials kubelets get. */
export interface KubeletIdentityReport {
  /** `account`: tokens of a ServiceAccount for kubelets; `own`: ours; `none`: no credentials. */
  readonly sent: 'account' | 'own' | 'none';
  /** As <namespace>/<name>; absent if no account is used. */
  readonly account?: string | undefined;
  /** Why it is not a token of the account, or why that is not renewed. */
  readonly reason?: string | undefined;
}

export interface CaBundleReport {
  readonly apiService: string;
  readonly code: MessageCode;
  /** One sentence. */
  readonly state: string;
  /** Whether kube-apiserver accepts our certificate for this API, or verifies none. */
  readonly ready: boolean;
  /** Whether the state needs an operator. */
  readonly trouble: boolean;
}

export interface RefusedReport {
  readonly code: MessageCode;
  readonly message: string;
  readonly reason: string;
  readonly requests: number;
  readonly since: string;
  readonly last: string;
}

export interface NodeReport {
  readonly name: string;
  readonly ready: boolean;
  readonly state: 'waiting' | 'scraped' | 'failing';
  readonly source?: string | undefined;
  /** Why the source is not cAdvisor. */
  readonly fallback?: string | undefined;
  readonly address?: string | undefined;
  /** Method that verified the kubelet: address, node-name, pinned-key, apiserver, or nothing. */
  readonly verifiedBy?: string | undefined;
  readonly pods?: number | undefined;
  readonly containers?: number | undefined;
  /** Pods that the API has not placed (yet); served if no other node reports them. */
  readonly unverifiedPods?: number | undefined;
  /** Pods that the API places on other nodes; not served. */
  readonly foreignPods?: number | undefined;
  /** Whether the node's own usage is served; `missing` says why not. */
  readonly served: boolean;
  readonly missing?: string | undefined;
  /** Since the later sample, and between both. */
  readonly age?: string | undefined;
  readonly window?: string | undefined;
  readonly sampleSpacing?: string | undefined;
  /** If more than seconds. */
  readonly clockSkew?: string | undefined;
  readonly lastScrape?: string | undefined;
  readonly lastSuccess?: string | undefined;
  readonly scrapeDuration?: string | undefined;
  readonly wireBytes?: number | undefined;
  /** Since the last success. */
  readonly failures: number;
  readonly error?:
    | { readonly code: string; readonly message: string; readonly remedy?: string | undefined }
    | undefined;
}

/** @param names empty for all nodes. */
export type StatusSource = (names: readonly string[]) => StatusReport;

/** Serves the nodes that `node` selects; it may be repeated. */
export function serveStatus(source: StatusSource, request: ApiRequest): Promise<Reply> | Reply {
  const names = valuesOf(request.info, 'node');
  if (names.some((name) => name === '')) throw badRequest('node= must name a node');
  return compress(jsonReply(encodeJson(clean(source(names)), 'pretty')), request.header('accept-encoding'));
}

/** Reports whether a request means the report as a resource, whatever its verb. */
export function isStatusResource({ resource, shape }: RequestInfo): boolean {
  if (resource === undefined || shape !== 'cluster' || resource.name !== '' || resource.subresource !== '')
    return false;
  const { group, version, resource: name } = statusResource;
  return resource.group === group && resource.version === version && resource.resource === name;
}

/** Returns the route of the report as a resource. */
export function statusRoute(source: StatusSource): ApiRoute {
  return {
    produces: ['application/json'],
    serve(request) {
      if (request.info.resource?.verb === 'watch') throw watchNotSupported(statusResource);
      return serveStatus(source, request);
    },
  };
}

/** Removes secrets and control characters from foreign texts. */
function clean({ nodes, kubeletIdentity, caBundles, metricRules, ...report }: StatusReport): StatusReport {
  return {
    ...report,
    ...(caBundles && { caBundles: caBundles.map((each) => ({ ...each, state: foreignText(each.state) })) }),
    ...(metricRules && { metricRules: metricRules.map(cleanRule) }),
    degraded: report.degraded.map(({ code, message }) => ({ code, message: foreignText(message) })),
    kubeletIdentity: {
      ...kubeletIdentity,
      ...(kubeletIdentity.reason === undefined ? {} : { reason: foreignText(kubeletIdentity.reason) }),
    },
    nodes: nodes.map((node) => ({
      ...node,
      ...(node.address === undefined ? {} : { address: foreignText(node.address) }),
      ...(node.fallback === undefined ? {} : { fallback: foreignText(node.fallback) }),
      ...(node.error === undefined ? {} : { error: { ...node.error, message: foreignText(node.error.message) } }),
    })),
  };
}

/** Characters; a query for 1,500 pods has more. */
const queryLimit = 2_000;

function cleanRule({ error, warning, query, ...rule }: MetricRuleReport): MetricRuleReport {
  return {
    ...rule,
    ...(error === undefined ? {} : { error: foreignText(error) }),
    ...(warning === undefined ? {} : { warning: foreignText(warning) }),
    ...(query === undefined ? {} : { query: foreignText(query, { limit: queryLimit }) }),
  };
}
