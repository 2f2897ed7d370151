/** Asks one kubelet for one of its two endpoints and decodes the answer, whatever it is. */
import type { Clock } from '../clock.ts';
import type { Candidate } from '../cluster/address.ts';
import { bodyLimitBytes, BodyTooLargeError, type KubeletClient, type KubeletResponse } from '../kubelet/client.ts';
import type { Source } from '../point.ts';
import { cadvisorFamilies } from './cadvisor.ts';
import { type Decoded, decodeCadvisor, decodeResource } from './decode.ts';
import { createReach } from './reach.ts';

type Addresses = readonly [Candidate, ...Candidate[]];

/** What a kubelet told, and what that has cost. */
export type Told = (Decoded | { readonly kind: 'refused'; readonly reason: string }) & {
  readonly source: Source;
  /** Of the body, as sent. */
  readonly wireBytes: number;
  /** The node's clock, milliseconds since the epoch. */
  readonly nodeTimeMs: number;
};

export interface Endpoint {
  /** @throws KubeletError when no whole answer came. */
  cadvisor(at: Addresses, signal: AbortSignal): Promise<Told>;
  /** @param path where the node is annotated with another one. @throws KubeletError when no whole answer came. */
  resource(at: Addresses, signal: AbortSignal, path?: string): Promise<Told>;
}

const cadvisorPath = `/metrics/cadvisor?${cadvisorFamilies.map((family) => `name[]=${family}`).join('&')}`;

/** Protobuf is cheaper for both sides; every kubelet knows both. */
const accept =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=1,text/plain;version=0.0.4;q=0.5';

export function createEndpoint(node: string, kubelet: KubeletClient, clock: Clock): Endpoint {
  const reach = createReach(kubelet);
  /** Whether the kubelet sent only the families asked for (1.37 and later); its bodies are then too small to compress. */
  let filtered = false;

  return {
    async cadvisor(at, signal) {
      const told = await read(at, 'cadvisor', cadvisorPath, !filtered, signal);
      if (told.kind === 'batch') filtered = told.filtered;
      return told;
    },
    resource: (at, signal, path = '/metrics/resource') => read(at, 'resource', path, true, signal),
  };

  async function read(at: Addresses, source: Source, path: string, gzip: boolean, signal: AbortSignal): Promise<Told> {
    try {
      const answer = await reach.fetch(at, { node, path, accept, gzip }, signal);
      const nodeTimeMs = answer.dateMs ?? clock.wallMs();
      return { ...decode(source, path, answer, nodeTimeMs), source, wireBytes: answer.wireBytes, nodeTimeMs };
    } catch (error) {
      if (!(error instanceof BodyTooLargeError)) throw error;
      const nodeTimeMs = clock.wallMs();
      return { kind: 'unusable', reason: error.message, source, wireBytes: bodyLimitBytes, nodeTimeMs };
    }
  }

  function decode(source: Source, path: string, answer: KubeletResponse, nodeTimeMs: number) {
    if (noSuchEndpoint.has(answer.status)) {
      return { kind: 'unusable', reason: `${path.split('?')[0]} answers ${answer.status}` } as const;
    }
    if (answer.status !== 200) return { kind: 'refused', reason: refusal(answer) } as const;
    const decodeSource = source === 'cadvisor' ? decodeCadvisor : decodeResource;
    return decodeSource(answer.body, answer.contentType, { node, nodeTimeMs });
  }
}

/** What a kubelet, or what stands in for one, answers where it has no such endpoint. */
const noSuchEndpoint: ReadonlySet<number> = new Set([404, 501]);

function refusal({ status, body }: KubeletResponse): string {
  const text = body
    .subarray(0, quotedBytes)
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim();
  const remedy = remedies.get(status);
  return `the kubelet answers ${status}${text === '' ? '' : `: ${text}`}${remedy === undefined ? '' : `; ${remedy}`}`;
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
