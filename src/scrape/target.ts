/** One node as a scrape target: which endpoint serves it, which address answers, and how it went last. */
import type { Clock } from '../clock.ts';
import type { Candidate } from '../cluster/address.ts';
import type { KubeletClient, KubeletResponse } from '../kubelet/client.ts';
import { describeError } from '../logging.ts';
import type { NodeBatch, Source } from '../point.ts';
import { cadvisorFamilies } from './cadvisor.ts';
import { type Decoded, decodeCadvisor, decodeResource } from './decode.ts';

/** What there is to know about a node for scraping it, as of now. */
export interface TargetAddress {
  /** Where to try, best first; empty when the node has no address of a wanted type. */
  readonly candidates: readonly Candidate[];
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
  let candidate = 0;
  /** Why /metrics/cadvisor is not used, and until when. */
  let fallback: { readonly reason: string; readonly untilMs: number } | undefined;
  /** Whether the kubelet sent only the families asked for (1.37 and later); its bodies are then too small to compress. */
  let filtered = false;

  return { scrape };

  async function scrape(address: TargetAddress, signal: AbortSignal): Promise<Outcome> {
    const where = address.candidates[candidate % Math.max(1, address.candidates.length)];
    if (where === undefined) return failed('it has no address of a type in --kubelet-preferred-address-types');
    try {
      return await scrapeAt(where, address.resourcePath, signal);
    } catch (error) {
      // The next scrape tries the next address; with one address this is a no-op.
      candidate += 1;
      return failed(describeError(error));
    }
  }

  async function scrapeAt(where: Candidate, annotatedPath: string | undefined, signal: AbortSignal): Promise<Outcome> {
    if (annotatedPath !== undefined) return resource(where, annotatedPath, undefined, signal);
    if (fallback !== undefined && clock.monotonicMs() < fallback.untilMs) {
      return resource(where, resourcePath, fallback.reason, signal);
    }
    const answer = await fetch(where, cadvisorPath, !filtered, signal);
    const unusable = noSuchEndpoint.has(answer.status)
      ? `${cadvisorPath.split('?')[0]} answers ${answer.status}`
      : undefined;
    if (unusable === undefined && answer.status !== 200) return refused(answer);
    const decoded = unusable === undefined ? decode('cadvisor', answer) : undefined;
    if (decoded?.kind === 'batch') {
      filtered = decoded.filtered;
      fallback = undefined;
      return { kind: 'scraped', batch: decoded.batch, wireBytes: answer.wireBytes, fallback: undefined };
    }
    const reason = unusable ?? (decoded?.kind === 'unusable' ? decoded.reason : '');
    const outcome = await resource(where, resourcePath, reason, signal);
    if (outcome.kind === 'failed') return failed(`${reason}; and then ${outcome.reason}`);
    fallback = { reason, untilMs: clock.monotonicMs() + fallbackMs + Math.random() * fallbackSpreadMs };
    return outcome;
  }

  async function resource(
    where: Candidate,
    path: string,
    reason: string | undefined,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const answer = await fetch(where, path, true, signal);
    if (answer.status !== 200) return refused(answer);
    const decoded = decode('resource', answer);
    if (decoded.kind === 'unusable') return failed(`${path}: ${decoded.reason}`);
    return { kind: 'scraped', batch: decoded.batch, wireBytes: answer.wireBytes, fallback: reason };
  }

  function fetch(
    { host, port }: Candidate,
    path: string,
    gzip: boolean,
    signal: AbortSignal,
  ): Promise<KubeletResponse> {
    return kubelet.fetch({ node, host, port, path, accept, gzip }, signal);
  }

  function decode(source: Source, answer: KubeletResponse): Decoded {
    const context = { node, nodeTimeMs: answer.dateMs ?? clock.wallMs() };
    return (source === 'cadvisor' ? decodeCadvisor : decodeResource)(answer.body, answer.contentType, context);
  }
}

/** What a kubelet, or what stands in for one, answers where it has no such endpoint. */
const noSuchEndpoint: ReadonlySet<number> = new Set([404, 501]);

function failed(reason: string): Outcome {
  return { kind: 'failed', reason };
}

function refused({ status, body }: KubeletResponse): Outcome {
  const text = body
    .subarray(0, quotedBytes)
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim();
  const remedy = remedies.get(status);
  return failed(
    `the kubelet answers ${status}${text === '' ? '' : `: ${text}`}${remedy === undefined ? '' : `; ${remedy}`}`,
  );
}

/** How much of an error body is quoted in the log. */
const quotedBytes = 200;

const remedies: ReadonlyMap<number, string> = new Map([
  [
    401,
    'it does not accept our credentials: is webhook token authentication on at the kubelet, and the token from its cluster?',
  ],
  [403, 'give our ServiceAccount the right to get nodes/metrics; kubelets remember a refusal for 30 s'],
]);
