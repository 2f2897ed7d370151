/** Reads what the server says of its last scrapes: its own status, causes of 404, or its log. */
import { parseDuration } from '../../apimachinery/duration.ts';
import { field, items, text } from '../../client/json.ts';
import { mapLimited } from '../../client/limited.ts';
import { readLocalStatus } from '../../client/localstatus.ts';
import { parseCommandLine } from '../../options/parse.ts';
import type { PodBehindService } from '../apiside/servingpods.ts';
import { type CheckContext, readable } from '../check.ts';
import type { ProxyReading, ServersWord } from './kubeletevidence.ts';
import type { NodeUsages } from './readnodes.ts';
import type { ServerInstallation } from './serverflags.ts';

/** Nodes without usage that the server is asked about. With more of them, the causes repeat. */
const askLimit = 100;
/** Requests at a time. */
const askConcurrency = 4;
/** Lines of a pod's log. */
const logLines = 2_000;

/** Returns words by node. @param missing nodes without usage. */
export async function readServersWords(
  context: CheckContext,
  missing: readonly string[],
  pods: readonly PodBehindService[],
): Promise<ReadonlyMap<string, ServersWord>> {
  const words = new Map<string, ServersWord>();
  await mapLimited(missing.slice(0, askLimit), askConcurrency, context.signal, async (node) => {
    const word = await askAbout(context, node);
    if (word !== undefined) words.set(node, word);
  });
  if (missing.some((node) => !words.has(node))) {
    for (const [node, word] of await readLogs(context, pods)) if (!words.has(node)) words.set(node, word);
  }
  return words;
}

/** Reads the status of the server in this pod, by the flags of doctor or of the Deployment; undefined without an answer. */
export async function readOwnStatus(
  { server, options }: CheckContext,
  installation: ServerInstallation | undefined,
): Promise<unknown> {
  const flags = installation === undefined ? undefined : parse(installation.args);
  for (const each of [options, flags]) {
    if (each === undefined) continue;
    const report = await readLocalStatus(each, server, []).catch(() => undefined);
    if (report !== undefined) return report;
  }
  return undefined;
}

function parse(args: readonly string[]): CheckContext['options'] | undefined {
  try {
    return parseCommandLine(args).options;
  } catch {
    return undefined;
  }
}

/** Returns by node why a StatusReport has no usage of it: a failure, or that there is one sample so far, as in the causes of a 404. */
export function wordsOfStatus(report: unknown): ReadonlyMap<string, ServersWord> {
  return new Map(
    items(field(report, 'nodes')).flatMap((node): [string, ServersWord][] => {
      const name = text(field(node, 'name'));
      const error = field(node, 'error');
      const code = text(field(error, 'code'));
      if (name === undefined) return [];
      if (code === undefined) {
        const isWaiting = field(node, 'missing') === 'one-sample';
        return isWaiting ? [[name, { code: 'OneSample', message: 'it has one sample' }]] : [];
      }
      return [[name, { code, message: text(field(error, 'message')) ?? '' }]];
    }),
  );
}

/** Returns how the server itself reads nodes: its fallback, and the clocks that it saw. */
export function readingsOfStatus(report: unknown): ReadonlyMap<string, ProxyReading> {
  return new Map(
    items(field(report, 'nodes')).flatMap((node): [string, ProxyReading][] => {
      const name = text(field(node, 'name'));
      if (name === undefined || field(node, 'source') === undefined) return [];
      return [[name, { kind: 'read', fallback: text(field(node, 'fallback')), skew: text(field(node, 'clockSkew')) }]];
    }),
  );
}

/** Returns the usages of nodes that the server itself serves. */
export function usagesOfStatus(report: unknown, nowMs: number): NodeUsages {
  return new Map(
    items(field(report, 'nodes')).flatMap((node): [string, { readonly atMs: number; readonly isZero: boolean }][] => {
      const name = text(field(node, 'name'));
      const ageMs = parseDuration(text(field(node, 'age')) ?? '');
      if (name === undefined || ageMs === undefined || field(node, 'served') !== true) return [];
      return [[name, { atMs: nowMs - ageMs, isZero: false }]];
    }),
  );
}

