/** Turns one answer of a kubelet into the batch of its node, or says why the answer is of no use. */
import { readDelimited } from '../exposition/protobuf.ts';
import { ExpositionError } from '../exposition/sample.ts';
import type { Seen, Visit } from '../exposition/sample.ts';
import { readText } from '../exposition/text.ts';
import type { NodeBatch, PodBatch, Point } from '../point.ts';
import { CadvisorCollector, cadvisorFamilies, type Doubts } from './cadvisor.ts';
import { type Lineages, ResourceCollector, resourceFamilies } from './resource.ts';
import { select } from './select.ts';
import type { StartTimes } from './starttimes.ts';

export type Decoded =
  | {
      readonly kind: 'batch';
      readonly batch: NodeBatch;
      /** False if the kubelet also sent families that were not asked for: it does not know name[]. */
      readonly filtered: boolean;
      /** What may be missing; undefined of /metrics/resource, which knows all that the runtime knows. */
      readonly doubts: Doubts | undefined;
      /** For the next answer of the same endpoint. */
      readonly memory: Memory;
    }
  | {
      /** unusable: this endpoint of this kubelet will not do, another may. malformed: the answer is broken; the next one may be whole. */
      readonly kind: 'unusable' | 'malformed';
      /** Short, for humans. */
      readonly reason: string;
    };

export interface DecodeContext {
  readonly node: string;
  /** The node's clock when it answered (the Date header, so in whole seconds): milliseconds since the epoch. */
  readonly nodeTimeMs: number;
  /** Of the last batch of the same endpoint, where there was one. */
  readonly memory?: Memory | undefined;
}

/** What the rows of one answer tell about those of the next. */
export interface Memory {
  readonly startTimes?: StartTimes;
  readonly lineages?: Lineages;
}

type Read = (bytes: Uint8Array, names: readonly string[], visit: Visit) => Seen;

/** Decodes /metrics/cadvisor; whatever is wrong with the body becomes a reason. */
export function decodeCadvisor(body: Uint8Array, contentType: string, context: DecodeContext): Decoded {
  return decode(contentType, (read) => {
    const collector = new CadvisorCollector();
    const seen = read(body, cadvisorFamilies, (sample) => collector.add(sample));
    const rows = collector.finish(context.nodeTimeMs);
    if (rows.kind === 'unusable') return rows;
    const { pods, startTimes } = select(rows.candidates, context.nodeTimeMs, context.memory?.startTimes);
    const hasSwap = rows.hasSwap ?? seesSwap(rows.machine, pods);
    const batch: NodeBatch = { node: context.node, source: 'cadvisor', machine: rows.machine, hasSwap, pods };
    return { kind: 'batch', batch, filtered: !seen.unwanted, doubts: rows.doubts, memory: { startTimes } };
  });
}

/** Decodes /metrics/resource; whatever is wrong with the body becomes a reason. */
export function decodeResource(body: Uint8Array, contentType: string, context: DecodeContext): Decoded {
  return decode(contentType, (read) => {
    const collector = new ResourceCollector();
    const seen = read(body, resourceFamilies, (sample) => collector.add(sample));
    const rows = collector.finish(context.nodeTimeMs, context.memory?.lineages);
    if (rows.kind === 'unusable') return rows;
    const { machine, pods, lineages } = rows;
    const hasSwap = seesSwap(machine, pods);
    const batch: NodeBatch = { node: context.node, source: 'resource', machine, hasSwap, pods };
    return { kind: 'batch', batch, filtered: !seen.unwanted, doubts: undefined, memory: { lineages } };
  });
}

/** Swap in use proves that there is swap; none in use proves nothing. */
function seesSwap(machine: Point | undefined, pods: readonly PodBatch[]): true | undefined {
  const points = [machine, ...pods.flatMap(({ containers }) => containers)];
  return points.some((point) => point?.swapBytes !== undefined && point.swapBytes > 0) || undefined;
}

function decode(contentType: string, decodeWith: (read: Read) => Decoded): Decoded {
  const read = readerOf(contentType);
  if (read === undefined) return { kind: 'unusable', reason: `unknown content type ${JSON.stringify(contentType)}` };
  try {
    return decodeWith(read);
  } catch (error) {
    if (error instanceof ExpositionError) return { kind: 'malformed', reason: `malformed body: ${error.message}` };
    throw error;
  }
}

/** Undefined for OpenMetrics, for protobuf that is not delimited, and for what is no exposition at all. */
function readerOf(contentType: string): Read | undefined {
  const [type, ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase());
  if (type === 'text/plain') return readText;
  if (type === 'application/vnd.google.protobuf' && parameters.includes('encoding=delimited')) return readDelimited;
  return undefined;
}
