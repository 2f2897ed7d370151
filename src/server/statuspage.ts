/** GET /status: what the server knows of itself and of every node, to tell why a number is what it is. */
import { encodeJson } from '../apimachinery/meta.ts';
import { badRequest } from '../apimachinery/status.ts';
import { foreignText } from '../foreigntext.ts';
import { compress } from './compress.ts';
import { jsonReply, type Reply } from './reply.ts';
import { type ApiRequest, valuesOf } from './requestinfo.ts';

/** The body. Durations are as in Go, times as in Kubernetes; what is not known is absent. */
export interface StatusReport {
  readonly version: string;
  /** When the process started. */
  readonly startTime: string;
  readonly resolution: string;
  /** How long a usage is served when no newer one comes. */
  readonly staleness: string;
  /** What is not as it should be, in sentences; empty when all is well. Degraded is not unready: what there is, is served. */
  readonly degraded: readonly string[];
  /** What was refused in the last five minutes, the latest first. */
  readonly refused: readonly RefusedReport[];
  readonly nodes: readonly NodeReport[];
}

/** Refusals of one cause. */
export interface RefusedReport {
  /** A fixed word, such as `token`. */
  readonly cause: string;
  readonly message: string;
  /** Why the last one was. */
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
  /** What the kubelet's certificate was verified by: address, node-name, apiserver, or nothing. */
  readonly verifiedBy?: string | undefined;
  readonly pods?: number | undefined;
  readonly containers?: number | undefined;
  /** Pods of the last scrape that the API has not placed on the node (yet). One that the API knows is served if no other node reports it. */
  readonly unverifiedPods?: number | undefined;
  /** Pods of the last scrape that the API places on other nodes; they are not served. */
  readonly foreignPods?: number | undefined;
  /** Whether the node's own usage is served, and why not. */
  readonly served: boolean;
  readonly missing?: string | undefined;
  /** Of the usage that is served: time since the later sample, and distance of the two. */
  readonly age?: string | undefined;
  readonly window?: string | undefined;
  /** How far apart the node's samples are. */
  readonly sampleSpacing?: string | undefined;
  /** Where the node's clock and ours differ by more than seconds. */
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

/** @param report of all nodes, or of those named. */
export type StatusSource = (names: readonly string[]) => StatusReport;

/** Names of nodes can be given as node=; a list of 5,000 is for machines. */
export function serveStatus(source: StatusSource, request: ApiRequest): Promise<Reply> | Reply {
  const names = valuesOf(request.info, 'node');
  if (names.some((name) => name === '')) throw badRequest('node= must name a node');
  return compress(jsonReply(encodeJson(clean(source(names)), 'pretty')), request.header('accept-encoding'));
}

/** Returns the report without secrets and control characters, which kubelets and Nodes may have brought into these texts. */
function clean({ nodes, ...report }: StatusReport): StatusReport {
  return {
    ...report,
    degraded: report.degraded.map((reason) => foreignText(reason)),
    nodes: nodes.map((node) => ({
      ...node,
      ...(node.address === undefined ? {} : { address: foreignText(node.address) }),
      ...(node.fallback === undefined ? {} : { fallback: foreignText(node.fallback) }),
      ...(node.error === undefined ? {} : { error: { ...node.error, message: foreignText(node.error.message) } }),
    })),
  };
}
