/** The `usage` of a node or a container. */
import type { JsonWriter } from '../apimachinery/jsonwriter.ts';
import type { ProtobufWriter } from '../apimachinery/protobuf.ts';
import { formatBinary, formatDecimalNano } from '../apimachinery/quantity.ts';
import { type GaugeName, type Gauges, quantity } from '../sample/quantities.ts';
import type { Schema } from './openapi/schema.ts';
import { reference } from './openapi/schema.ts';

/** Optional gauges in `usage`, after cpu and memory as Go sorts keys; a unit test checks it. */
export const gaugeKeys: readonly GaugeName[] = ['swap'];

const keyedGauges = gaugeKeys.map((key) => ({ key, field: quantity[key].field }));

/** A gauge (whole bytes) is missing if unknown; swap also where the node has none, as in metrics-server. */
export interface ResourceUsage extends Gauges {
  /** Whole. */
  readonly cpuNanocores: number;
  /** Working set, whole. */
  readonly memoryBytes: number;
}

/** Slow path of writeUsage: returns keys in order. */
export function toUsage(usage: ResourceUsage): object {
  const members: Record<string, string> = {
    cpu: formatDecimalNano(usage.cpuNanocores),
    memory: formatBinary(usage.memoryBytes),
  };
  for (const { key, field } of keyedGauges) {
    const bytes = usage[field];
    if (bytes !== undefined) members[key] = formatBinary(bytes);
  }
  return members;
}

/** The JSON before the number of `cpu`. */
export const usageStart = '"usage":{"cpu":"';

/**
 * Fast path of toUsage: writes what follows `usageStart`, up to the last number. Gauges are literal: a loop over the
 * table makes lists of pods 5 to 9 % slower. jsonpieces.test.ts feeds both paths with every gauge.
 */
export function writeUsage(writer: JsonWriter, usage: ResourceUsage): void {
  writer.decimalNano(usage.cpuNanocores);
  writer.bytes(memory);
  writer.binary(usage.memoryBytes);
  if (usage.swapBytes === undefined) return;
  writer.bytes(swap);
  writer.binary(usage.swapBytes);
}

const memory = Buffer.from('","memory":"');
const swap = Buffer.from('","swap":"');

/** Writes a map from name to value, sorted by name. */
export function writeUsageField(writer: ProtobufWriter, field: number, usage: ResourceUsage): void {
  writeQuantity(writer, field, 'cpu', formatDecimalNano(usage.cpuNanocores));
  writeQuantity(writer, field, 'memory', formatBinary(usage.memoryBytes));
  for (const { key, field: from } of keyedGauges) {
    const bytes = usage[from];
    if (bytes !== undefined) writeQuantity(writer, field, key, formatBinary(bytes));
  }
}

function writeQuantity(writer: ProtobufWriter, field: number, name: string, quantity: string): void {
  writer.message(field, () => {
    writer.string(1, name);
    writer.message(2, () => writer.string(1, quantity));
  });
}

export const usageSchema: Schema = {
  description: 'The memory usage is the memory working set.',
  type: 'object',
  additionalProperties: reference('io.k8s.apimachinery.pkg.api.resource.Quantity'),
};

/** Without swap: Kubernetes derives the columns from the first row, and scripts read them by position. */
export const usageColumns = [
  { name: 'cpu', format: 'quantity' },
  { name: 'memory', format: 'quantity' },
] as const;
