/** Returns the names on a pod's serving certificate. */
import { networkInterfaces } from 'node:os';
import { type ServiceNames, serviceNames } from './leaf.ts';

type Interfaces = ReturnType<typeof networkInterfaces>;

/** A pod has one address of each family; with hostNetwork, a node can have one per bridge. */
const addressLimit = 32;

/** For `kubectl port-forward` and containers of the same pod. */
const localNames = ['localhost', '127.0.0.1', '::1'];

/** Returns the Service's names, the one that kube-apiserver verifies first, then localhost and the pod's addresses now. */
export function podNames(service: ServiceNames, interfaces: Interfaces = networkInterfaces()): readonly string[] {
  return [...serviceNames(service), ...localNames, ...podAddresses(interfaces)];
}

/** Leaves out addresses of one link, which are no use to others without their zone. */
function podAddresses(interfaces: Interfaces): readonly string[] {
  return Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !linkLocal.test(address))
    .map(({ address }) => address)
    .slice(0, addressLimit);
}

/** 169.254.0.0/16 and fe80::/10. */
const linkLocal = /^(?:169\.254\.|fe[89ab])/i;

/** Used where the pod's resolv.conf names no cluster domain: with hostNetwork and the node's DNS. */
export const usualDomain = 'cluster.local';

/**
 * Returns the cluster's domain by the search domains of the pod's resolv.conf, which kubelets begin with
 * `<ns>.svc.<domain>` (pkg/kubelet/network/dns, generateSearchesForDNSClusterFirst).
 */
export function clusterDomain(search: readonly string[], namespace: string): string {
  const prefix = `${namespace}.svc.`;
  const found = search.find((domain) => domain.startsWith(prefix) && search.includes(domain.slice(prefix.length)));
  return found?.slice(prefix.length) ?? usualDomain;
}
