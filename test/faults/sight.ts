/** Result of one look at a server. */
import { parseQuantity } from '../cluster/e2e/readings.ts';

export interface Reading {
  readonly timestampMs: number;
  /** Keys are container names; '' for a node. */
  readonly usages: ReadonlyMap<string, { readonly cores: number; readonly memoryBytes: number }>;
}

/** By name, pods with their namespace and a slash before it. */
export type Readings = ReadonlyMap<string, Reading>;

export interface Sight {
  /** When it was asked, in milliseconds since the epoch. */
  readonly atMs: number;
  /** Undefined without an answer. */
  readonly nodes: Readings | undefined;
  readonly pods: Readings | undefined;
  readonly ready: boolean;
  /** Resident memory; 0 without a process. */
  readonly residentBytes: number;
}

interface Item {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly timestamp: string | null;
  readonly usage?: UsageText;
  readonly containers?: readonly { readonly name: string; readonly usage: UsageText }[] | null;
}

interface UsageText {
  readonly cpu: string;
  readonly memory: string;
}

/** Reads a NodeMetricsList or a PodMetricsList. */
export function parseReadings(body: string): Readings {
  const { items } = JSON.parse(body) as { readonly items: readonly Item[] };
  return new Map(
    items.map(({ metadata, timestamp, usage, containers }) => {
      const name = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
      const reported = usage === undefined ? (containers ?? []) : [{ name: '', usage }];
      const usages = reported.map(
        ({ name: who, usage: { cpu, memory } }) => [who, { cores: amount(cpu), memoryBytes: amount(memory) }] as const,
      );
      return [name, { timestampMs: Date.parse(timestamp ?? ''), usages: new Map(usages) }];
    }),
  );
}

/** Returns NaN for text that is no quantity: it is not the true one either. */
function amount(text: string): number {
  try {
    return parseQuantity(text);
  } catch {
    return Number.NaN;
  }
}
