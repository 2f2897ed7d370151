/** Writes the commands that install kubegauge's manifests over what is there. */
import type { ServiceAccount } from '../../client/tokenrequest.ts';
import { command } from '../remedy.ts';
import { lastAppliedAnnotation } from './registration.ts';

/** The account of the server in `manifests/`, which grant it rights to write: no kubelet gets its token. */
export const manifestsAccount: ServiceAccount = { namespace: 'kube-system', name: 'kubegauge' };

/**
 * Returns commands for a checkout of kubegauge.
 * @param apiServices those that kube-apiserver may not verify yet. Their annotation goes first: otherwise apply removes
 * insecureSkipTLSVerify before there is a caBundle.
 */
export function applyManifests(apiServices: readonly string[], why: string): string {
  const annotate = apiServices.map((name) =>
    command('kubectl', 'annotate', 'apiservice', name, `${lastAppliedAnnotation}-`),
  );
  return [...annotate, `kubectl apply -k manifests/base   # in a checkout of kubegauge, ${why}`].join('\n');
}

/** Returns the command that applies files of a component of `manifests/`, in a checkout of kubegauge. */
export function applyFiles(component: string, files: readonly string[]): string {
  const paths = files.map((file) => `-f manifests/components/${component}/${file}`);
  return `kubectl apply ${paths.join(' ')}   # in a checkout of kubegauge; and add the component to your kustomization`;
}
