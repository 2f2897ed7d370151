/** Reads the two endpoints of one kubelet, decoding bodies while they arrive. */
import type { Clock } from '../../clock.ts';
import { cadvisor } from '../../decode/cadvisor/cadvisor.ts';
import { requestedFamilies } from '../../decode/cadvisor/families.ts';
import type { DecodeResult, Decoding } from '../../decode/bodydecoding.ts';
import { createDecoder, type DecoderOptions } from '../../decode/decoder.ts';
import { resource } from '../../decode/resource/resource.ts';
import { answerTime } from '../../decode/sampletime.ts';
import type { KubeletClient, KubeletResponse } from '../../kubelet/client.ts';
import { explainFailure } from '../../kubelet/explain/explainfailure.ts';
import { BodyTooLargeError, KubeletError } from '../../kubelet/explain/kubeleterror.ts';
import type { ResponseBodyReader } from '../../kubelet/http/body.ts';
import type { ResponseInfo } from '../../kubelet/http/responsehead.ts';
import { ReadingTooLongError, readingBudget } from '../../kubelet/http/readingbudget.ts';
import { bodyLimitBytes } from '../../kubelet/http/responselimits.ts';
import type { Source } from '../../sample/point.ts';
import { createAddressFallback, type KubeletAddressList } from './addressfallback.ts';
import { createNodeClock } from './nodeclock.ts';
import { explainNoBatch, type ReadResult } from './readresult.ts';

/** Returns failures as results. One request at a time. */
export interface KubeletReader {
  cadvisor(at: KubeletAddressList, signal: AbortSignal): Promise<ReadResult>;
  resource(at: KubeletAddressList, signal: AbortSignal, path?: string): Promise<ReadResult>;
}

/** Each per-cgroup family is a third of the response, so only those needed now are requested. */
const cadvisorPaths = {
  whole: { withSwap: cadvisorPath(true, false), withoutSwap: cadvisorPath(false, false) },
  brief: { withSwap: cadvisorPath(true, true), withoutSwap: cadvisorPath(false, true) },
};

function cadvisorPath(hasSwap: boolean, hasSettled: boolean): string {
  const families = requestedFamilies({ hasSwap, hasSettled });
  return `/metrics/cadvisor?${families.map((family) => `name[]=${family}`).join('&')}`;
}

interface EndpointRequest {
  readonly source: Source;
  readonly path: string;
  readonly gzip: boolean;
  readonly brief: boolean;
}

/** Protobuf is cheaper for both sides; every kubelet has both. */
const accept =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=1,text/plain;version=0.0.4;q=0.5';

/** @param compress called per request: gzip for small bodies too, although inflating takes longer than reading. */
export function createKubeletReader(
  node: string,
  kubelet: KubeletClient,
  clock: Clock,
  compress = () => false,
  decoderOptions: DecoderOptions = {},
): KubeletReader {
  const addresses = createAddressFallback(kubelet);
  const nodeClock = createNodeClock();
  /** Whether the kubelet filters by `name[]` (1.37 and later). */
  let filtered = false;
  let hasSwap = true;
  const decoders = {
    cadvisor: createDecoder(cadvisor, node, decoderOptions),
    resource: createDecoder(resource, node, decoderOptions),
  };

  return {
    async cadvisor(at, signal) {
      // A kubelet that does not filter gets the whole request; its body is not read to the end.
      const { settled } = decoders.cadvisor;
      const brief = settled ? await read(at, cadvisorRequest(filtered ? 'brief' : 'whole', true), signal) : undefined;
      const result = brief ?? (await readWhole(at, cadvisorRequest('whole', false), signal));
      if (result.kind !== 'batch') return result;
      filtered = result.filtered;
      hasSwap = result.batch.hasSwap !== false;
      return result;
    },
    resource: (at, signal, path = '/metrics/resource') =>
      readWhole(at, { source: 'resource', path, gzip: true, brief: false }, signal),
  };

  function cadvisorRequest(families: keyof typeof cadvisorPaths, brief: boolean): EndpointRequest {
    const path = cadvisorPaths[families][hasSwap ? 'withSwap' : 'withoutSwap'];
    return { source: 'cadvisor', path, gzip: !filtered || compress(), brief };
  }

  async function readWhole(at: KubeletAddressList, request: EndpointRequest, signal: AbortSignal): Promise<ReadResult> {
    return (await read(at, request, signal)) ?? neverTooBrief();
  }

  /** Returns undefined if the request was too brief. */
  function read(
    at: KubeletAddressList,
    { source, path, gzip, brief }: EndpointRequest,
    signal: AbortSignal,
  ): Promise<ReadResult | undefined> {
    let decoding: Decoding | undefined;
    /** Monotonic. */
    let begunMs = 0;
    // Called again if another address is tried: the last body counts.
    const onBody = ({ status, contentType }: ResponseInfo): ResponseBodyReader | undefined => {
      begunMs = clock.monotonicMs();
      decoding = status === 200 ? decoders[source].begin(contentType, brief) : undefined;
      return decoding ?? (status === 200 ? unread : undefined);
    };
    // Fewer promises than with await.
    return addresses.fetch(at, { node, path, accept, gzip, onBody }, signal).then(
      (response) => finish(path, response, decoding, begunMs),
      (error: unknown) => resultOfError(error, clock),
    );
  }

  function finish(
    path: string,
    response: KubeletResponse,
    decoding: Decoding | undefined,
    begunMs: number,
  ): ReadResult | undefined | Promise<ReadResult | undefined> {
    const ourMs = clock.wallMs();
    const nodeTimeMs = response.dateMs ?? ourMs;
    const time = answerTime(response.dateMs, ourMs, nodeClock.at(nodeTimeMs, begunMs));
    if (decoding?.isLong !== true) return resultOf(node, path, response, decoding?.finish(time), nodeTimeMs);
    return readingBudget.run(decoding.finishing(time)).then(
      (decoded) => resultOf(node, path, response, decoded, nodeTimeMs),
      (error: unknown) => resultOf(node, path, response, tooLong(error), nodeTimeMs),
    );
  }
}

function neverTooBrief(): never {
  throw new Error('the response to a whole request is never too brief');
}

function resultOf(
  node: string,
  path: string,
  response: KubeletResponse,
  decoded: DecodeResult | undefined,
  nodeTimeMs: number,
): ReadResult | undefined {
  const { address, verifiedBy, wireBytes, dateMs } = response;
  if (decoded?.kind === 'too-brief') return undefined;
  if (decoded?.kind !== 'batch') {
    return { ...explainNoBatch(node, path, response, decoded), address, verifiedBy, wireBytes, nodeTimeMs, dateMs };
  }
  const { kind, batch, filtered, doubts } = decoded;
  return { kind, batch, filtered, doubts, address, verifiedBy, wireBytes, nodeTimeMs, dateMs };
}

function resultOfError(error: unknown, clock: Clock): ReadResult {
  if (!(error instanceof KubeletError)) throw error;
  const why = explainFailure(error);
  if (!(error instanceof BodyTooLargeError)) return { kind: 'unanswered', why };
  const { address } = error.attempt;
  const facts = { wireBytes: bodyLimitBytes, nodeTimeMs: clock.wallMs(), dateMs: undefined };
  return { kind: 'unusable', why, address, verifiedBy: 'nothing', ...facts };
}

/** Reports a body that cannot be decoded in time: it holds more than any node has. */
function tooLong(error: unknown): DecodeResult {
  if (error instanceof ReadingTooLongError) return { kind: 'too-long', reason: error.message };
  throw error;
}

const unread: ResponseBodyReader = { write: () => false };
