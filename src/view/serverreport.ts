/** Reads the server's own report, /status, through kube-apiserver. Versions differ: what is missing or unknown is left out, and nothing of it is believed to be short. */
import { statusPath, statusResource, statusResourcePath } from '../api/statusresource.ts';
import { quote } from '../apimachinery/quote.ts';
import { StatusError } from '../apimachinery/status.ts';
import { field, items, text } from '../client/json.ts';
import { parseTimeMs } from '../doctor/times.ts';
import { foreignText } from '../foreigntext.ts';
import { fallbackText, foreignPodsText, kubeletIdentityText } from '../server/statustexts.ts';
import { defined } from './defined.ts';
import type { Reads } from './reads.ts';
import { ViewError } from './viewerror.ts';

export type ServerReportResult =
  | { readonly state: 'read'; readonly report: ServerReportView }
  /** `lacks` is the right that the user lacks, as `list pods`. */
  | { readonly state: 'forbidden'; readonly lacks: string }
  /** metrics-server, a kubegauge that is older than its report, or another server. */
  | { readonly state: 'absent' };

/** What people see of the report of one replica. */
export interface ServerReportView {
  readonly version: string;
  /** As <namespace>/<name>; undefined outside of a pod. */
  readonly pod?: string;
  readonly startMs?: number;
  /** Durations as Go writes them. */
  readonly resolution?: string;
  readonly staleness?: string;
  /** Where metrics.k8s.io comes from: kubelet, prometheus. */
  readonly source?: string;
  /** Which credentials kubelets get, as a sentence; undefined where none are scraped. */
  readonly identity?: string;
  readonly degraded: ShownList<CodedMessage>;
  readonly refused: ShownList<RefusedView>;
  readonly bundles: ShownList<BundleView>;
  /** Rules that fail, then those with a warning. */
  readonly rules: ShownList<RuleView>;
  readonly ruleSources: ShownList<RuleSourceView>;
  /** How many nodes are scraped which way. */
  readonly ways: ShownList<NodeWayView>;
  readonly nodeCount: number;
  /** Nodes with remarks: those that cannot be scraped first. */
  readonly nodes: ShownList<NodeRemarksView>;
}

/** The first `shownEntries` entries of a list. */
export interface ShownList<T> {
  readonly items: readonly T[];
  /** Also of those that are left out. */
  readonly total: number;
}

export interface CodedMessage {
  /** A heading of docs/troubleshooting.md; undefined where the report has none. */
  readonly code?: string;
  readonly message: string;
  readonly remedy?: string;
}

export interface RefusedView extends CodedMessage {
  readonly reason?: string;
  readonly requests?: number;
  readonly lastMs?: number;
}

export interface BundleView extends CodedMessage {
  readonly apiService: string;
  /** Whether it needs an operator. */
  readonly isTrouble: boolean;
}

export interface RuleView {
  readonly source: string;
  readonly rule: string;
  readonly error?: string;
  readonly warning?: string;
  readonly query?: string;
  readonly lastSuccessMs?: number;
}

export interface RuleSourceView {
  readonly source: string;
  readonly rules: number;
  readonly failing: number;
}

export interface NodeWayView {
  readonly nodes: number;
  /** waiting, scraped, failing. */
  readonly state: string;
  /** cadvisor, resource. */
  readonly source?: string;
  readonly verifiedBy?: string;
}

export interface NodeRemarksView {
  readonly name: string;
  readonly state: string;
  /** Failed scrapes since the last success. */
  readonly failures: number;
  readonly lastSuccessMs?: number;
  readonly remarks: readonly CodedMessage[];
}

/** In bytes: the report of 10,000 nodes that fail is 15 MB. */
export const reportLimitBytes = 32 * 1024 * 1024;
/** Entries of each list of the report that are kept. */
export const shownEntries = 100;
/** Characters; a query may have more than others. */
const textLimit = 1_000;
const queryLimit = 2_000;

const listRight = `list ${statusResource.resource}.${statusResource.group}`;

/** @throws ViewError without a usable answer, and for one beyond `reportLimitBytes`. */
export async function readServerReport(reads: Pick<Reads, 'find'>): Promise<ServerReportResult> {
  try {
    const report = parseServerReport(await reads.find(listRight, statusResourcePath, {}, reportLimitBytes));
    return report === undefined ? { state: 'absent' } : { state: 'read', report };
  } catch (error) {
    if (!(error instanceof ViewError) || error.status !== 403) throw error;
    return { state: 'forbidden', lacks: missingRight(error.cause) };
  }
}

/** kube-apiserver reviews the resource before the server does; only the server reviews the path. */
function missingRight(refusal: unknown): string {
  const isOfPath = refusal instanceof StatusError && refusal.message.includes(` cannot get path ${quote(statusPath)}`);
  return isOfPath ? `get the non-resource URL ${statusPath}` : listRight;
}

