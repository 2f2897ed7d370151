/** Finds the signing requests for kubelets' serving certificates that wait for an approval, or were refused. */
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
  const pending = (await readServingRequests(rest)).filter(({ state }) => state === 'pending');
  const byNode = Map.groupBy(pending, ({ node }) => node);
  return [...byNode].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([node, found]) => ofNode(node, found) ?? []);
}

/** A request that leads to no certificate. */
export interface RefusedServingRequest {
  readonly name: string;
  /** `unsigned`: approved, without a certificate so far. */
  readonly state: 'denied' | 'failed' | 'unsigned';
  /** What the approver or signer says; may be empty. */
  readonly reason: string;
}

/** Returns by node the newest request, where it was refused. Rights and errors are those of `findPendingServingRequests`. */
export async function findRefusedServingRequests(
  rest: Pick<RestClient, 'get'>,
): Promise<ReadonlyMap<string, RefusedServingRequest>> {
  const byNode = Map.groupBy(await readServingRequests(rest), ({ node }) => node);
  return new Map(
    [...byNode].flatMap(([node, found]): [string, RefusedServingRequest][] => {
      const [newest] = found;
      if (newest === undefined || newest.state === 'pending' || newest.state === 'issued') return [];
      return [[node, { name: newest.name, state: newest.state, reason: newest.reason }]];
    }),
  );
}

/** Returns the command that approves the newest request. */
export function approvalOf({ requests: [newest] }: PendingServingRequests): string {
  return `kubectl certificate approve ${newest}`;
}

interface ServingRequest {
  readonly node: string;
  readonly name: string;
  readonly createdMs: number;
  readonly state: 'pending' | 'issued' | RefusedServingRequest['state'];
  readonly reason: string;
}

/** Returns the requests of all nodes, the newest first. */
async function readServingRequests(rest: Pick<RestClient, 'get'>): Promise<readonly ServingRequest[]> {
  const requests: ServingRequest[] = [];
  const fieldSelector = `spec.signerName=${signerName}`;
  let pages = 0;
  for await (const list of listPages((query) => rest.get(path, { query: { fieldSelector, ...query } }), pageSize)) {
    requests.push(...items(field(list, 'items')).flatMap((object) => servingRequest(object) ?? []));
    pages += 1;
    if (pages === pageLimit) break;
  }
  return requests.sort((a, b) => b.createdMs - a.createdMs);
}

function ofNode(node: string, [newest, ...others]: readonly ServingRequest[]): PendingServingRequests | undefined {
  if (newest === undefined) return undefined;
  return { node, requests: [newest.name, ...others.map(({ name }) => name)], createdMs: newest.createdMs };
}

/** Returns undefined for a request that no kubelet made. */
function servingRequest(object: unknown): ServingRequest | undefined {
  const metadata = field(object, 'metadata');
  const name = text(field(metadata, 'name')) ?? '';
  const user = text(field(field(object, 'spec'), 'username')) ?? '';
  const isOfKubelet = text(field(field(object, 'spec'), 'signerName')) === signerName && user.startsWith(userPrefix);
  // The name becomes part of a command.
  if (!isOfKubelet || !/^[a-z0-9][a-z0-9.-]*$/.test(name)) return undefined;
  const createdMs = Date.parse(text(field(metadata, 'creationTimestamp')) ?? '');
  return {
    node: user.slice(userPrefix.length),
    name,
    createdMs: Number.isNaN(createdMs) ? 0 : createdMs,
    ...stateOf(field(object, 'status')),
  };
}

function stateOf(status: unknown): Pick<ServingRequest, 'state' | 'reason'> {
  const conditions = items(field(status, 'conditions'));
  for (const [type, state] of [
    ['Denied', 'denied'],
    ['Failed', 'failed'],
  ] as const) {
    const condition = conditions.find((each) => field(each, 'type') === type);
    if (condition === undefined) continue;
    const words = [text(field(condition, 'reason')), text(field(condition, 'message'))];
    return { state, reason: words.filter((each) => each !== undefined && each !== '').join(': ') };
  }
  if (field(status, 'certificate') !== undefined) return { state: 'issued', reason: '' };
  return { state: conditions.length === 0 ? 'pending' : 'unsigned', reason: '' };
}
