/** One node as a scrape target: which endpoint serves it, which address answers, and how it went last. */
import type { Clock } from '../clock.ts';
import type { Candidate, Candidates } from '../cluster/address.ts';
import type { KubeletClient, KubeletResponse } from '../kubelet/client.ts';
import { bodyLimitBytes } from '../kubelet/exchange.ts';
import { explainFailure, explainNoAddress, inOneLine } from '../kubelet/explain.ts';
import { explainStatus } from '../kubelet/explainstatus.ts';
import { BodyTooLargeError } from '../kubelet/failure.ts';
import type { NodeBatch, Source } from '../point.ts';
import { cadvisorFamilies } from './cadvisor.ts';
import { type Decoded, decodeCadvisor, decodeResource } from './decode.ts';
import { createTurn } from './turn.ts';

/** What there is to know about a node for scraping it, as of now. */
export interface TargetAddress {
  /** Where its kubelet may answer, best first. */
  readonly candidates: Candidates;
  /** The node's own path for /metrics/resource, where it is annotated with one; then that is the only source. */
  readonly resourcePath: string | undefined;
}

export type Outcome =
  | {
      readonly kind: 'scraped';
      readonly batch: NodeBatch;
      readonly wireBytes: number;
      readonly fallback: string | undefined;
    }
  | { readonly kind: 'failed'; readonly reason: string };

export interface Target {
  /** Scrapes the node once; a kubelet that is down is an outcome, not an exception. */
  scrape(address: TargetAddress, signal: AbortSignal): Promise<Outcome>;
}

/** How long a node stays on /metrics/resource before /metrics/cadvisor is tried again; the spread keeps nodes from trying all at once. */
const fallbackMs = 10 * 60_000;
const fallbackSpreadMs = 2 * 60_000;

const cadvisorPath = `/metrics/cadvisor?${cadvisorFamilies.map((family) => `name[]=${family}`).join('&')}`;
const resourcePath = '/metrics/resource';

/** Protobuf is cheaper for both sides; every kubelet knows both. */
const accept =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=1,text/plain;version=0.0.4;q=0.5';

export function createTarget(node: string, kubelet: KubeletClient, clock: Clock): Target {
  const turn = createTurn();
  /** Why /metrics/cadvisor is not used, and until when. */
  let fallback: { readonly reason: string; readonly untilMs: number } | undefined;
  /** Whether the kubelet sent only the families asked for (1.37 and later); its bodies are then too small to compress. */
  let filtered = false;

  return { scrape };

  async function scrape(address: TargetAddress, signal: AbortSignal): Promise<Outcome> {
    if (address.candidates.kind === 'none') return failed(inOneLine(explainNoAddress(address.candidates)));
    const { candidates } = address.candidates;
    const place = turn.next(candidates.length);
    try {
      const outcome = await scrapeAt(candidates[place] ?? candidates[0], address.resourcePath, signal);
      turn.answered(place);
      return outcome;
    } catch (error) {
      turn.failed();
      return failed(inOneLine(explainFailure(error)));
    }
  }

  async function scrapeAt(where: Candidate, annotatedPath: string | undefined, signal: AbortSignal): Promise<Outcome> {
    if (annotatedPath !== undefined) return resource(where, annotatedPath, undefined, signal);
    if (fallback !== undefined && clock.monotonicMs() < fallback.untilMs) {
      const outcome = await resource(where, resourcePath, fallback.reason, signal);
      // Better the other endpoint again than ten minutes of this one.
      if (outcome.kind === 'failed') fallback = undefined;
      return outcome;
    }
    const { read, wireBytes } = await readFrom(where, 'cadvisor', cadvisorPath, !filtered, signal);
    if (read.kind === 'batch') {
      filtered = read.filtered;
      fallback = undefined;
      return { kind: 'scraped', batch: read.batch, wireBytes, fallback: undefined };
    }
    if (read.kind !== 'unusable') return failed(read.reason);
    const outcome = await resource(where, resourcePath, read.reason, signal);
    if (outcome.kind === 'failed') return failed(`${read.reason}; and then ${outcome.reason}`);
    fallback = { reason: read.reason, untilMs: clock.monotonicMs() + fallbackMs + Math.random() * fallbackSpreadMs };
    return outcome;
  }

  async function resource(
    where: Candidate,
    path: string,
    reason: string | undefined,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { read, wireBytes } = await readFrom(where, 'resource', path, true, signal);
    if (read.kind !== 'batch') return failed(read.reason);
    return { kind: 'scraped', batch: read.batch, wireBytes, fallback: reason };
  }

  async function readFrom(
    { host, port }: Candidate,
    source: Source,
    path: string,
    gzip: boolean,
    signal: AbortSignal,
  ): Promise<{ read: Read; wireBytes: number }> {
    try {
      const answer = await kubelet.fetch({ node, host, port, path, accept, gzip }, signal);
      return { read: decode(source, path, answer), wireBytes: answer.wireBytes };
    } catch (error) {
      if (!(error instanceof BodyTooLargeError)) throw error;
      return { read: { kind: 'unusable', reason: inOneLine(explainFailure(error)) }, wireBytes: bodyLimitBytes };
    }
  }

  function decode(source: Source, path: string, answer: KubeletResponse): Read {
    if (noSuchEndpoint.has(answer.status)) {
      return { kind: 'unusable', reason: `${path.split('?')[0]} answers ${answer.status}` };
    }
    if (answer.status !== 200) return { kind: 'refused', reason: inOneLine(explainStatus(node, answer)) };
    const context = { node, nodeTimeMs: answer.dateMs ?? clock.wallMs() };
    return (source === 'cadvisor' ? decodeCadvisor : decodeResource)(answer.body, answer.contentType, context);
  }
}

type Read = Decoded | { readonly kind: 'refused'; readonly reason: string };

/** What a kubelet, or what stands in for one, answers where it has no such endpoint. */
const noSuchEndpoint: ReadonlySet<number> = new Set([404, 501]);

function failed(reason: string): Outcome {
  return { kind: 'failed', reason };
}
