/** Builds the report of GET /status: the state of nodes' scrapes, and what is served. */
import { formatDuration } from '../apimachinery/duration.ts';
import { formatTime } from '../apimachinery/meta.ts';
import type { RecentRefusal, Refusals } from '../auth/refusals.ts';
import type { Clock } from '../clock.ts';
import { inOneLine } from '../kubelet/explain/explanation.ts';
import type { MessageCode } from '../messagecodes.ts';
import type { SourceReport } from '../metricsource/source.ts';
import type { UsageOrReason, Usage } from '../sample/point.ts';
import type { NodeStatus } from '../scrape/report/nodestatus.ts';
import type {
  CaBundleReport,
  KubeletIdentityReport,
  MetricRuleReport,
  NodeReport,
  RefusedReport,
  ResourceMetricsReport,
  StatusReport,
  StatusSource,
} from '../server/statuspage.ts';
import type { PodCounts } from '../storage/admission.ts';
import type { RootOwner } from '../tls/podroot.ts';
import { version } from '../version.ts';

export interface StatusOptions {
  readonly statuses: () => readonly NodeStatus[];
  readonly resourceMetrics: ResourceMetricsReport;
  /** The pod that this process runs in; undefined elsewhere. */
  readonly pod: RootOwner | undefined;
  /** Undefined where what is served is not known before a request. */
  readonly usage: { nodeUsage(node: string): UsageOrReason<Usage> | undefined };
  /** Counts the last scrape's pods; undefined before the first. */
  readonly podCounts: (node: string) => PodCounts | undefined;
  readonly refusals: Pick<Refusals, 'recent'>;
  readonly kubeletIdentity: () => KubeletIdentityReport;
  /** Undefined unless this pod has a root certificate of its own. */
  readonly caBundles: (() => readonly CaBundleReport[]) | undefined;
  /** Undefined without a source of custom or external metrics. */
  readonly metricRules: (() => readonly SourceReport[]) | undefined;
  /** Why pins of kubelets do not outlive this process, as a sentence; undefined if they do. */
  readonly pinNote: () => string | undefined;
  readonly resolutionMs: number;
  readonly stalenessMs: number;
  readonly clock: Clock;
}

export function createStatus({
  statuses,
  resourceMetrics,
  pod,
  usage,
  podCounts,
  refusals,
  kubeletIdentity,
  caBundles,
  metricRules,
  pinNote,
  resolutionMs,
  stalenessMs,
  clock,
}: StatusOptions): StatusSource {
  const startedMs = clock.wallMs();
  return (names) => {
    const all = statuses();
    const named = new Set(names);
    const refused = refusals.recent();
    const identity = kubeletIdentity();
    const bundles = caBundles?.();
    const rules = metricRules?.();
    const chosen = names.length === 0 ? all : all.filter(({ node }) => named.has(node));
    return {
      version,
      pod: pod && `${pod.namespace}/${pod.pod}`,
      startTime: formatTime(startedMs),
      resolution: formatDuration(resolutionMs),
      staleness: formatDuration(stalenessMs),
      resourceMetrics,
      degraded: [
        ...problemsOf(all, podCounts),
        ...identityProblems(identity),
        ...bundleProblems(bundles ?? []),
        ...pinProblems(pinNote()),
        ...ruleProblems(rules ?? []),
        ...troubleOf(refused),
      ],
      refused: refused.map(refusedReport),
      kubeletIdentity: identity,
      caBundles: bundles,
      metricRules: rules?.map(ruleReport),
      nodes: chosen.map((status) =>
        reportOf(status, usage.nodeUsage(status.node), podCounts(status.node), clock.wallMs()),
      ),
    };
  };
}

function problemsOf(statuses: readonly NodeStatus[], podCounts: StatusOptions['podCounts']): StatusReport['degraded'] {
  const ready = statuses.filter((status) => status.ready);
  const count = (matches: (status: NodeStatus) => boolean) => ready.filter(matches).length;
  const rules: readonly (readonly [nodes: number, code: MessageCode, what: string])[] = [
    [count(({ state }) => state === 'failing'), 'NodesNotRead', 'cannot be scraped'],
    [
      count(({ last }) => last?.fallback !== undefined),
      'NodeOnFallback',
      'are served from /metrics/resource instead of /metrics/cadvisor',
    ],
    [count(({ last }) => last?.clockSkew !== undefined), 'ClockSkew', 'have a clock that differs from ours'],
    [
      count(({ node }) => (podCounts(node)?.foreign ?? 0) > 0),
      'ForeignPods',
      'report pods of other nodes, which are not served',
    ],
  ];
  return rules
    .filter(([nodes]) => nodes > 0)
    .map(([nodes, code, what]) => ({ code, message: `${nodes} of ${ready.length} ready nodes ${what}` }));
}

