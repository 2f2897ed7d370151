/** Finds kubelets' requests for serving certificates that await approval. */
import { field, items, text } from '../../client/json.ts';
import type { CheckContext } from '../check.ts';
import { parseTimeMs } from '../times.ts';

const servingSigner = 'kubernetes.io/kubelet-serving';

/** Returns the newest pending request by node: a kubelet waits for no older one. @throws UncheckedError. */
export async function readPendingRequests({ api }: CheckContext): Promise<ReadonlyMap<string, string>> {
  const query = { fieldSelector: `spec.signerName=${servingSigner}` };
  const list = await api.list('/apis/certificates.k8s.io/v1/certificatesigningrequests', { query });
  const requests = (list ?? []).flatMap((request) => toPending(request) ?? []);
  const inOrder = requests.toSorted((a, b) => a.createdMs - b.createdMs);
  return new Map(inOrder.map(({ node, name }) => [node, name]));
}

interface PendingRequest {
  readonly node: string;
  readonly name: string;
  readonly createdMs: number;
}

function toPending(request: unknown): PendingRequest | undefined {
  const metadata = field(request, 'metadata');
  const spec = field(request, 'spec');
  const status = field(request, 'status');
  const isPending = items(field(status, 'conditions')).length === 0 && field(status, 'certificate') === undefined;
  const [, node] = /^system:node:(.+)$/.exec(text(field(spec, 'username')) ?? '') ?? [];
  const name = text(field(metadata, 'name'));
  if (!isPending || field(spec, 'signerName') !== servingSigner || node === undefined || name === undefined)
    return undefined;
  return { node, name, createdMs: parseTimeMs(field(metadata, 'creationTimestamp')) ?? 0 };
}
