/** GET /status: the state of the server and of each node, which explains the served numbers. */
import { encodeJson } from '../apimachinery/meta.ts';
import { badRequest } from '../apimachinery/status.ts';
import { foreignText } from '../foreigntext.ts';
import { compress } from './compress.ts';
import { jsonReply, type Reply } from './reply.ts';
import { type ApiRequest, valuesOf } from './requestinfo.ts';

/** The body. Durations have Go's form, times Kubernetes'; unknown values are absent. */
export interface StatusReport {
  readonly version: string;
  readonly startTime: string;
  readonly resolution: string;
  readonly staleness: string;
  /** Problems, one sentence each. A degraded server is ready: it serves what it has. */
  readonly degraded: readonly string[];
  /** Refusals of the last five minutes, the latest first. */
  readonly refused: readonly RefusedReport[];
  readonly nodes: readonly NodeReport[];
}

export interface RefusedReport {
  /** A fixed word, such as `token`. */
  readonly cause: string;
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
  /** By what the kubelet's certificate was verified: address, node-name, apiserver, or nothing. */
  readonly verifiedBy?: string | undefined;
  readonly pods?: number | undefined;
  readonly containers?: number | undefined;
  /** Pods of the last scrape that the API has not assigned to the node (yet). A pod that the API has is served if no other node reports it. */
  readonly unverifiedPods?: number | undefined;
  /** Pods of the last scrape that the API assigns to other nodes; they are not served. */
  readonly foreignPods?: number | undefined;
  /** Whether the node's own usage is served; `missing` says why not. */
  readonly served: boolean;
  readonly missing?: string | undefined;
  /** Of the served usage: time since the later sample, and the interval between the two. */
  readonly age?: string | undefined;
  readonly window?: string | undefined;
  readonly sampleSpacing?: string | undefined;
  /** Difference of the node's clock from ours, if it is more than seconds. */
  readonly clockSkew?: string | undefined;
  readonly lastScrape?: string | undefined;
  readonly lastSuccess?: string | undefined;
  readonly scrapeDuration?: string | undefined;
  readonly wireBytes?: number | undefined;
  /** Failed scrapes since the last success. */
  readonly failures: number;
  readonly error?:
    | { readonly code: string; readonly message: string; readonly remedy?: string | undefined }
    | undefined;
}

/** @param names of nodes; empty for all. */
export type StatusSource = (names: readonly string[]) => StatusReport;

/** The parameter `node` selects nodes; it may be repeated. */
export function serveStatus(source: StatusSource, request: ApiRequest): Promise<Reply> | Reply {
  const names = valuesOf(request.info, 'node');
  if (names.some((name) => name === '')) throw badRequest('node= must name a node');
  return compress(jsonReply(encodeJson(clean(source(names)), 'pretty')), request.header('accept-encoding'));
}

/** Removes secrets and control characters from texts of kubelets and Nodes. */
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
