/** Reads the two endpoints of one kubelet, decoding bodies while they arrive. */
import type { Clock } from '../../clock.ts';
import { cadvisor } from '../../decode/cadvisor/cadvisor.ts';
import { requestedFamilies } from '../../decode/cadvisor/families.ts';
import type { DecodeResult } from '../../decode/bodydecoding.ts';
import { createDecoder, type DecoderOptions } from '../../decode/decoder.ts';
import { resource } from '../../decode/resource/resource.ts';
import { answerTime } from '../../decode/sampletime.ts';
import { createSeriesDecoder, type SeriesDecoder } from '../../decode/series/seriesdecoder.ts';
import type { KubeletClient, KubeletResponse } from '../../kubelet/client.ts';
import { explainFailure } from '../../kubelet/explain/explainfailure.ts';
import { BodyTooLargeError, KubeletError } from '../../kubelet/explain/kubeleterror.ts';
import type { ResponseBodyReader } from '../../kubelet/http/body.ts';
import type { ResponseInfo } from '../../kubelet/http/responsehead.ts';
import { ReadingTooLongError } from '../../kubelet/http/readingbudget.ts';
import { bodyLimitBytes } from '../../kubelet/http/responselimits.ts';
import type { Source } from '../../sample/point.ts';
import { familiesOf, noColumns, type WantedColumns } from '../../sample/seriescolumns.ts';
import { createAddressFallback, type KubeletAddressList } from './addressfallback.ts';
import { beginReadings, type BodyReadings, type BodyResults } from './bodyreadings.ts';
import { createNodeClock } from './nodeclock.ts';
import { explainNoBatch, type ReadResult } from './readresult.ts';

/** Returns failures as results. One request at a time. */
export interface KubeletReader {
  /** @param wanted series beside the scraped quantities; without any, the request is the quantities' alone. */
  cadvisor(at: KubeletAddressList, signal: AbortSignal, wanted?: WantedColumns): Promise<ReadResult>;
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

/** Returns the path with the wanted families that it lacks. */
function withWanted(path: string, wanted: WantedColumns): string {
  if (wanted.length === 0) return path;
  const more = familiesOf(wanted).filter((family) => !`${path}&`.includes(`=${family}&`));
  return [path, ...more.map((family) => `name[]=${family}`)].join('&');
}

function cadvisorRequest(
  kind: keyof typeof cadvisorPaths,
  brief: boolean,
  { wanted, hasSwap, gzip }: { wanted: WantedColumns; hasSwap: boolean; gzip: boolean },
): EndpointRequest {
  const path = cadvisorPaths[kind][hasSwap ? 'withSwap' : 'withoutSwap'];
  return { source: 'cadvisor', path: withWanted(path, wanted), gzip, brief, wanted };
}

interface EndpointRequest {
  readonly source: Source;
  readonly path: string;
  readonly gzip: boolean;
  readonly brief: boolean;
  readonly wanted: WantedColumns;
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
  let series: SeriesDecoder | undefined;

  return {
    async cadvisor(at, signal, wanted = noColumns) {
      // A kubelet that does not filter gets the whole request; its body is not read to the end.
      const { settled } = decoders.cadvisor;
      const request = { wanted, hasSwap, gzip: !filtered || compress() };
      const short = cadvisorRequest(filtered ? 'brief' : 'whole', true, request);
      const brief = settled ? await read(at, short, signal) : undefined;
      const result = brief ?? (await readWhole(at, cadvisorRequest('whole', false, request), signal));
      if (result.kind !== 'batch') return result;
      filtered = result.filtered;
      hasSwap = result.batch.hasSwap !== false;
      return result;
    },
    resource: (at, signal, path = '/metrics/resource') =>
      readWhole(at, { source: 'resource', path, gzip: true, brief: false, wanted: noColumns }, signal),
  };

  async function readWhole(at: KubeletAddressList, request: EndpointRequest, signal: AbortSignal): Promise<ReadResult> {
    return (await read(at, request, signal)) ?? neverTooBrief();
  }

  /** Returns undefined if the request was too brief. */
  function read(
    at: KubeletAddressList,
    request: EndpointRequest,
    signal: AbortSignal,
  ): Promise<ReadResult | undefined> {
    const { source, path, gzip, brief, wanted } = request;
    let body: BodyReadings | undefined;
    /** Monotonic. */
    let begunMs = 0;
    // Called again if another address is tried: the last body counts.
    const onBody = ({ status, contentType }: ResponseInfo): ResponseBodyReader | undefined => {
      begunMs = clock.monotonicMs();
      if (wanted.length > 0) series ??= createSeriesDecoder();
      body = status === 200 ? beginReadings(decoders[source], series, { contentType, brief, wanted }) : undefined;
      return body?.reader;
    };
    // Fewer promises than with await.
    return addresses.fetch(at, { node, path, accept, gzip, onBody }, signal).then(
      (response) => finish(path, response, body, begunMs),
      (error: unknown) => resultOfError(error, clock),
    );
  }

  function finish(
    path: string,
    response: KubeletResponse,
    body: BodyReadings | undefined,
    begunMs: number,
  ): ReadResult | undefined | Promise<ReadResult | undefined> {
    const nodeTimeMs = response.dateMs ?? clock.wallMs();
    const time = answerTime(response.dateMs, nodeTimeMs, nodeClock.at(nodeTimeMs, begunMs));
    const results = body?.finish(time) ?? noResults;
    const end = (all: BodyResults) => resultOf(node, path, response, all, nodeTimeMs);
    return results instanceof Promise ? results.then(end, (error) => end([tooLong(error), undefined])) : end(results);
  }
}

const noResults: BodyResults = [undefined, undefined];

function neverTooBrief(): never {
  throw new Error('the response to a whole request is never too brief');
}

function resultOf(
  node: string,
  path: string,
  response: KubeletResponse,
  [decoded, series]: BodyResults,
  nodeTimeMs: number,
): ReadResult | undefined {
  const { address, verifiedBy, wireBytes, dateMs } = response;
  if (decoded?.kind === 'too-brief') return undefined;
  if (decoded?.kind !== 'batch') {
    return { ...explainNoBatch(node, path, response, decoded), address, verifiedBy, wireBytes, nodeTimeMs, dateMs };
  }
  const { kind, batch, filtered, doubts } = decoded;
  // Spreads are slow; most scrapes want no series.
  const result = { kind, batch, filtered, doubts, address, verifiedBy, wireBytes, nodeTimeMs, dateMs };
  return series === undefined ? result : { ...result, series };
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
