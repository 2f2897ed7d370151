/** A Node, as far as its metrics depend on it. */
import { conditionOf } from '../../client/conditions.ts';
import { field } from '../../client/json.ts';
import { type NodeInfo, parseNode } from '../../cluster/nodes.ts';
import { parseTimeMs } from '../times.ts';

export interface NodeFacts extends NodeInfo {
  /** Reason of the condition Ready, if it is not True. */
  readonly notReady: string | undefined;
  readonly isWindows: boolean;
  /** AWS Fargate: the pod's address is the node's, so a pod cannot use the kubelet's port. */
  readonly isFargate: boolean;
  /** Whether it is a node of Virtual Kubelet, as on AKS: a provider's program, mostly without metrics. */
  readonly isVirtual: boolean;
  /** Milliseconds since the epoch. */
  readonly createdMs: number | undefined;
}

/** Returns undefined for an object without a name. */
export function parseNodeFacts(object: unknown): NodeFacts | undefined {
  const node = parseNode(object);
  if (node === undefined) return undefined;
  const { labels, ready } = node;
  return {
    ...node,
    notReady: ready ? undefined : conditionOf(object, 'Ready')?.reason || 'no condition Ready',
    isWindows: labels.get('kubernetes.io/os') === 'windows',
    isFargate: labels.get('eks.amazonaws.com/compute-type') === 'fargate',
    isVirtual: labels.get('type') === 'virtual-kubelet',
    createdMs: parseTimeMs(field(field(object, 'metadata'), 'creationTimestamp')),
  };
}
