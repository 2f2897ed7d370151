/** Mends verification by kube-apiserver: at the owner of caBundle where that is not kubegauge, else by beginning anew. */
import { keepOffAnnotation, stagedRootsAnnotation } from '../../trustpublication/apiserviceview.ts';
import { flagIn } from '../flagwords.ts';
import { command, comment, mergePatch } from '../remedy.ts';
import { type BundleOwner, bundleOwnerOf } from './bundleowner.ts';
import type { RegisteredVersion } from './registration.ts';
import { type PodBehindService, servingContainer } from './servingpods.ts';

/**
 * Returns commands that end a failure of verification. Where another program owns caBundle they are its own, as it would
 * never get in again without verification. Otherwise verification ends at once, and kubegauge's pods stage roots and
 * verify again.
 * @param pods those with the failure, where they are known.
 */
export function mendVerification(version: RegisteredVersion, pods: readonly PodBehindService[] = []): string {
  const owner = bundleOwnerOf(version);
  if (owner !== undefined) return mendByOwner(version, owner, pods);
  return mergePatch('apiservice', undefined, version.name, {
    // Staged roots of pods that are gone would fill the next bundle.
    metadata: { annotations: { [stagedRootsAnnotation]: null } },
    spec: { caBundle: null, insecureSkipTLSVerify: true },
  });
}

function mendByOwner(version: RegisteredVersion, owner: BundleOwner, pods: readonly PodBehindService[]): string {
  const { writer, annotation } = owner;
  if (annotation === undefined) {
    const { manager, place, look } = owner;
    const step = `put the CA of the server's certificate into it ${place}, and renew that certificate if it ends; or leave caBundle out there, where kubegauge's pods show their own certificates`;
    return `${comment(`${writer} writes caBundle (field manager ${manager}): ${step}`)}\n${look}`;
  }
  if (annotation !== keepOffAnnotation && !haveFiles(pods)) return giveFiles(version, annotation);
  const step =
    annotation === keepOffAnnotation
      ? "put the CA of the server's certificate there, or let kubegauge's pods write it (for metrics-server's own certificate, docs/upgrade-and-go-back.md):"
      : 'if its CA or the certificate ends or has other names, mend that first; this puts the CA that it has now into caBundle:';
  const by = comment(`${writer} writes caBundle, by the annotation ${annotation}: ${step}`);
  const other =
    annotation === keepOffAnnotation || pods.length > 0
      ? []
      : [comment(`where pods have no --tls-cert-file, ${noFiles(annotation)}`)];
  return [by, setItsCa(version, annotation), ...lookAt(version, annotation), ...other].join('\n');
}

/** Returns commands that show where the owner's CA comes from, and start again what has not written it. */
function lookAt({ annotations }: RegisteredVersion, annotation: string): readonly string[] {
  if (annotation === keepOffAnnotation) return [];
  if (annotation === openshiftAnnotation) return [command('kubectl', 'get', 'clusteroperators', 'service-ca')];
  const named = namedObject(annotations.get(annotation) ?? '');
  const resource = annotation === certificateAnnotation ? 'certificates.cert-manager.io' : 'secrets';
  return [
    ...(named === undefined
      ? []
      : [command('kubectl', 'describe', '--namespace', named.namespace, resource, named.name)]),
    command('kubectl', 'rollout', 'restart', '--namespace', 'cert-manager', 'deployment/cert-manager-cainjector'),
  ];
}

/**
 * Returns commands. kube-apiserver refuses a caBundle beside insecureSkipTLSVerify, so a writer that only adds the bundle
 * never gets in: one patch sets its CA and removes the field. Its annotation stays.
 */
export function verifyByOther(
  version: RegisteredVersion,
  annotation: string,
  pods: readonly PodBehindService[],
): string {
  if (haveFiles(pods) || annotation === keepOffAnnotation) return setItsCa(version, annotation);
  return giveFiles(version, annotation);
}

function haveFiles(pods: readonly PodBehindService[]): boolean {
  return pods.every(
    ({ containers }) => flagIn(servingContainer(containers)?.words ?? [], 'tls-cert-file') !== undefined,
  );
}

function noFiles(annotation: string): string {
  const by =
    annotation === openshiftAnnotation
      ? "manifests/components/certificate-secret, with the Secret of the Service's annotation service.beta.openshift.io/serving-cert-secret-name"
      : 'manifests/components/cert-manager or certificate-secret';
  return `the pods show certificates of their own, which the writer of ${annotation} does not issue; give them files by ${by}`;
}

function giveFiles(version: RegisteredVersion, annotation: string): string {
  return `${comment(noFiles(annotation))}\n${show(version)}`;
}

function setItsCa(version: RegisteredVersion, annotation: string): string {
  const { name, annotations } = version;
  if (annotation === keepOffAnnotation) return command('kubectl', 'annotate', 'apiservice', name, `${annotation}-`);
  const value = annotations.get(annotation) ?? '';
  const read = readCa(version, annotation, value);
  if (read === undefined) return `${comment(`${annotation} names no CA: ${value}`)}\n${show(version)}`;
  const patch = `'{"spec":{"insecureSkipTLSVerify":null,"caBundle":"'"$ca"'"}}'`;
  return `ca=$(${read}) && test -n "$ca" && ${command('kubectl', 'patch', 'apiservice', name, '--type=merge', '-p')} ${patch}`;
}

function show({ name }: RegisteredVersion): string {
  return command('kubectl', 'get', 'apiservice', name, '--output=yaml');
}

/** Its value names a Certificate. */
const certificateAnnotation = 'cert-manager.io/inject-ca-from';
/** Its value is true: the operator has one CA, which each namespace has as a ConfigMap. */
const openshiftAnnotation = 'service.beta.openshift.io/inject-cabundle';

/** Reads the value of cert-manager's annotations; undefined if it is not `<namespace>/<name>`. */
function namedObject(value: string): { readonly namespace: string; readonly name: string } | undefined {
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(value) ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

/** Returns the command that prints the CA in base64; undefined for a writer or a name that is not known. */
function readCa({ service }: RegisteredVersion, annotation: string, value: string): string | undefined {
  const named = namedObject(value);
  const get = (...words: readonly string[]) => command('kubectl', 'get', '--namespace', ...words);
  const ca = '--output=jsonpath={.data.ca\\.crt}';
  const ofConfigMap = (...words: readonly string[]) => `${get(...words)} | base64 | tr -d '\\n'`;
  if (annotation === 'cert-manager.io/inject-apiserver-ca')
    return ofConfigMap('kube-system', 'configmap', 'kube-root-ca.crt', ca);
  if (annotation === openshiftAnnotation) {
    const serviceCa = '--output=jsonpath={.data.service-ca\\.crt}';
    return service && ofConfigMap(service.namespace, 'configmap', 'openshift-service-ca.crt', serviceCa);
  }
  if (named === undefined) return undefined;
  const { namespace, name } = named;
  if (annotation === 'cert-manager.io/inject-ca-from-secret') return get(namespace, 'secret', name, ca);
  if (annotation !== certificateAnnotation) return undefined;
  const secret = get(namespace, 'certificates.cert-manager.io', name, '--output=jsonpath={.spec.secretName}');
  return `${get(namespace, 'secret')} "$(${secret})" ${command(ca)}`;
}