/** Our own token instead of the account's is no problem: so it is wherever only an image was replaced. */
function identityProblems({ sent, account, reason }: KubeletIdentityReport): StatusReport['degraded'] {
  if (account === undefined || sent === 'own' || reason === undefined) return [];
  return sent === 'none'
    ? [{ code: 'KubeletTokenUnavailable', message: `there is no token for kubelets: ${reason}` }]
    : [{ code: 'KubeletTokenNotRenewed', message: `the token for kubelets cannot be renewed: ${reason}` }];
}

function pinProblems(message: string | undefined): StatusReport['degraded'] {
  return message === undefined ? [] : [{ code: 'PinsInMemory', message }];
}

/** Reports rules that fail at PromQL engines. What fails at kubelets is a problem of nodes. */
function ruleProblems(rules: readonly SourceReport[]): StatusReport['degraded'] {
  const ofEngines = rules.filter(({ source }) => source !== 'kubelet');
  return [...Map.groupBy(ofEngines, ({ source }) => source)].flatMap(([source, of]) => {
    const failing = of.filter(({ lastError }) => lastError !== undefined).length;
    return failing === 0 ? [] : [{ code: 'RuleFails', message: `${failing} of ${of.length} rules of ${source} fail` }];
  });
}

function reportOf(
  { node, ready, state, last, ...rest }: NodeStatus,
  usage: UsageOrReason<Usage> | undefined,
  pods: PodCounts | undefined,
  nowMs: number,
): NodeReport {
  const { error } = rest;
  return {
    name: node,
    ready,
    state,
    source: last?.source,
    fallback: last?.fallback,
    address: last?.address,
    verifiedBy: last?.verifiedBy,
    pods: last?.pods,
    containers: last?.containers,
    unverifiedPods: pods?.unverified || undefined,
    foreignPods: pods?.foreign || undefined,
    served: usage?.kind === 'ready',
    missing: usage?.kind === 'missing' ? usage.reason : undefined,
    age: usage?.kind === 'ready' ? formatDuration(Math.round(nowMs - usage.value.timestampMs)) : undefined,
    window: usage?.kind === 'ready' ? formatDuration(usage.value.windowMs) : undefined,
    sampleSpacing: last === undefined || last.spacingMs === 0 ? undefined : formatDuration(Math.round(last.spacingMs)),
    clockSkew: last?.clockSkew && inOneLine(last.clockSkew),
    lastScrape: formatted(rest.lastScrapeMs),
    lastSuccess: formatted(last?.atMs),
    scrapeDuration: last && formatDuration(Math.round(last.durationMs * 10) / 10),
    wireBytes: last?.wireBytes,
    failures: rest.failures,
    error: error && { code: error.code, message: error.what, remedy: error.remedy },
  };
}

function ruleReport({ lastSuccessMs, lastError, ...rule }: SourceReport): MetricRuleReport {
  return { ...rule, lastSuccess: formatted(lastSuccessMs), error: lastError };
}

function troubleOf(refused: readonly RecentRefusal[]): StatusReport['degraded'] {
  const troubles = refused.filter(({ isTrouble }) => isTrouble).map(({ code, what }) => [code, what] as const);
  return [...new Map(troubles)].map(([code, message]) => ({ code, message }));
}

function bundleProblems(bundles: readonly CaBundleReport[]): StatusReport['degraded'] {
  return bundles
    .filter(({ trouble }) => trouble)
    .map(({ apiService, code, state }) => ({ code, message: `${apiService}: ${state}` }));
}

function refusedReport({ code, what, reason, requests, sinceMs, lastMs }: RecentRefusal): RefusedReport {
  return { code, message: what, reason, requests, since: formatTime(sinceMs), last: formatTime(lastMs) };
}

export function refusalText({ code, message, reason, requests, last }: RefusedReport): string {
  return `${code}: ${message} (${requests} ${requests === 1 ? 'request' : 'requests'}, the last at ${last}): ${reason}`;
}

/** Returns lines for `/readyz?verbose`. */
export function refusalNotes(refusals: Pick<Refusals, 'recent'>): readonly string[] {
  return refusals.recent().map((refusal) => `refused in the last five minutes: ${refusalText(refusedReport(refusal))}`);
}

function formatted(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : formatTime(ms);
}
