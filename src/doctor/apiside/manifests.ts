/** Writes the commands that install kubegauge's manifests over what is there. */
import { command } from '../remedy.ts';
import { lastAppliedAnnotation } from './registration.ts';

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
