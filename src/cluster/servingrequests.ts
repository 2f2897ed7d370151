/** Finds the signing requests for kubelets' serving certificates that wait for an approval. */
import { field, items, text } from '../client/json.ts';
import { listPages } from '../client/listpages.ts';
import type { RestClient } from '../client/rest.ts';

/** All pending requests of one node's kubelet. */
export interface PendingServingRequests {
  readonly node: string;
  /** Names of CertificateSigningRequests, newest first. A kubelet makes another one about every 15 min. */
  readonly requests: readonly [string, ...string[]];
  /** When the newest was created, in milliseconds since the epoch. */
  readonly createdMs: number;
}

const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const signerName = 'kubernetes.io/kubelet-serving';
/** As kubectl. A request has about 3 kB. */
const pageSize = 500;
/** Pages that are read at most; kube-controller-manager removes pending requests after a day. */
const pageLimit = 40;
const userPrefix = 'system:node:';

/**
 * Needs the right to list certificatesigningrequests, which the server does not have.
 * @throws StatusError, such as a 403; errors of the connection.
 */
export async function findPendingServingRequests(
  rest: Pick<RestClient, 'get'>,
): Promise<readonly PendingServingRequests[]> {
  const pending: ServingRequest[] = [];
  const fieldSelector = `spec.signerName=${signerName}`;
  let pages = 0;
  for await (const list of listPages((query) => rest.get(path, { query: { fieldSelector, ...query } }), pageSize)) {
    pending.push(...items(field(list, 'items')).flatMap((object) => pendingRequest(object) ?? []));
    pages += 1;
    if (pages === pageLimit) break;
  }
  const byNode = Map.groupBy(pending, ({ node }) => node);
  return [...byNode].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([node, found]) => newestFirst(node, found) ?? []);
}

/** Returns the command that approves the newest request. */
export function approvalOf({ requests: [newest] }: PendingServingRequests): string {
  return `kubectl certificate approve ${newest}`;
}

interface ServingRequest {
  readonly node: string;
  readonly name: string;
  readonly createdMs: number;
}

function newestFirst(node: string, found: readonly ServingRequest[]): PendingServingRequests | undefined {
  const [newest, ...others] = found.toSorted((a, b) => b.createdMs - a.createdMs);
  if (newest === undefined) return undefined;
  return { node, requests: [newest.name, ...others.map(({ name }) => name)], createdMs: newest.createdMs };
}

/** Returns undefined for a request that was approved, denied or failed, or that no kubelet made. */
function pendingRequest(object: unknown): ServingRequest | undefined {
  const metadata = field(object, 'metadata');
  const name = text(field(metadata, 'name')) ?? '';
  const user = text(field(field(object, 'spec'), 'username')) ?? '';
  const status = field(object, 'status');
  const isOfKubelet = text(field(field(object, 'spec'), 'signerName')) === signerName && user.startsWith(userPrefix);
  const isPending = items(field(status, 'conditions')).length === 0 && field(status, 'certificate') === undefined;
  // The name becomes part of a command.
  if (!isOfKubelet || !isPending || !/^[a-z0-9][a-z0-9.-]*$/.test(name)) return undefined;
  const createdMs = Date.parse(text(field(metadata, 'creationTimestamp')) ?? '');
  return { node: user.slice(userPrefix.length), name, createdMs: Number.isNaN(createdMs) ? 0 : createdMs };
}
