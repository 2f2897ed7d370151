/** Reads of an APIService what decides about its caBundle. */
import { conditionOf } from '../client/conditions.ts';
import { field, text, textMap } from '../client/json.ts';

export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

export interface ApiServiceView {
  /** Undefined for an API that kube-apiserver serves itself. */
  readonly service: ServiceName | undefined;
  readonly insecure: boolean;
  /** Base64 as in the object; undefined where kube-apiserver uses the system's roots. */
  readonly caBundle: string | undefined;
  /** Undefined where the object has none: then a patch has to add the member. */
  readonly annotations: ReadonlyMap<string, string> | undefined;
  /** Whether kube-apiserver's last check of the server succeeded. */
  readonly available: boolean;
}

/** Holds, while the APIService is insecure, the roots of the pods behind the Service: PEM, as in a caBundle. */
export const stagedRootsAnnotation = 'kubegauge.io/staged-roots';
/** Set by an operator, with any value: kubegauge neither writes nor repairs this APIService. */
export const keepOffAnnotation = 'kubegauge.io/keep-off-ca-bundle';

/** The name under which kube-apiserver records which fields kubegauge wrote. */
export const fieldManager = 'kubegauge';

/** Annotations by which another controller owns caBundle, and its name. */
const otherWriters: ReadonlyMap<string, string> = new Map([
  [keepOffAnnotation, 'an operator'],
  ['cert-manager.io/inject-ca-from', 'cert-manager'],
  ['cert-manager.io/inject-ca-from-secret', 'cert-manager'],
  ['cert-manager.io/inject-apiserver-ca', 'cert-manager'],
  ['service.beta.openshift.io/inject-cabundle', "OpenShift's service CA operator"],
]);

export const keepOffAnnotations: readonly string[] = [...otherWriters.keys()];

export function readApiService(object: unknown): ApiServiceView {
  const metadata = field(object, 'metadata');
  const spec = field(object, 'spec');
  const service = field(spec, 'service');
  const namespace = text(field(service, 'namespace'));
  const name = text(field(service, 'name'));
  const annotations = textMap(field(metadata, 'annotations'));
  return {
    service: namespace === undefined || name === undefined ? undefined : { namespace, name },
    insecure: field(spec, 'insecureSkipTLSVerify') === true,
    // Go omits an empty one.
    caBundle: text(field(spec, 'caBundle')) || undefined,
    annotations: annotations.size === 0 ? undefined : annotations,
    available: conditionOf(object, 'Available')?.status === 'True',
  };
}

/** Returns which annotation says that another writer owns caBundle, and the writer. */
export function otherWriterOf(view: ApiServiceView): { annotation: string; writer: string } | undefined {
  for (const [annotation, writer] of otherWriters) {
    if (view.annotations?.has(annotation) === true) return { annotation, writer };
  }
  return undefined;
}

/** Returns the bundle's bytes, one character each, so that bytes that are no text survive. */
export function bundleText(view: ApiServiceView): string {
  return Buffer.from(view.caBundle ?? '', 'base64').toString('latin1');
}

export function stagedText(view: ApiServiceView): string {
  return view.annotations?.get(stagedRootsAnnotation) ?? '';
}
