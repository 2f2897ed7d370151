/** Asks one kubelet for one of its two endpoints and decodes the answer, whatever it is. */
import type { Clock } from '../../clock.ts';
import type { ResponseBodyReader } from '../../kubelet/http/body.ts';
import type { ResponseInfo } from '../../kubelet/http/responsehead.ts';
import type { KubeletClient, KubeletResponse } from '../../kubelet/client.ts';
import type { KubeletVerification } from '../../kubelet/nodeconnections.ts';
import { leakedCgroups } from '../../kubelet/explain/faults.ts';
import { explainFailure } from '../../kubelet/explain/explainfailure.ts';
import type { Explanation } from '../../kubelet/explain/explanation.ts';
import { explainStatus } from '../../kubelet/explain/explainstatus.ts';
import { BodyTooLargeError, KubeletError } from '../../kubelet/explain/kubeleterror.ts';
import { bodyLimitBytes } from '../../kubelet/http/responselimits.ts';
import { quote } from '../../kubelet/explain/excerpt.ts';
import { ReadingTooLongError, readingBudget } from '../../kubelet/http/readingbudget.ts';
import type { Source } from '../../sample/point.ts';
import { cadvisor } from '../../decode/cadvisor/cadvisor.ts';
import { requestedFamilies } from '../../decode/cadvisor/families.ts';
import type { DecodeResult, Decoding } from '../../decode/bodydecoding.ts';
import { createDecoder, type DecoderOptions } from '../../decode/decoder.ts';
import { createNodeClock } from './nodeclock.ts';
import { type KubeletAddressList, createAddressFallback } from './addressfallback.ts';
import { resource } from '../../decode/resource/resource.ts';
import { answerTime } from '../../decode/sampletime.ts';

/** What came of one question. */
export type ReadResult =
  | ResponseResult
  /** No whole answer came. */
  | { readonly kind: 'unanswered'; readonly why: Explanation };

export type BatchResult = Extract<ReadResult, { readonly kind: 'batch' }>;

/** What the answer tells, and what it cost. */
type ResponseResult = (
  | Extract<DecodeResult, { readonly kind: 'batch' }>
  /** This endpoint of this kubelet will not do, another may. */
  | { readonly kind: 'unusable'; readonly why: Explanation }
  /** The next answer may be better. */
  | { readonly kind: 'failed'; readonly why: Explanation }
) &
  ResponseFacts;

export interface ResponseFacts {
  /** Host and port of who answered. */
  readonly address: string;
  readonly verifiedBy: KubeletVerification;
  /** Of the body, as sent. */
  readonly wireBytes: number;
  /** The node's clock, milliseconds since the epoch: the Date header, or our own clock where there is none. */
  readonly nodeTimeMs: number;
  /** The Date header, milliseconds since the epoch; undefined where there is none. */
  readonly dateMs: number | undefined;
}

/** One kubelet. A failure is told, never thrown. */
export interface KubeletReader {
  cadvisor(at: KubeletAddressList, signal: AbortSignal): Promise<ReadResult>;
  /** @param path where the node is annotated with another one. */
  resource(at: KubeletAddressList, signal: AbortSignal, path?: string): Promise<ReadResult>;
}

/** Each per-cgroup family is about a third of the response, so only those that are needed now are requested. */
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

/** Protobuf is cheaper for both sides; every kubelet knows both. */
const accept =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=1,text/plain;version=0.0.4;q=0.5';

