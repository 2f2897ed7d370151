/** Makes views of nodes of Node objects, usages and sums of requests. */
import { parseQuantity } from '../apimachinery/quantity.ts';
import { field, text } from '../client/json.ts';
import { type NodeFacts, parseNodeFacts } from '../doctor/nodes/nodefacts.ts';
import { defined } from './defined.ts';
import type { PartRead } from './part.ts';
import type { NodeSums } from './requestsums.ts';
import { type Amounts, amountsOf } from './resources.ts';
import type { NodeView } from './types.ts';
import type { MeasuredUsage } from './usages.ts';

/** What is kept of a Node. */
export interface NodeObject {
  readonly facts: NodeFacts;
  readonly allocatable: Amounts;
  readonly podCapacity: number | undefined;
}

/** Returns undefined for an object without a name. */
export function parseNodeObject(object: unknown): NodeObject | undefined {
  const facts = parseNodeFacts(object);
  const status = field(object, 'status');
  if (facts === undefined) return undefined;
  return {
    facts,
    // Kubelets always report it; without it, capacity is what is known.
    allocatable: amountsOf(field(status, 'allocatable') ?? field(status, 'capacity')),
    podCapacity: parseQuantity(text(field(field(status, 'allocatable'), 'pods')) ?? ''),
  };
}

/** What could be read of nodes, by name. Objects beside a problem are those that were read last. */
export interface NodeParts {
  readonly known: PartRead<ReadonlyMap<string, NodeObject>>;
  readonly measured: PartRead<ReadonlyMap<string, MeasuredUsage>>;
}

/** One node with its usage, and where that is from. */
export interface ReadNode {
  readonly name: string;
  /** Undefined where Nodes cannot be read: then the usage is all there is. */
  readonly known: NodeObject | undefined;
  readonly usage: MeasuredUsage | undefined;
  readonly source: string | undefined;
  readonly sums: NodeSums | undefined;
  /** Why there is no usage. */
  readonly reason: string | undefined;
}

export function toNodeView({ name, known, usage, source, sums, reason }: ReadNode): NodeView {
  const view = (resource: 'cpu' | 'memory') =>
    defined({
      used: usage?.[resource],
      requested: sums?.requested[resource],
      // Without any, there is none to show.
      limit: sums?.limits[resource] || undefined,
      allocatable: known?.allocatable[resource],
    });
  return defined({
    name,
    uid: known?.facts.uid,
    ready: known?.facts.ready,
    cpu: view('cpu'),
    memory: view('memory'),
    swapBytes: usage?.swapBytes,
    pods: sums?.pods,
    podCapacity: known?.podCapacity,
    timestampMs: usage?.timestampMs,
    windowSeconds: usage?.windowSeconds,
    source: usage === undefined ? undefined : source,
    reason: usage === undefined ? reason : undefined,
  });
}
