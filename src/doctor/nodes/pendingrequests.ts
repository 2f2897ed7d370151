/** Finds kubelets' requests for serving certificates that await approval. */
import { findPendingServingRequests } from '../../cluster/servingrequests.ts';
import type { CheckContext } from '../check.ts';

/** Returns the newest pending request by node: a kubelet waits for no older one. @throws UncheckedError. */
export async function readPendingRequests({ api }: CheckContext): Promise<ReadonlyMap<string, string>> {
  const found = await findPendingServingRequests({ get: (path, options) => api.get(path, options?.query) });
  return new Map(found.map(({ node, requests: [newest] }) => [node, newest]));
}
