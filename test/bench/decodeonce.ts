/** The one way in which the benchmarks decode an answer, and what they look at of the outcome: whoever changes how production does it changes it here. */
import { decodeCadvisor, type Memory } from '../../src/scrape/decode.ts';
import type { Encoded } from '../fakes/exposition.ts';

export type { Memory } from '../../src/scrape/decode.ts';

export interface DecodedOnce {
  /** For the next answer of the node. */
  readonly memory: Memory;
  /** By `namespace/pod/container`. */
  containers(): ReadonlyMap<string, Used>;
}

export interface Used {
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

/** As production does: each scrape is given what the one before has left. Throws Error where the body is of no use. */
export function decodeOnce(
  { bytes, contentType }: Encoded,
  nodeTimeMs: number,
  memory: Memory | undefined,
): DecodedOnce {
  const decoded = decodeCadvisor(bytes, contentType, { node: 'node-0', nodeTimeMs, memory });
  if (decoded.kind !== 'batch') throw new Error(`a body of the benchmark is ${decoded.kind}: ${decoded.reason}`);
  const { pods } = decoded.batch;
  const entries = () =>
    pods.flatMap(({ namespace, name: pod, containers }) =>
      containers.map((container) => [`${namespace}/${pod}/${container.name}`, container] as const),
    );
  return { memory: decoded.memory, containers: () => new Map(entries()) };
}
