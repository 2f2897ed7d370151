/** States of caBundle whose text is the same in every cluster. */
import type { BundleCode } from '../messagecodes.ts';
import { bundleLimitBytes } from './publishedroots.ts';

interface BundleState {
  readonly code: BundleCode;
  /** One sentence for the log and `/status`. */
  readonly state: string;
}

export const bundleStates = {
  notRead: { code: 'ApiServiceNotRead', state: 'the APIService was not read yet' },
  none: { code: 'ApiServiceNotOurs', state: 'there is no such APIService' },
  otherService: { code: 'ApiServiceNotOurs', state: 'the APIService names another Service' },
  /** No fault: the image alone was replaced, and kube-apiserver does not verify us. */
  unreadable: {
    code: 'ApiServiceUnreadable',
    state:
      'caBundle is not maintained: our ServiceAccount may not read the APIService; apply manifests/base for verified TLS',
  },
  /** No fault where another adapter serves the group: the component of the group grants the right. */
  unreadableCustom: {
    code: 'ApiServiceUnreadable',
    state:
      'caBundle is not maintained: our ServiceAccount may not read the APIService; add manifests/components/custom-metrics to your kustomization',
  },
  unreadableExternal: {
    code: 'ApiServiceUnreadable',
    state:
      'caBundle is not maintained: our ServiceAccount may not read the APIService; add manifests/components/external-metrics to your kustomization',
  },
  sharedIdentity: {
    code: 'BundleNeedsKubeletAccount',
    state:
      'caBundle is not maintained: kubelets get the token of our own ServiceAccount; apply manifests/base for a separate one',
  },
  secondProcess: {
    code: 'SecondProcess',
    state:
      'caBundle is left to another process of this pod, which was there before; end this one, which kube-apiserver does not need',
  },
  denied: {
    code: 'BundlePatchDenied',
    state: 'caBundle is not maintained: kube-apiserver denies our patch of the APIService',
  },
  staging: { code: 'RootStaged', state: 'our root is being staged' },
  staged: { code: 'RootStaged', state: 'our root is staged' },
  notSelected: { code: 'PodNotSelected', state: 'our root is staged, but the Service does not select our pod' },
  /** A newer image with the manifests of an older version. */
  endpointsUnreadable: {
    code: 'EndpointsUnreadable',
    state:
      'verification waits: our ServiceAccount may not list the EndpointSlices of the Service; apply manifests/base for the right',
  },
  verifying: { code: 'RootPublished', state: 'every pod has staged a root: verification begins' },
  published: { code: 'RootPublished', state: 'the bundle holds our root' },
  noBundle: { code: 'RootNotPublished', state: 'the APIService has no bundle' },
  publishing: { code: 'RootNotPublished', state: 'our root is being added to the bundle' },
  tooLong: {
    code: 'BundleTooLong',
    state: `caBundle is not maintained: with our root it would be longer than ${bundleLimitBytes} bytes`,
  },
  lostRoot: { code: 'BundleLostRoot', state: 'the bundle lost our root; it is put back' },
  contested: {
    code: 'BundleContested',
    state: 'another writer undoes our changes of the APIService again and again; they are repeated ever more slowly',
  },
} as const satisfies Readonly<Record<string, BundleState>>;

/** Returns the state of an APIService that may not be read, with the manifests that grant the right: base, or the component of its group. */
export function unreadableState(apiService: string): BundleState {
  if (apiService.endsWith('.custom.metrics.k8s.io')) return bundleStates.unreadableCustom;
  if (apiService.endsWith('.external.metrics.k8s.io')) return bundleStates.unreadableExternal;
  return bundleStates.unreadable;
}
