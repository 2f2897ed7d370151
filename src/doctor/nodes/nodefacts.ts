/** A Node, as far as its metrics depend on it. */
import { field, items, text, textMap } from '../../client/json.ts';
import type { NodeAddress, NodeInfo } from '../../cluster/nodes.ts';
import { parseTimeMs } from '../times.ts';

export interface NodeFacts extends Pick<NodeInfo, 'name' | 'labels' | 'addresses' | 'kubeletPort' | 'ready'> {
  readonly uid: string | undefined;
  /** Reason and time of the condition Ready, if it is not True. */
  readonly notReady: { readonly reason: string; readonly sinceMs: number | undefined } | undefined;
  readonly isWindows: boolean;
  /** AWS Fargate: the pod's address is the node's, so a pod cannot use the kubelet's port. */
  readonly isFargate: boolean;
  /** Of Virtual Kubelet, as on AKS: a provider's program, mostly without metrics. */
  readonly isVirtual: boolean;
  /** Milliseconds since the epoch. */
  readonly createdMs: number | undefined;
}

const portLimit = 65_536;

/** Returns undefined for an object without a name. */
export function parseNodeFacts(object: unknown): NodeFacts | undefined {
  const metadata = field(object, 'metadata');
  const status = field(object, 'status');
  const name = text(field(metadata, 'name'));
  if (name === undefined) return undefined;
  const labels = textMap(field(metadata, 'labels'));
  const condition = items(field(status, 'conditions')).find((each) => field(each, 'type') === 'Ready');
  const ready = field(condition, 'status') === 'True';
  const port = field(field(field(status, 'daemonEndpoints'), 'kubeletEndpoint'), 'Port');
  return {
    name,
    uid: text(field(metadata, 'uid')),
    labels,
    addresses: items(field(status, 'addresses')).flatMap((each) => parseAddress(each) ?? []),
    kubeletPort: typeof port === 'number' && port > 0 && port < portLimit ? port : undefined,
    ready,
    notReady: ready
      ? undefined
      : {
          reason: text(field(condition, 'reason')) ?? 'no condition Ready',
          sinceMs: parseTimeMs(field(condition, 'lastTransitionTime')),
        },
    isWindows: labels.get('kubernetes.io/os') === 'windows',
    isFargate: labels.get('eks.amazonaws.com/compute-type') === 'fargate',
    isVirtual: labels.get('type') === 'virtual-kubelet',
    createdMs: parseTimeMs(field(metadata, 'creationTimestamp')),
  };
}

function parseAddress(value: unknown): NodeAddress | undefined {
  const type = text(field(value, 'type'));
  const address = text(field(value, 'address'));
  return type === undefined || address === undefined || address === '' ? undefined : { type, address };
}

/** Returns the node as the server's rules of addresses read it. */
export function infoOf({ name, labels, addresses, kubeletPort, ready, uid }: NodeFacts): NodeInfo {
  return {
    name,
    uid,
    addresses,
    kubeletPort,
    ready,
    labels,
    capacityCores: undefined,
    capacityMemoryBytes: undefined,
    resourceMetricsPath: undefined,
  };
}
