/** Finds kubelets' requests for serving certificates that await approval, or were refused. */
import {
  findPendingServingRequests,
  findRefusedServingRequests,
  type RefusedServingRequest,
} from '../../cluster/servingrequests.ts';
import type { CheckContext } from '../check.ts';

export interface ServingRequests {
  /** The newest pending request by node: a kubelet waits for no older one. */
  readonly pending: ReadonlyMap<string, string>;
  /** The newest request by node, where it leads to no certificate. */
  readonly refused: ReadonlyMap<string, RefusedServingRequest>;
}

export const noRequests: ServingRequests = { pending: new Map(), refused: new Map() };

/** Equal requests are sent once a run. @throws UncheckedError. */
export async function readServingRequests({ api }: CheckContext): Promise<ServingRequests> {
  const rest = {
    get: (path: string, options?: { readonly query?: Readonly<Record<string, string>> }) =>
      api.get(path, options?.query),
  };
  const pending = await findPendingServingRequests(rest);
  return {
    pending: new Map(pending.map(({ node, requests: [newest] }) => [node, newest])),
    refused: await findRefusedServingRequests(rest),
  };
}
