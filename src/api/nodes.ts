/** NodeMetrics: the usage of the nodes that exist. */
import type { Labels } from '../apimachinery/labels.ts';
import type { History } from '../history/history.ts';
import type { UsageOrReason, Usage } from '../sample/point.ts';
import { usageCells } from './cells.ts';
import type { UsageSource } from '../metricsource/usage.ts';
import { createAskingReader } from './askingreader.ts';
import { createReader, type ResourceReaderOptions } from './reader.ts';
import type { Resource, ResourceReader, ServedReader } from './resource.ts';
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

export interface NodeMetrics extends MetricsItem {
  readonly usage: ResourceUsage;
}

const endOfWindow = Buffer.from(`",${usageStart}`);
const endOfNode = Buffer.from('"}}');

export const nodeMetrics: Resource<NodeMetrics> = {
  name: 'nodes',
  kind: 'NodeMetrics',
  listKind: 'NodeMetricsList',
  namespaced: false,
  shortNames: [],
  versions,
  columns: usageColumns,
  cells: ({ usage }, style) => usageCells(usage, style),
  // Slow path. Both paths write one usage; see usage.ts.
  members: ({ usage }) => ({ usage: toUsage(usage) }),
  // Fast path
  createMemberWriter: (writer) => ({
    write({ usage }) {
      writer.bytes(endOfWindow);
      writeUsage(writer, usage);
      writer.bytes(endOfNode);
    },
  }),
  writeFields: (writer, { usage }) => writeUsageField(writer, 4, usage),
  schema: {
    description: 'NodeMetrics sets resource usage metrics of a node.',
    itemsDescription: 'List of node metrics.',
    required: ['usage'],
    properties: () => ({ usage: usageSchema }),
    parts: {},
  },
};

interface Node {
  readonly name: string;
  readonly uid?: string | undefined;
  readonly labels: Labels;
}

interface NodesThatExist {
  readonly nodes: {
    get(name: string): Node | undefined;
    list(): readonly Node[];
  };
}

export interface NodeReaderOptions extends ResourceReaderOptions, NodesThatExist {
  readonly usage: { nodeUsage(name: string): UsageOrReason<Usage> };
  /** Undefined if none is kept. */
  readonly history?: Pick<History, 'node' | 'countNode'> | undefined;
}

export function createNodeReader({
  nodes,
  usage,
  history,
  ...options
}: NodeReaderOptions): ResourceReader<NodeMetrics> {
  return createReader<Node, Usage, NodeMetrics>(
    {
      ...nodeObjects({ nodes }),
      usageOf({ name }) {
        const answer = usage.nodeUsage(name);
        return answer.kind === 'ready' ? answer : { ...answer, node: name };
      },
      history: history && { count: history.countNode, points: history.node },
    },
    options,
  );
}

export interface AskingNodeReaderOptions extends NodesThatExist {
  readonly source: Pick<UsageSource, 'nodeUsages'>;
  /** Since the epoch. */
  readonly now: () => number;
}

/** Returns a reader that asks the source during each request. */
export function createAskingNodeReader({ nodes, source, now }: AskingNodeReaderOptions): ServedReader<NodeMetrics> {
  return createAskingReader<Node, Usage, NodeMetrics>(
    { ...nodeObjects({ nodes }), ask: (question, signal) => source.nodeUsages(question, signal) },
    { now },
  );
}

function nodeObjects({ nodes }: NodesThatExist) {
  return {
    get: (_namespace: string, name: string) => nodes.get(name),
    list: () => nodes.list(),
    toMetrics,
    // The singular is Kubernetes' own and differs from pods.
    missingObject: 'node',
    missingUsage: 'nodemetrics',
  };
}

function toMetrics({ name, labels }: Node, usage: Usage, creationTimestampMs: number): NodeMetrics {
  const { timestampMs, windowMs } = usage;
  return { name, labels, creationTimestampMs, timestampMs, windowMs, usage };
}