/** kubegauge says in the causes of a 404 why a node has no usage; metrics-server gives none. */
async function askAbout({ api }: CheckContext, node: string): Promise<ServersWord | undefined> {
  const path = `/apis/metrics.k8s.io/v1beta1/nodes/${encodeURIComponent(node)}`;
  const answer = await readable(api.text(path), undefined);
  // The last one is of the scrape, the first of the usage.
  const cause = answer?.status === 404 ? answer.causes.at(-1) : undefined;
  return cause && { code: cause.reason, message: cause.message };
}

async function readLogs(
  { api }: CheckContext,
  pods: readonly PodBehindService[],
): Promise<ReadonlyMap<string, ServersWord>> {
  const words = new Map<string, ServersWord>();
  for (const { namespace, name, ended } of pods) {
    if (ended) continue;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log`;
    const log = await readable(api.text(path, { tailLines: String(logLines) }), undefined);
    if (log?.status === 200) for (const [node, word] of wordsOfLog(log.text)) words.set(node, word);
  }
  return words;
}

/** Returns the last failure of each node in a log of metrics-server. */
export function wordsOfLog(log: string): ReadonlyMap<string, ServersWord> {
  const words = new Map<string, ServersWord>();
  for (const line of log.split('\n')) {
    const [, quoted = '', node] =
      /"Failed to scrape node[^"]*" err="((?:[^"\\]|\\.)*)" node="([^"]+)"/.exec(line) ?? [];
    if (node !== undefined) {
      const message = quoted.replaceAll('\\"', '"');
      words.set(node, { code: codeOf(message), message });
    } else for (const [older, message] of failuresInLine(line)) words.set(older, { code: codeOf(message), message });
  }
  return words;
}

/** Returns the failures in a line of metrics-server before 0.5, which lists all of a round. */
function failuresInLine(line: string): readonly (readonly [node: string, message: string])[] {
  const [, ...failures] = line.slice(0, lineLimit).split('unable to fully scrape metrics from ');
  return failures.flatMap((failure): (readonly [string, string])[] => {
    const [, node, message] =
      /^(?:source kubelet_summary:|node )([a-zA-Z0-9.-]{1,253}): unable to fetch metrics from (?:Kubelet|node) [^ ]{1,253}(?: \([^)]{0,253}\))?: (.*)$/.exec(
        failure,
      ) ?? [];
    return node === undefined || message === undefined ? [] : [[node, message.replace(/(?:, |\])$/, '')]];
  });
}

/** Characters of a line that are read: one of a large cluster has a failure for each node. */
const lineLimit = 256 * 1024;

/** Go's errors, as metrics-server logs them. */
const goErrors: readonly (readonly [words: RegExp, code: string])[] = [
  [/doesn't contain any IP SANs|certificate is (?:not )?valid for|legacy Common Name/, 'CertificateNamesNeither'],
  [/certificate signed by unknown authority/, 'UnknownAuthority'],
  [/certificate has expired or is not yet valid/, 'CertificateExpired'],
  [/remote error: tls: internal error/, 'ServingCertificatePending'],
  [/\b401 Unauthorized\b/, 'Unauthorized'],
  [/\b403 Forbidden\b/, 'Forbidden'],
  [/no such host|server misbehaving/, 'NameUnknown'],
  [/connection refused/, 'ConnectionRefused'],
  [/no route to host|network is unreachable/, 'Unreachable'],
  [/i\/o timeout|TLS handshake timeout/, 'ConnectTimeout'],
  [/malformed HTTP response/, 'PlainHttp'],
  [/server gave HTTP response to HTTPS client/, 'NotTls'],
  [/context deadline exceeded|request canceled/, 'NoAnswer'],
];

function codeOf(message: string): string {
  return goErrors.find(([words]) => words.test(message))?.[1] ?? 'Other';
}
