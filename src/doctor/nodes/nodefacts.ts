/** A Node, as far as its metrics depend on it. */
import { conditionOf, type StatusCondition } from '../../client/conditions.ts';
import { field, text } from '../../client/json.ts';
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
  /** The container runtime and its version, such as `containerd://2.2.0`. */
  readonly runtime: string | undefined;
  /** Milliseconds since the epoch. */
  readonly createdMs: number | undefined;
}

function whyNotReady(condition: StatusCondition | undefined): string {
  return condition === undefined ? 'no condition Ready' : condition.reason || `Ready is ${condition.status}`;
}

/** Returns undefined for an object without a name. */
export function parseNodeFacts(object: unknown): NodeFacts | undefined {
  const node = parseNode(object);
  if (node === undefined) return undefined;
  const { labels, ready } = node;
  return {
    ...node,
    notReady: ready ? undefined : whyNotReady(conditionOf(object, 'Ready')),
    isWindows: labels.get('kubernetes.io/os') === 'windows',
    isFargate: labels.get('eks.amazonaws.com/compute-type') === 'fargate',
    isVirtual: labels.get('type') === 'virtual-kubelet',
    runtime: text(field(field(field(object, 'status'), 'nodeInfo'), 'containerRuntimeVersion')),
    createdMs: parseTimeMs(field(field(object, 'metadata'), 'creationTimestamp')),
  };
}
