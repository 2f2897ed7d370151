/** Flags about the cluster. */
import type { FlagSection } from './flag.ts';

export const clusterFlags = {
  kubeconfig: {
    type: 'string',
    default: undefined,
    help: 'Kubeconfig for kube-apiserver; its credentials are also used for kubelets, unless --kubelet-service-account is set. Unset: the in-cluster configuration. Set it to run outside of the cluster.',
  },
} as const satisfies FlagSection;
