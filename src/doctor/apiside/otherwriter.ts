/** Ends insecureSkipTLSVerify, and mends caBundle, where another writer than kubegauge owns it. */
import { keepOffAnnotation, otherWriterOf, readApiService } from '../../trustpublication/apiserviceview.ts';
import { flagIn } from '../flagwords.ts';
import { command, comment } from '../remedy.ts';
import type { RegisteredVersion } from './registration.ts';
import { type PodBehindService, servingContainer } from './servingpods.ts';

/**
 * Returns commands. kube-apiserver refuses a caBundle beside insecureSkipTLSVerify, so a writer that only adds the bundle
 * never gets in: one patch sets its CA and removes the field. Its annotation stays.
 */
export function verifyByOther(
  version: RegisteredVersion,
  annotation: string,
  pods: readonly PodBehindService[],
): string {
  const haveFiles = pods.every(
    ({ containers }) => flagIn(servingContainer(containers)?.words ?? [], 'tls-cert-file') !== undefined,
  );
  if (haveFiles || annotation === keepOffAnnotation) return setItsCa(version, annotation);
  const by =
    annotation === openshiftAnnotation
      ? "manifests/components/certificate-secret, with the Secret of the Service's annotation service.beta.openshift.io/serving-cert-secret-name"
      : 'manifests/components/cert-manager or certificate-secret';
  const why = `the pods show certificates of their own, which the writer of ${annotation} does not issue: give them files by ${by}`;
  return `${comment(why)}\n${show(version)}`;
}

/**
 * Returns the writer's own step for a caBundle that ends or cannot be read; undefined if no other writer owns it.
 * Without verification the writer would never get in again.
 */
export function mendByOther(version: RegisteredVersion): string | undefined {
  const other = otherWriterOf(readApiService(version.object));
  if (other === undefined) return undefined;
  const { annotation, writer } = other;
  const step =
    annotation === keepOffAnnotation
      ? "replace the certificate there, or let kubegauge's pods write it:"
      : 'if its CA ends, renew that first; this puts the CA that it has now into caBundle:';
  return `${comment(`${writer} writes caBundle, by the annotation ${annotation}: ${step}`)}\n${setItsCa(version, annotation)}`;
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

/** Its value is true: the operator has one CA, which each namespace has as a ConfigMap. */
const openshiftAnnotation = 'service.beta.openshift.io/inject-cabundle';

/** Returns the command that prints the CA in base64; undefined for a writer or a name that is not known. */
function readCa({ service }: RegisteredVersion, annotation: string, value: string): string | undefined {
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(value) ?? [];
  const get = (...words: readonly string[]) => command('kubectl', 'get', '--namespace', ...words);
  const ca = '--output=jsonpath={.data.ca\\.crt}';
  const ofConfigMap = (...words: readonly string[]) => `${get(...words)} | base64 | tr -d '\\n'`;
  if (annotation === 'cert-manager.io/inject-apiserver-ca')
    return ofConfigMap('kube-system', 'configmap', 'kube-root-ca.crt', ca);
  if (annotation === openshiftAnnotation) {
    const serviceCa = '--output=jsonpath={.data.service-ca\\.crt}';
    return service && ofConfigMap(service.namespace, 'configmap', 'openshift-service-ca.crt', serviceCa);
  }
  if (namespace === undefined || name === undefined) return undefined;
  if (annotation === 'cert-manager.io/inject-ca-from-secret') return get(namespace, 'secret', name, ca);
  if (annotation !== 'cert-manager.io/inject-ca-from') return undefined;
  const secret = get(namespace, 'certificates.cert-manager.io', name, '--output=jsonpath={.spec.secretName}');
  return `${get(namespace, 'secret')} "$(${secret})" ${command(ca)}`;
}
