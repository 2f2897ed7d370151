/** PodMetrics: the usage of the containers of running pods. */
import type { JsonWriter } from '../apimachinery/jsonwriter.ts';
import type { Labels } from '../apimachinery/labels.ts';
import { quoteJson } from '../apimachinery/meta.ts';
import type { ProtobufWriter } from '../apimachinery/protobuf.ts';
import type { History } from '../history/history.ts';
import type { UsageOrReason, PodUsage } from '../sample/point.ts';
import { usageCells } from './cells.ts';
import type { Schema } from './openapi/schema.ts';
import type { Pageable } from './page.ts';
import type { UsageSource } from '../metricsource/usage.ts';
import { createAskingReader } from './askingreader.ts';
import { createReader, type ResourceReaderOptions } from './reader.ts';
import type { MemberWriter, Resource, ResourceReader, ServedReader } from './resource.ts';
import { type MetricsItem, versions } from './types.ts';
import {
  type ResourceUsage,
  toUsage,
  usageColumns,
  usageSchema,
  usageStart,
  writeUsage,
  writeUsageField,
} from './usage.ts';

export interface ContainerMetrics extends ResourceUsage {
  readonly name: string;
}

export interface PodMetrics extends MetricsItem {
  readonly namespace: string;
  /** Sorted by name. */
  readonly containers: readonly ContainerMetrics[];
}

const containerSchema: Schema = {
  description: 'ContainerMetrics sets resource usage metrics of a container.',
  type: 'object',
  required: ['name', 'usage'],
  properties: {
    name: {
      description: 'Container name corresponding to the one from pod.spec.containers.',
      type: 'string',
      default: '',
    },
    usage: usageSchema,
  },
};

export const podMetrics: Resource<PodMetrics> = {
  name: 'pods',
  kind: 'PodMetrics',
  listKind: 'PodMetricsList',
  namespaced: true,
  shortNames: [],
  versions,
  columns: usageColumns,
  cells: (pod, style) => usageCells(sum(pod), style),
  members: toMembers,
  createMemberWriter,
  writeFields(writer, { containers }) {
    for (const container of containers) writeContainer(writer, 4, container);
  },
  schema: {
    description: 'PodMetrics sets resource usage metrics of a pod.',
    itemsDescription: 'List of pod metrics.',
    required: ['containers'],
    properties: (partOf) => ({
      containers: {
        description: 'Metrics for all containers are collected within the same time window.',
        type: 'array',
        items: partOf('ContainerMetrics'),
        'x-kubernetes-list-type': 'atomic',
      },
    }),
    parts: { ContainerMetrics: containerSchema },
  },
};

function sum({ containers }: PodMetrics): ResourceUsage {
  return {
    cpuNanocores: containers.reduce((total, { cpuNanocores }) => total + cpuNanocores, 0),
    memoryBytes: containers.reduce((total, { memoryBytes }) => total + memoryBytes, 0),
  };
}

/** Slow path. Both paths write containers in the same order, and usages by usage.ts. */
function toMembers({ containers }: PodMetrics): object {
  return { containers: containers.map((container) => ({ name: container.name, usage: toUsage(container) })) };
}

/** Fast path. Writes as much as possible at a time: a call costs as much as its bytes. */
function createMemberWriter(writer: JsonWriter): MemberWriter<PodMetrics> {
  const first = new ContainerStart('","containers":[');
  const next = new ContainerStart('"}},');
  return {
    write({ containers }) {
      if (containers.length === 0) return writer.bytes(noContainers);
      for (let index = 0; index < containers.length; index += 1) {
        const container = containers[index] as ContainerMetrics;
        writer.bytes(index === 0 ? first.of(container.name) : next.of(container.name));
        writeUsage(writer, container);
      }
      writer.bytes(endOfPod);
    },
  };
}

const noContainers = Buffer.from('","containers":[]}');
const endOfPod = Buffer.from('"}}]}');

/** Caches, by container name, the bytes before the first number: most clusters have few names. */
class ContainerStart {
  readonly #open: string;
  readonly #cache = new Map<string, Buffer>();

  constructor(open: string) {
    this.#open = open;
  }

  of(name: string): Buffer {
    const cached = this.#cache.get(name);
    if (cached !== undefined) return cached;
    const made = Buffer.from(`${this.#open}{"name":${quoteJson(name)},${usageStart}`);
    if (this.#cache.size < namesLimit) this.#cache.set(name, made);
    return made;
  }
}

const namesLimit = 1_000;

function writeContainer(writer: ProtobufWriter, field: number, container: ContainerMetrics): void {
  writer.message(field, () => {
    writer.string(1, container.name);
    writeUsageField(writer, 2, container);
  });
}

interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** A static pod's: kubelets report it in place of the UID. */
  readonly configHash: string | undefined;
  readonly node: string | undefined;
  readonly labels: Labels;
}

interface PodsThatExist {
  readonly pods: {
    get(namespace: string, name: string): Pod | undefined;
    /** Sorted by namespace, then name. */
    list(namespace?: string): readonly Pod[];
    /** The same pods. */
    readonly pages?: Pageable<Pod>;
  };
}

export interface PodReaderOptions extends ResourceReaderOptions, PodsThatExist {
  readonly usage: { podUsage(pod: Omit<Pod, 'labels'>): UsageOrReason<PodUsage> };
  /** Undefined if none is kept. */
  readonly history?: Pick<History, 'pod' | 'countPod'> | undefined;
}

export function createPodReader({ pods, usage, history, ...options }: PodReaderOptions): ResourceReader<PodMetrics> {
  return createReader<Pod, PodUsage, PodMetrics>(
    {
      ...podObjects({ pods }),
      usageOf: (pod) => usage.podUsage(pod),
      history: history && { count: history.countPod, points: history.pod },
    },
    options,
  );
}

export interface AskingPodReaderOptions extends PodsThatExist {
  readonly source: Pick<UsageSource, 'podUsages'>;
  /** Since the epoch. */
  readonly now: () => number;
}

/** Returns a reader that asks the source during each request. */
export function createAskingPodReader({ pods, source, now }: AskingPodReaderOptions): ServedReader<PodMetrics> {
  return createAskingReader<Pod, PodUsage, PodMetrics>(
    { ...podObjects({ pods }), ask: (question, signal) => source.podUsages(question, signal) },
    { now },
  );
}

function podObjects({ pods }: PodsThatExist) {
  return {
    get: (namespace: string, name: string) => pods.get(namespace, name),
    list: (namespace: string | undefined) => pods.list(namespace),
    pages: pods.pages,
    toMetrics,
    missingObject: 'pods',
    missingUsage: 'podmetrics',
  };
}

function toMetrics(pod: Pod, usage: PodUsage, creationTimestampMs: number): PodMetrics {
  return {
    namespace: pod.namespace,
    name: pod.name,
    labels: pod.labels,
    creationTimestampMs,
    timestampMs: usage.timestampMs,
    windowMs: usage.windowMs,
    containers: usage.containers,
  };
}
