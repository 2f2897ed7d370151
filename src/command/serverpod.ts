/** Finds the pod that this process runs in, its Service, and the names on its serving certificate. */
import type { ApiServer } from '../client/apiserver.ts';
import { podOf } from '../client/podclaims.ts';
import { systemSearchDomains } from '../dns/systemresolver.ts';
import type { Options } from '../options/flags.ts';
import { clusterDomain, podNames } from '../tls/podnames.ts';
import type { RootOwner } from '../tls/podroot.ts';
import type { ServiceName } from '../trustpublication/apiserviceview.ts';

export interface ServerPod {
  readonly owner: RootOwner;
  readonly service: ServiceName;
  /** Returns DNS names and IP addresses of now, the one that kube-apiserver verifies first. */
  readonly names: () => readonly string[];
}

/**
 * Returns undefined outside of a pod. A kubeconfig counts as outside: a server that was started by hand must never
 * write to a cluster, and its token names no pod of ours.
 */
export async function findServerPod(
  options: Pick<Options, 'kubeconfig' | 'service-name'>,
  apiServer: Pick<ApiServer, 'authorization'>,
  searchDomains: () => readonly string[] = systemSearchDomains,
): Promise<ServerPod | undefined> {
  if (options.kubeconfig !== undefined) return undefined;
  const owner = podOf((await apiServer.authorization()) ?? '');
  if (owner === undefined) return undefined;
  const { namespace } = owner;
  const name = options['service-name'];
  const domain = clusterDomain(searchDomains(), namespace);
  return {
    owner,
    service: { namespace, name },
    names: () => podNames({ service: name, namespace, domain }),
  };
}
