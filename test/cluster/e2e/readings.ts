/** Reads a metrics server's answers as numbers, without code of the program under test. */
import type { Cluster } from '../cluster.ts';
import { ask } from './ask.ts';

export interface Reading {
  /** As on the wire: RFC 3339 and Go's duration. */
  readonly timestamp: string;
  readonly window: string;
  readonly cpuNanocores: number;
  readonly memoryBytes: number;
}

export interface PodReading {
  readonly timestamp: string;
  readonly window: string;
  readonly containers: ReadonlyMap<string, { readonly cpuNanocores: number; readonly memoryBytes: number }>;
}

export interface Source {
  /** A server, or kube-apiserver. */
  readonly url: string;
  readonly version: 'v1' | 'v1beta1';
  readonly token: string;
}

/** By namespace/name. Rejects when the answer is not 200. */
export async function podReadings(cluster: Cluster, source: Source): Promise<Map<string, PodReading>> {
  const list = await listMetrics(cluster, source, 'pods');
  return new Map(
    list.items.map(({ metadata, timestamp, window, containers = [] }) => [
      `${metadata.namespace}/${metadata.name}`,
      { timestamp, window, containers: new Map(containers.map(({ name, usage }) => [name, amounts(usage)])) },
    ]),
  );
}

/** By name. Rejects when the answer is not 200. */
export async function nodeReadings(cluster: Cluster, source: Source): Promise<Map<string, Reading>> {
  const list = await listMetrics(cluster, source, 'nodes');
  return new Map(
    list.items.map(({ metadata, timestamp, window, usage }) => {
      if (usage === undefined) throw new Error(`node ${metadata.name} has no usage`);
      return [metadata.name, { timestamp, window, ...amounts(usage) }];
    }),
  );
}

/** Whether a rate was counted after a moment only; timestamps are whole seconds. */
export function isSince(reading: Pick<PodReading, 'timestamp' | 'window'> | undefined, wallMs: number): boolean {
  if (reading === undefined) return false;
  return Date.parse(reading.timestamp) - parseWindowMs(reading.window) >= wallMs - 1_000;
}

interface Usage {
  readonly cpu: string;
  readonly memory: string;
}

interface MetricsList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly namespace?: string };
    readonly timestamp: string;
    readonly window: string;
    readonly usage?: Usage;
    readonly containers?: readonly { readonly name: string; readonly usage: Usage }[];
  }[];
}

async function listMetrics(cluster: Cluster, { url, version, token }: Source, resource: string): Promise<MetricsList> {
  const { status, body } = await ask(cluster, `${url}/apis/metrics.k8s.io/${version}/${resource}`, { token });
  if (status !== 200) throw new Error(`${url} answered ${status}: ${body}`);
  return JSON.parse(body) as MetricsList;
}

function amounts(usage: Usage): { cpuNanocores: number; memoryBytes: number } {
  return { cpuNanocores: Math.round(parseQuantity(usage.cpu) * 1e9), memoryBytes: parseQuantity(usage.memory) };
}

const scales = new Map([
  ['n', 1e-9],
  ['u', 1e-6],
  ['m', 1e-3],
  ['', 1],
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['Ki', 2 ** 10],
  ['Mi', 2 ** 20],
  ['Gi', 2 ** 30],
]);

export function parseQuantity(text: string): number {
  const [, digits, suffix] = /^(\d+)([a-zA-Z]*)$/.exec(text) ?? [];
  const scale = scales.get(suffix ?? '');
  if (digits === undefined || scale === undefined) throw new Error(`not a quantity: ${text}`);
  return Number(digits) * scale;
}

/** Parses Go's durations that a window can have: 14.882s, 1m0.5s. */
export function parseWindowMs(text: string): number {
  const [, minutes = '0', seconds] = /^(?:(\d+)m)?([\d.]+)s$/.exec(text) ?? [];
  if (seconds === undefined) throw new Error(`not a window: ${text}`);
  return Number(minutes) * 60_000 + Number(seconds) * 1000;
}
