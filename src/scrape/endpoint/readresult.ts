/** The result of one request to a kubelet: a batch, or why there is none. */
import type { DecodeResult } from '../../decode/bodydecoding.ts';
import type { SeriesResult } from '../../decode/series/seriesdecoder.ts';
import type { KubeletResponse } from '../../kubelet/client.ts';
import { quote } from '../../kubelet/explain/excerpt.ts';
import type { Explanation } from '../../kubelet/explain/explanation.ts';
import { explainStatus } from '../../kubelet/explain/explainstatus.ts';
import { leakedCgroups } from '../../kubelet/explain/faults.ts';
import type { KubeletVerification } from '../../kubelet/nodeconnections.ts';

export type ReadResult =
  | ((DecodedBatch | NoBatch) & ResponseFacts)
  | { readonly kind: 'unanswered'; readonly why: Explanation };

export type BatchResult = Extract<ReadResult, { readonly kind: 'batch' }>;

type DecodedBatch = Extract<DecodeResult, { readonly kind: 'batch' }> & {
  /** Absent if none were wanted. */
  readonly series?: SeriesResult;
};

type NoBatch =
  /** The next response may be better. */
  | { readonly kind: 'failed'; readonly why: Explanation }
  /** Only another endpoint may be better. */
  | { readonly kind: 'unusable'; readonly why: Explanation };

export interface ResponseFacts {
  readonly address: string;
  readonly verifiedBy: KubeletVerification;
  /** On the wire. */
  readonly wireBytes: number;
  /** Milliseconds since the epoch: the Date header, or our clock without one. */
  readonly nodeTimeMs: number;
  /** Milliseconds since the epoch; undefined without the header. */
  readonly dateMs: number | undefined;
}

/** Statuses of kubelets, and of proxies, without the endpoint. */
const noSuchEndpoint: ReadonlySet<number> = new Set([404, 501]);

/** Explains a response without a batch. @param decoded undefined if it was not. */
export function explainNoBatch(
  node: string,
  path: string,
  response: KubeletResponse,
  decoded: Exclude<DecodeResult, { readonly kind: 'batch' }> | undefined,
): NoBatch {
  const { status, contentType, address } = response;
  if (noSuchEndpoint.has(status)) return unusable('AnswerUnusable', `${path.split('?')[0]} answers ${status}`);
  if (status !== 200) return { kind: 'failed', why: explainStatus(node, response) };
  if (decoded === undefined) {
    return unusable('AnswerUnusable', `unknown content type ${JSON.stringify(quote(contentType))}`);
  }
  if (decoded.kind === 'too-long') {
    const what = `the answer of node ${node} at ${address} is given up: ${decoded.reason}`;
    return unusable('BodyTooLarge', what, leakedCgroups);
  }
  if (decoded.kind === 'unusable') return unusable('AnswerUnusable', decoded.reason);
  const reason = decoded.kind === 'too-brief' ? 'it is too brief' : decoded.reason;
  const what = `the answer of node ${node} at ${address} is broken: ${reason}`;
  return { kind: 'failed', why: { code: 'AnswerBroken', what, remedy: undefined } };
}

function unusable(code: Explanation['code'], what: string, remedy?: string): NoBatch {
  return { kind: 'unusable', why: { code, what, remedy } };
}
