/** Writes the commands that install kubegauge's manifests over what is there. */
import { field, items, textMap } from '../../client/json.ts';
import type { ServiceAccount } from '../../client/tokenrequest.ts';
import type { ClusterReader } from '../clusterreader.ts';
import { command } from '../remedy.ts';
import { UncheckedError } from '../uncheckederror.ts';
import { lastAppliedAnnotation } from './registration.ts';
import type { PodBehindService } from './servingpods.ts';

/** The account of the server in `manifests/`, which grant it rights to write: no kubelet gets its token. */
export const manifestsAccount: ServiceAccount = { namespace: 'kube-system', name: 'kubegauge' };

/** The server that is there, as far as it decides how the manifests are applied. */
export interface PresentServer {
  /** APIServices with insecureSkipTLSVerify. */
  readonly unverified: readonly string[];
  /** Whether the manifests change its Deployment: see `fitsManifests`. */
  readonly isInPlace: boolean;
}

/**
 * Returns commands for a checkout of kubegauge, or the way to the document of the steps. Of APIServices that
 * kube-apiserver may not verify yet, the annotation goes first: otherwise apply removes insecureSkipTLSVerify before
 * there is a caBundle.
 */
export function applyManifests({ unverified, isInPlace }: PresentServer, why: string): string {
  if (!isInPlace) return stepsToManifests(why);
  const annotate = unverified.map((name) =>
    command('kubectl', 'annotate', 'apiservice', name, `${lastAppliedAnnotation}-`),
  );
  return [...annotate, applyKustomization(why)].join('\n');
}

/** Returns the command that applies the user's kustomization: the base alone has no image of a registry, and no flag. */
export function applyKustomization(why: string): string {
  return `kubectl apply -k my-cluster   # in a checkout of kubegauge: your image and flags over its manifests, as in docs/install.md, ${why}`;
}

/** The charts' Deployments and Services have other selectors: a merged one selects no pod. */
export function stepsToManifests(why: string): string {
  return [
    `# docs/migrate.md of kubegauge has the steps to its manifests, ${why}; they change only ${deploymentText}, and it only with the selector ${selectorText}`,
    'kubectl get deployments --all-namespaces --output=wide | grep metrics-server   # the last column is the selector',
  ].join('\n');
}

const [selectorKey, selectorValue] = ['k8s-app', 'metrics-server'] as const;
const selectorText = `${selectorKey}=${selectorValue} alone`;

/** The Deployment in `manifests/`. Beside one of another name or namespace, apply adds a second server. */
const ownDeployment = { namespace: 'kube-system', name: 'metrics-server' } as const;
const deploymentText = `Deployment ${ownDeployment.namespace}/${ownDeployment.name}`;

/** Reports whether labels are those by which the manifests select pods, and no others. */
export function isManifestsSelector(labels: ReadonlyMap<string, string>): boolean {
  return labels.size === 1 && labels.get(selectorKey) === selectorValue;
}

/**
 * Reports whether the Deployment of the pods is that of the manifests, by name and by selector, which is immutable. False
 * if that was not found out.
 */
export async function fitsManifests(api: ClusterReader, pods: readonly PodBehindService[]): Promise<boolean> {
  const pod = pods.find(({ deployment, deleting, ended }) => deployment !== undefined && !deleting && !ended);
  if (pod?.deployment !== ownDeployment.name || pod.namespace !== ownDeployment.namespace) return false;
  const path = `/apis/apps/v1/namespaces/${pod.namespace}/deployments/${pod.deployment}`;
  try {
    const selector = field(field(await api.get(path), 'spec'), 'selector');
    const isByLabels = items(field(selector, 'matchExpressions')).length === 0;
    return isByLabels && isManifestsSelector(textMap(field(selector, 'matchLabels')));
  } catch (error) {
    if (!(error instanceof UncheckedError)) throw error;
    // The server's own account may not read it. A selector has no label that its pods lack.
    const labels = [...pod.labels].filter(([key]) => key !== 'pod-template-hash');
    return isManifestsSelector(new Map(labels));
  }
}

/** Returns the command that applies files of a component of `manifests/`, in a checkout of kubegauge. */
export function applyFiles(component: string, files: readonly string[]): string {
  const paths = files.map((file) => `-f manifests/components/${component}/${file}`);
  return `kubectl apply ${paths.join(' ')}   # in a checkout of kubegauge; and add the component to your kustomization`;
}