/** Returns undefined for what is no report. */
export function parseServerReport(report: unknown): ServerReportView | undefined {
  const version = shown(field(report, 'version'));
  if (version === undefined) return undefined;
  const resources = field(report, 'resourceMetrics');
  const nodes = items(field(report, 'nodes'));
  const rules = items(field(report, 'metricRules')).map(parseRule);
  const scrapes = field(resources, 'scrapesKubelets') !== false;
  return {
    version,
    ...defined({
      pod: shown(field(report, 'pod')),
      startMs: parseTimeMs(field(report, 'startTime')),
      resolution: scrapes ? shown(field(report, 'resolution')) : undefined,
      staleness: scrapes ? shown(field(report, 'staleness')) : undefined,
      source: shown(field(resources, 'source')),
      identity: scrapes ? identityOf(field(report, 'kubeletIdentity')) : undefined,
    }),
    degraded: listOf(items(field(report, 'degraded')).map((each) => coded(each, 'message'))),
    refused: listOf(items(field(report, 'refused')).map(parseRefused)),
    bundles: listOf(items(field(report, 'caBundles')).map(parseBundle), ({ isTrouble }) => isTrouble),
    rules: listOf(
      rules.filter(({ error, warning }) => error !== undefined || warning !== undefined),
      ({ error }) => error !== undefined,
    ),
    ruleSources: listOf(sourcesOf(rules)),
    ways: listOf(waysOf(nodes)),
    nodeCount: nodes.length,
    nodes: listOf(
      nodes.map(parseNode).filter(({ remarks }) => remarks.length > 0),
      ({ state }) => state === 'failing',
    ),
  };
}

/** @param isFirst which entries may least be left out. */
function listOf<T>(entries: readonly T[], isFirst: (entry: T) => boolean = () => true): ShownList<T> {
  const ordered = [...entries.filter(isFirst), ...entries.filter((entry) => !isFirst(entry))];
  return { items: ordered.slice(0, shownEntries), total: entries.length };
}

function parseRefused(refused: unknown): RefusedView {
  const [reason, requests] = [shown(field(refused, 'reason')), number(field(refused, 'requests'))];
  return {
    ...coded(refused, 'message'),
    ...defined({ reason, requests, lastMs: parseTimeMs(field(refused, 'last')) }),
  };
}

function parseBundle(bundle: unknown): BundleView {
  const apiService = shown(field(bundle, 'apiService')) ?? '';
  return { ...coded(bundle, 'state'), apiService, isTrouble: field(bundle, 'trouble') === true };
}

function parseRule(rule: unknown): RuleView {
  return {
    source: shown(field(rule, 'source')) ?? '',
    rule: shown(field(rule, 'rule')) ?? '',
    ...defined({
      error: shown(field(rule, 'error')),
      warning: shown(field(rule, 'warning')),
      query: shown(field(rule, 'query'), queryLimit),
      lastSuccessMs: parseTimeMs(field(rule, 'lastSuccess')),
    }),
  };
}

function sourcesOf(rules: readonly RuleView[]): readonly RuleSourceView[] {
  return [...Map.groupBy(rules, ({ source }) => source)].map(([source, of]) => ({
    source,
    rules: of.length,
    failing: of.filter(({ error }) => error !== undefined).length,
  }));
}

/** Returns the ways of nodes, that of most nodes first. */
function waysOf(nodes: readonly unknown[]): readonly NodeWayView[] {
  const ways = nodes.map((node) => ({
    state: shown(field(node, 'state')) ?? 'unknown',
    ...defined({ source: shown(field(node, 'source')), verifiedBy: shown(field(node, 'verifiedBy')) }),
  }));
  return [...Map.groupBy(ways, (way) => JSON.stringify(way)).values()]
    .flatMap(([way, ...others]) => (way === undefined ? [] : [{ ...way, nodes: 1 + others.length }]))
    .toSorted((a, b) => b.nodes - a.nodes);
}

function parseNode(node: unknown): NodeRemarksView {
  return {
    name: shown(field(node, 'name')) ?? '',
    state: shown(field(node, 'state')) ?? 'unknown',
    failures: number(field(node, 'failures')) ?? 0,
    remarks: remarksOf(node),
    ...defined({ lastSuccessMs: parseTimeMs(field(node, 'lastSuccess')) }),
  };
}

function remarksOf(node: unknown): readonly CodedMessage[] {
  const error = field(node, 'error');
  const [fallback, clockSkew] = [shown(field(node, 'fallback')), shown(field(node, 'clockSkew'))];
  const [foreignPods, missing] = [number(field(node, 'foreignPods')) ?? 0, shown(field(node, 'missing'))];
  return [
    ...(error === undefined ? [] : [coded(error, 'message')]),
    ...(fallback === undefined ? [] : [{ code: 'NodeOnFallback', message: fallbackText(fallback) }]),
    ...(clockSkew === undefined ? [] : [{ code: 'ClockSkew', message: clockSkew }]),
    ...(foreignPods > 0 ? [{ code: 'ForeignPods', message: foreignPodsText(foreignPods) }] : []),
    ...(missing === undefined || error !== undefined ? [] : [{ message: `its usage is not served yet (${missing})` }]),
  ];
}

function coded(value: unknown, messageName: string): CodedMessage {
  const [code, remedy] = [shown(field(value, 'code')), shown(field(value, 'remedy'))];
  return { message: shown(field(value, messageName)) ?? '', ...defined({ code, remedy }) };
}

function identityOf(identity: unknown): string | undefined {
  const sent = text(field(identity, 'sent'));
  if (sent !== 'account' && sent !== 'own' && sent !== 'none') return undefined;
  return kubeletIdentityText({
    sent,
    account: shown(field(identity, 'account')),
    reason: shown(field(identity, 'reason')),
  });
}

function shown(value: unknown, limit = textLimit): string | undefined {
  const given = text(value);
  return given === undefined ? undefined : foreignText(given, { limit });
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
