/** Writes objects of metrics.k8s.io as compact JSON into pieces, to the byte as encode does, and twenty times as fast. */
import type { JsonWriter } from '../apimachinery/jsonwriter.ts';
import { formatTime, quoteJson } from '../apimachinery/meta.ts';
import { type Pieces, writeSlices } from '../apimachinery/pieces.ts';
import {
  type ContainerMetrics,
  group,
  type MetricsList,
  type MetricsObject,
  type NodeMetrics,
  type PodMetrics,
  type ResourceUsage,
  type Version,
} from './types.ts';

export function* jsonPieces(object: MetricsObject, version: Version, writer: JsonWriter): Pieces {
  const items = new ItemWriter(writer);
  writer.text(`{"kind":"${object.kind}","apiVersion":"${group}/${version}",`);
  if ('slices' in object) yield* writeItems(writer, items, object);
  else items.members(object);
  writer.text('}\n');
  return writer.take();
}

function* writeItems(
  writer: JsonWriter,
  items: ItemWriter,
  { slices }: MetricsList,
): Generator<Buffer | undefined, void, void> {
  writer.text('"metadata":{},"items":[');
  let open = firstItem;
  yield* writeSlices<NodeMetrics | PodMetrics>(writer, slices, (item) => {
    writer.bytes(open);
    items.members(item);
    writer.bytes(endOfItem);
    open = nextItem;
  });
  writer.text(']');
}

/** Keeps what an item has in common with the one before it. */
class ItemWriter {
  readonly #writer: JsonWriter;
  /** How the name is followed in this namespace; empty for an object without one. */
  #namespace: string | undefined;
  #afterName = Buffer.alloc(0);
  #createdMs = Number.NaN;
  /** The name of a container up to the number of its CPU: most clusters have few. */
  readonly #containers = new Map<string, Buffer>();

  constructor(writer: JsonWriter) {
    this.#writer = writer;
  }

  /** All between the braces. */
  members(object: NodeMetrics | PodMetrics): void {
    const writer = this.#writer;
    writer.bytes(metadataName);
    writer.string(object.name);
    writer.bytes(this.#commonAfterName(object));
    writer.labels(object.labels);
    writer.bytes(timestamp);
    writer.time(object.timestampMs);
    writer.bytes(window);
    writer.duration(object.windowMs);
    if (object.kind === 'NodeMetrics') this.#node(object.usage);
    else this.#containersOf(object.containers);
  }

  #commonAfterName(object: NodeMetrics | PodMetrics): Buffer {
    const namespace = object.kind === 'PodMetrics' ? object.namespace : undefined;
    if (namespace !== this.#namespace || object.creationTimestampMs !== this.#createdMs) {
      this.#namespace = namespace;
      this.#createdMs = object.creationTimestampMs;
      const member = namespace === undefined ? '' : `,"namespace":${quoteJson(namespace)}`;
      this.#afterName = Buffer.from(`${member},"creationTimestamp":"${formatTime(object.creationTimestampMs)}"`);
    }
    return this.#afterName;
  }

  #node(usage: ResourceUsage): void {
    this.#writer.bytes(nodeUsage);
    this.#usage(usage);
  }

  #containersOf(containers: readonly ContainerMetrics[]): void {
    const writer = this.#writer;
    writer.bytes(openContainers);
    for (let index = 0; index < containers.length; index += 1) {
      const container = containers[index] as ContainerMetrics;
      if (index > 0) writer.byte(comma);
      writer.bytes(this.#beforeCpu(container.name));
      this.#usage(container);
      writer.byte(braceClose);
    }
    writer.byte(bracketClose);
  }

  #beforeCpu(name: string): Buffer {
    const known = this.#containers.get(name);
    if (known !== undefined) return known;
    const made = Buffer.from(`{"name":${quoteJson(name)},"usage":{"cpu":"`);
    if (this.#containers.size < containersLimit) this.#containers.set(name, made);
    return made;
  }

  /** From the number of the CPU on. */
  #usage(usage: ResourceUsage): void {
    const writer = this.#writer;
    writer.decimalNano(usage.cpuNanocores);
    writer.bytes(memory);
    writer.binary(usage.memoryBytes);
    if (usage.swapBytes !== undefined) {
      writer.bytes(swap);
      writer.binary(usage.swapBytes);
    }
    writer.bytes(endOfUsage);
  }
}

/** Different names of containers that are kept for one list. */
const containersLimit = 1_000;

const firstItem = Buffer.from('{');
const nextItem = Buffer.from(',{');
const endOfItem = Buffer.from('}');
const metadataName = Buffer.from('"metadata":{"name":');
const timestamp = Buffer.from('},"timestamp":');
const window = Buffer.from(',"window":');
const nodeUsage = Buffer.from(',"usage":{"cpu":"');
const openContainers = Buffer.from(',"containers":[');
const memory = Buffer.from('","memory":"');
const swap = Buffer.from('","swap":"');
const endOfUsage = Buffer.from('"}');
const comma = 0x2c;
const braceClose = 0x7d;
const bracketClose = 0x5d;
