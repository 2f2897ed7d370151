/** Finds the program that writes an APIService's caBundle in place of kubegauge: by an annotation, or as the field's manager. */
import { field, items, text } from '../../client/json.ts';
import { fieldManager, otherWriterOf, readApiService } from '../../trustpublication/apiserviceview.ts';
import { command } from '../remedy.ts';
import { helmRelease, type RegisteredVersion } from './registration.ts';

export type BundleOwner = AnnotatedOwner | ManagingOwner;

/** Has caBundle written by the annotation. */
interface AnnotatedOwner {
  /** Begins a sentence. */
  readonly writer: string;
  readonly annotation: string;
}

/** Owns the field, as kube-apiserver records it. */
export interface ManagingOwner {
  /** Begins a sentence. */
  readonly writer: string;
  readonly annotation: undefined;
  readonly manager: string;
  /** Says where it has caBundle from. */
  readonly place: string;
  /** A command that shows that. */
  readonly look: string;
}

/** Returns undefined where kubegauge may write caBundle: nothing writes it again. */
export function bundleOwnerOf(version: RegisteredVersion): BundleOwner | undefined {
  const other = otherWriterOf(readApiService(version.object));
  if (other !== undefined) return other;
  const manager = managerOf(version.object);
  return manager === undefined
    ? undefined
    : { place: 'there', ...managedBy(version, manager), annotation: undefined, manager };
}

/**
 * kubectl's commands that write once, by a person, and kube-apiserver's name for a writer that was not recorded.
 * `kubectl apply` writes again.
 */
const writesOnce = /^(?:kubectl-(?!client-side-apply$)|before-first-apply$)/;

/** Returns the manager of caBundle, as kube-apiserver records it, other than kubegauge and a person. */
function managerOf(object: unknown): string | undefined {
  for (const entry of items(field(field(object, 'metadata'), 'managedFields'))) {
    if (field(field(field(entry, 'fieldsV1'), 'f:spec'), 'f:caBundle') === undefined) continue;
    const manager = text(field(entry, 'manager')) ?? '';
    const isOnce = field(entry, 'operation') !== 'Apply' && writesOnce.test(manager);
    if (manager !== fieldManager && !isOnce) return manager;
  }
  return undefined;
}

/** Labels of Flux' objects, without `/name` and `/namespace`. */
const fluxKinds = [
  { prefix: 'kustomize.toolkit.fluxcd.io', kind: 'Kustomization', resource: 'kustomizations' },
  { prefix: 'helm.toolkit.fluxcd.io', kind: 'HelmRelease', resource: 'helmreleases' },
] as const;
const argoTracking = 'argocd.argoproj.io/tracking-id';

/** Programs of GitOps leave their own marks, also beside those of Helm. */
function managedBy(
  { name, annotations, labels }: RegisteredVersion,
  manager: string,
): Pick<ManagingOwner, 'writer' | 'look'> & Partial<Pick<ManagingOwner, 'place'>> {
  for (const { prefix, kind, resource } of fluxKinds) {
    const object = labels.get(`${prefix}/name`);
    const namespace = labels.get(`${prefix}/namespace`);
    if (object === undefined || namespace === undefined) continue;
    return {
      writer: `Flux' ${kind} ${namespace}/${object}`,
      look: command('kubectl', 'get', '--namespace', namespace, `${resource}.${prefix}`, object, '--output=yaml'),
    };
  }
  const [application] = annotations.get(argoTracking)?.split(':') ?? [];
  if (application !== undefined || manager.startsWith('argocd')) {
    return {
      writer: application === undefined ? 'Argo CD' : `Argo CD's application ${application}`,
      look: command('kubectl', 'get', 'applications.argoproj.io', '--all-namespaces'),
    };
  }
  const release = annotations.get(helmRelease);
  if (release !== undefined) {
    const namespace = annotations.get('meta.helm.sh/release-namespace') ?? 'default';
    return {
      writer: `the Helm release ${namespace}/${release}`,
      place: 'by its values apiService.caBundle and tls',
      look: command('helm', 'get', 'values', '--namespace', namespace, release, '--all'),
    };
  }
  const isApply = manager === 'kubectl' || manager === 'kubectl-client-side-apply';
  return {
    writer: isApply ? 'kubectl apply' : `the field manager ${manager}`,
    look: command('kubectl', 'get', 'apiservice', name, '--output=yaml', '--show-managed-fields'),
  };
}
