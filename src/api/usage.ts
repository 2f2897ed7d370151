/** The `usage` of a node or a container in each form. */
import type { JsonWriter } from '../apimachinery/jsonwriter.ts';
import type { ProtobufWriter } from '../apimachinery/protobuf.ts';
import { formatBinary, formatDecimalNano } from '../apimachinery/quantity.ts';
import { type GaugeName, type Gauges, quantity } from '../sample/quantities.ts';
import type { Schema } from './openapi/schema.ts';
import { reference } from './openapi/schema.ts';

/** The optional gauges that are keys of `usage`. Go writes maps sorted by key, so they come after cpu and memory; a unit test checks it. */
export const gaugeKeys: readonly GaugeName[] = ['swap'];

const keyedGauges = gaugeKeys.map((key) => ({ key, field: quantity[key].field }));

/** An optional gauge, a whole number of bytes, is missing if it is unknown; swap also where the node has none, as from metrics-server. */
export interface ResourceUsage extends Gauges {
  /** Billionths of a core, a whole number. */
  readonly cpuNanocores: number;
  /** Working set, a whole number. */
  readonly memoryBytes: number;
}

/** Slow path of writeUsage: returns the usage as encodeJson takes it, sorted by key. */
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

/** What stands before the number of `cpu`. */
export const usageStart = '"usage":{"cpu":"';

/**
 * Fast path of toUsage: writes what follows `usageStart`, up to the last number. The writer's numbers are those of formatDecimalNano and formatBinary.
 * Gauges are literal here: a loop over the table makes lists of pods 5 to 9 % slower. The property test in jsonpieces.test.ts feeds both paths with every
 * gauge of the table.
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

/** Writes a map from the quantity's name to its value, sorted by name. */
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

/** Without swap: Kubernetes derives the columns from the first row, and scripts read columns by position. */
export const usageColumns = [
  { name: 'cpu', format: 'quantity' },
  { name: 'memory', format: 'quantity' },
] as const;
