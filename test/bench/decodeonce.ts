/** Decodes an answer as production does, for all benchmarks; it changes with production. */
import { type NodeBatch, toPoints } from '../../src/sample/batch.ts';
import { cadvisor } from '../../src/decode/cadvisor/cadvisor.ts';
import { createDecoder, type Decoder } from '../../src/decode/decoder.ts';
import { answerTime } from '../../src/decode/sampletime.ts';
import type { Encoded } from '../fakes/exposition.ts';

export type { Decoder } from '../../src/decode/decoder.ts';

export interface Used {
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

/** One TLS record, at its largest. */
export const recordBytes = 16 * 1024;

/** Creates the decoder of one node. */
export function createNodeDecoder(): Decoder {
  return createDecoder(cadvisor, 'node-0');
}

/** To the whole question, and to the brief one where kubelets filter. */
export interface Answers {
  readonly whole: Encoded;
  readonly brief?: Encoded | undefined;
}

/**
 * As production does: an answer comes in pieces of a TLS record, and is read by what the one before it has left in the decoder. Throws Error where the
 * body is of no use.
 */
export function decodeOnce({ whole, brief }: Answers, nodeTimeMs: number, decoder: Decoder): NodeBatch {
  const { bytes, contentType } = (decoder.settled ? brief : undefined) ?? whole;
  const decoding = decoder.begin(contentType, decoder.settled);
  for (let at = 0; at < bytes.length; at += recordBytes) {
    if (decoding?.write(bytes.subarray(at, at + recordBytes)) !== true) break;
  }
  const decoded = decoding?.finish(answerTime(nodeTimeMs, nodeTimeMs));
  if (decoded?.kind !== 'batch') throw new Error(`a body of the benchmark is ${decoded?.kind}: ${decoded?.reason}`);
  return decoded.batch;
}

/** By `namespace/pod/container`. */
export function containersIn(batch: NodeBatch): ReadonlyMap<string, Used> {
  return new Map(
    toPoints(batch).pods.flatMap(({ namespace, name: pod, containers }) =>
      containers.map((container) => [`${namespace}/${pod}/${container.name}`, container] as const),
    ),
  );
}
