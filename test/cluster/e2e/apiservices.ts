/** The two APIServices of metrics.k8s.io: what they say about verification, and whose roots their bundles hold. */
import type { V1APIService } from '@kubernetes/client-node';
import { rootOwnerOf } from '../../../src/tls/podroot.ts';
import { stagedRootsAnnotation } from '../../../src/trustpublication/apiserviceview.ts';
import { rootsIn } from '../../../src/trustpublication/publishedroots.ts';
import type { Cluster } from '../cluster.ts';

export const apiServiceNames = ['v1.metrics.k8s.io', 'v1beta1.metrics.k8s.io'] as const;

export interface ApiServiceState {
  readonly available: boolean;
  readonly insecure: boolean;
  /** PEM; empty without one. */
  readonly bundle: string;
  /** Names of the pods whose roots are in the bundle, sorted. */
  readonly published: readonly string[];
  /** Names of the pods whose roots are staged, sorted. */
  readonly staged: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** Throws CommandFailed without the APIService. */
export async function apiServiceState(cluster: Cluster, name: string): Promise<ApiServiceState> {
  const text = await cluster.kubectl(['get', 'apiservice', name, '-o', 'json']);
  const { metadata, spec, status } = JSON.parse(text) as V1APIService;
  const annotations = metadata?.annotations ?? {};
  const bundle = Buffer.from(spec?.caBundle ?? '', 'base64').toString('latin1');
  return {
    available:
      status?.conditions?.some((condition) => condition.type === 'Available' && condition.status === 'True') ?? false,
    insecure: spec?.insecureSkipTLSVerify === true,
    bundle,
    published: podsIn(bundle),
    staged: podsIn(annotations[stagedRootsAnnotation] ?? ''),
    annotations,
  };
}

function podsIn(text: string): string[] {
  return rootsIn(text, rootOwnerOf)
    .map(({ owner }) => owner.pod)
    .sort();
}

/** Returns the roots of one pod in the bundle as PEM. */
export function rootsOf({ bundle }: ApiServiceState, pod: string): string[] {
  return rootsIn(bundle, rootOwnerOf)
    .filter(({ owner }) => owner.pod === pod)
    .map(({ certificate }) => certificate.toString());
}

/** Changes an APIService by a merge patch. */
export async function patchApiService(cluster: Cluster, name: string, patch: object): Promise<void> {
  await cluster.kubectl(['patch', 'apiservice', name, '--type=merge', '--patch', JSON.stringify(patch)]);
}
