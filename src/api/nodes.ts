/** Answers list and get of NodeMetrics: the nodes that exist, joined with what is known of their usage. */
import { type FieldSelector, requireKnownFields } from '../apimachinery/fields.ts';
import type { Labels, LabelSelector } from '../apimachinery/labels.ts';
import { notFound } from '../apimachinery/status.ts';
import type { Answer, Usage } from '../sample/point.ts';
import { type NodeTrouble, noUsage } from './missing.ts';
import { selection, sliced } from './slices.ts';
import type { NodeMetrics, NodeMetricsList } from './types.ts';

interface Node {
  readonly name: string;
  readonly labels: Labels;
}

/** The nodes of the cluster. */
interface NodeReader {
  get(name: string): Node | undefined;
  /** Sorted by name. */
  list(): readonly Node[];
}

/** The usage of nodes. */
interface NodeUsageReader {
  nodeUsage(name: string): Answer<Usage>;
}

export interface NodesApiOptions {
  readonly nodes: NodeReader;
  readonly usage: NodeUsageReader;
  readonly troubleOf: NodeTrouble;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface NodeListOptions {
  readonly labelSelector?: LabelSelector | undefined;
  readonly fieldSelector?: FieldSelector | undefined;
}

export interface NodesApi {
  /** Nodes without usage are left out. Throws StatusError BadRequest for a field that nodes do not have. */
  list(options?: NodeListOptions): NodeMetricsList;
  /** Throws StatusError NotFound with one text for a node that is not there, and another, that says why, for one without usage. */
  get(name: string): NodeMetrics;
}

export function createNodesApi({ nodes, usage, troubleOf, now }: NodesApiOptions): NodesApi {
  return { list, get };

  function list({ labelSelector, fieldSelector }: NodeListOptions = {}): NodeMetricsList {
    if (fieldSelector !== undefined) requireKnownFields(fieldSelector);
    const creationTimestampMs = now();
    const isSelected = selection(labelSelector, fieldSelector);
    return { kind: 'NodeMetricsList', slices: sliced(nodes.list(), metricsOf) };

    function metricsOf(node: Node): NodeMetrics | undefined {
      if (!isSelected(node)) return undefined;
      const answer = usage.nodeUsage(node.name);
      return answer.kind === 'ready' ? toNodeMetrics(node, answer.value, creationTimestampMs) : undefined;
    }
  }

  function get(name: string): NodeMetrics {
    const node = nodes.get(name);
    // The singular is Kubernetes' own and differs from pods.
    if (node === undefined) throw notFound({ group: '', resource: 'node' }, name);
    const answer = usage.nodeUsage(name);
    if (answer.kind === 'missing') throw noUsage('nodemetrics', name, { ...answer, node: name }, troubleOf);
    return toNodeMetrics(node, answer.value, now());
  }
}

function toNodeMetrics(node: Node, usage: Usage, creationTimestampMs: number): NodeMetrics {
  return {
    kind: 'NodeMetrics',
    name: node.name,
    labels: node.labels,
    creationTimestampMs,
    timestampMs: usage.timestampMs,
    windowMs: usage.windowMs,
    usage,
  };
}
