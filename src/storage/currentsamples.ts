/** Reads a stored node's newest samples with their counters, for the history. */
import type { Layout } from '../sample/batch.ts';
import { counterInRow, hasOneSample } from './rows.ts';
import { usageOf, type SamplePair } from './samplepair.ts';
import type { StoredNode } from './storednode.ts';

/** A cgroup's newest sample and the usage that is served of it. Callers reuse it. */
export interface CurrentSample {
  /** Node clock, milliseconds since the epoch. */
  timestampMs: number;
  cpuSeconds: number;
  memoryBytes: number;
  windowMs: number;
  cpuNanocores: number;
}

export interface CurrentSamples {
  readonly node: string;
  /** The Node's UID; undefined if unknown. */
  readonly uid: string | undefined;
  /** Equal versions have equal pods and containers. */
  readonly layout: Layout;
  /** Returns false without a usage. */
  readMachine(into: CurrentSample): boolean;
  /** As readMachine. @param pod its index in the layout. @param container its index in the pod. */
  readContainer(pod: number, container: number, into: CurrentSample): boolean;
}

export function createSample(): CurrentSample {
  return { timestampMs: 0, cpuSeconds: 0, memoryBytes: 0, windowMs: 0, cpuNanocores: 0 };
}

export function currentSamples(node: StoredNode): CurrentSamples {
  return {
    node: node.name,
    uid: node.uid,
    layout: node.layout,
    readMachine: (into) => node.machine !== undefined && readPair(node.machine, into),
    readContainer(pod, container, into) {
      const stored = node.pods[pod]!;
      // Slow path.
      if (stored.state !== undefined) {
        const pair = stored.state.containers.get(stored.layout.containers[container]!.name);
        return pair !== undefined && readPair(pair, into);
      }
      // Fast path: a pod in rows. test/unit/storage/inplace.test.ts holds it to the slow path.
      const row = stored.layout.firstRow + container;
      if (hasOneSample(node.rows, row)) return false;
      counterInRow(node.rows, row, into);
      return true;
    },
  };
}

function readPair(pair: SamplePair, into: CurrentSample): boolean {
  const usage = usageOf(pair, false);
  if (usage.kind === 'missing') return false;
  into.timestampMs = usage.value.timestampMs;
  into.cpuSeconds = pair.last.cpuSeconds;
  into.memoryBytes = usage.value.memoryBytes;
  into.windowMs = usage.value.windowMs;
  into.cpuNanocores = usage.value.cpuNanocores;
  return true;
}