/** @param compress whether to ask for small answers compressed, too: to inflate one takes longer than to read it. Asked each time. */
export function createKubeletReader(
  node: string,
  kubelet: KubeletClient,
  clock: Clock,
  compress = () => false,
  decoding: DecoderOptions = {},
): KubeletReader {
  const reach = createAddressFallback(kubelet);
  const nodeClock = createNodeClock();
  /** Whether the kubelet sent only the families asked for (1.37 and later); its bodies are then small. */
  let filtered = false;
  let hasSwap = true;
  const decoders = {
    cadvisor: createDecoder(cadvisor, node, decoding),
    resource: createDecoder(resource, node, decoding),
  };

  return {
    async cadvisor(at, signal) {
      // Who does not filter is asked the same; the answer is not read to its end.
      const paths = filtered ? 'brief' : 'whole';
      const { settled } = decoders.cadvisor;
      const short = settled ? await read(at, { ...cadvisorQuestion(paths), brief: true }, signal) : undefined;
      const told = short ?? (await readWhole(at, cadvisorQuestion('whole'), signal));
      if (told.kind !== 'batch') return told;
      filtered = told.filtered;
      hasSwap = told.batch.hasSwap !== false;
      return told;
    },
    resource: (at, signal, path = '/metrics/resource') =>
      readWhole(at, { source: 'resource', path, gzip: true }, signal),
  };

  function cadvisorQuestion(paths: keyof typeof cadvisorPaths): Omit<EndpointRequest, 'brief'> {
    const path = cadvisorPaths[paths][hasSwap ? 'withSwap' : 'withoutSwap'];
    return { source: 'cadvisor', path, gzip: !filtered || compress() };
  }

  async function readWhole(
    at: KubeletAddressList,
    question: Omit<EndpointRequest, 'brief'>,
    signal: AbortSignal,
  ): Promise<ReadResult> {
    const told = await read(at, { ...question, brief: false }, signal);
    if (told === undefined) throw new Error('no answer to the whole question is too brief');
    return told;
  }

  /** Undefined where the question was too brief. */
  function read(
    at: KubeletAddressList,
    question: EndpointRequest,
    signal: AbortSignal,
  ): Promise<ReadResult | undefined> {
    const { source, path, gzip, brief } = question;
    let decoding: Decoding | undefined;
    /** When the answer began, monotonic. */
    let begunMs = 0;
    /** Another address may be asked after one that broke off: the last one counts. */
    const onBody = ({ status, contentType }: ResponseInfo): ResponseBodyReader | undefined => {
      begunMs = clock.monotonicMs();
      decoding = status === 200 ? decoders[source].begin(contentType, brief) : undefined;
      return decoding ?? (status === 200 ? unread : undefined);
    };
    // Fewer promises than by awaiting it.
    return reach
      .fetch(at, { node, path, accept, gzip, onBody }, signal)
      .then((answer) => tell(path, answer, decoding, begunMs), tellFailure);
  }

  /** Undefined where the question was too brief. A long answer is decoded in slices of readingBudget. */
  function tell(
    path: string,
    answer: KubeletResponse,
    decoding: Decoding | undefined,
    begunMs: number,
  ): ReadResult | undefined | Promise<ReadResult | undefined> {
    const ourMs = clock.wallMs();
    const nodeTimeMs = answer.dateMs ?? ourMs;
    const time = answerTime(answer.dateMs, ourMs, nodeClock.at(nodeTimeMs, begunMs));
    if (decoding?.isLong !== true) return tellDecoded(path, answer, decoding?.finish(time), nodeTimeMs);
    return readingBudget.run(decoding.finishing(time)).then(
      (decoded) => tellDecoded(path, answer, decoded, nodeTimeMs),
      (error) => tellDecoded(path, answer, givenUp(error), nodeTimeMs),
    );
  }

  /** Undefined where the question was too brief. */
  function tellDecoded(
    path: string,
    answer: KubeletResponse,
    decoded: DecodeResult | undefined,
    nodeTimeMs: number,
  ): ReadResult | undefined {
    const { address, verifiedBy, wireBytes, dateMs } = answer;
    if (decoded?.kind === 'too-brief') return undefined;
    if (decoded?.kind !== 'batch') {
      return { ...tellUseless(path, answer, decoded), address, verifiedBy, wireBytes, nodeTimeMs, dateMs };
    }
    const { kind, batch, filtered, doubts } = decoded;
    return { kind, batch, filtered, doubts, address, verifiedBy, wireBytes, nodeTimeMs, dateMs };
  }

  function tellFailure(error: unknown): ReadResult {
    if (!(error instanceof KubeletError)) throw error;
    if (!(error instanceof BodyTooLargeError)) return { kind: 'unanswered', why: explainFailure(error) };
    const { address } = error.attempt;
    const nodeTimeMs = clock.wallMs();
    const cost = { address, verifiedBy: 'nothing', wireBytes: bodyLimitBytes, nodeTimeMs, dateMs: undefined } as const;
    return { kind: 'unusable', why: explainFailure(error), ...cost };
  }

  function tellUseless(path: string, answer: KubeletResponse, decoded: Useless | undefined) {
    const { status, contentType } = answer;
    if (noSuchEndpoint.has(status)) return unusable('AnswerUnusable', `${path.split('?')[0]} answers ${status}`);
    if (status !== 200) return { kind: 'failed', why: explainStatus(node, answer) } as const;
    if (decoded === undefined)
      return unusable('AnswerUnusable', `unknown content type ${JSON.stringify(quote(contentType))}`);
    if (decoded.kind === 'too-long') {
      const what = `the answer of node ${node} at ${answer.address} is given up: ${decoded.reason}`;
      return unusable('BodyTooLarge', what, leakedCgroups);
    }
    if (decoded.kind === 'unusable') return unusable('AnswerUnusable', decoded.reason);
    const what = `the answer of node ${node} at ${answer.address} is broken: ${decoded.reason}`;
    return { kind: 'failed', why: { code: 'AnswerBroken', what, remedy: undefined } } as const;
  }
}

/** What cannot be decoded in time is more than any node has to say; other errors are thrown on. */
function givenUp(error: unknown): DecodeResult {
  if (error instanceof ReadingTooLongError) return { kind: 'too-long', reason: error.message };
  throw error;
}

/** Of an answer of a type that nobody can read. */
const unread: ResponseBodyReader = { write: () => false };

type Useless = Exclude<DecodeResult, { readonly kind: 'batch' }>;

function unusable(code: Explanation['code'], what: string, remedy?: string) {
  return { kind: 'unusable', why: { code, what, remedy } } as const;
}

/** What a kubelet, or what stands in for one, answers where it has no such endpoint. */
const noSuchEndpoint: ReadonlySet<number> = new Set([404, 501]);
