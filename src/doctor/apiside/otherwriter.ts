/** Ends insecureSkipTLSVerify where another writer than kubegauge owns caBundle. */
import { keepOffAnnotation } from '../../trustpublication/apiserviceview.ts';
import { flagIn } from '../flagwords.ts';
import { command, comment } from '../remedy.ts';
import type { RegisteredVersion } from './registration.ts';
import { type PodBehindService, servingContainer } from './servingpods.ts';

/**
 * Returns commands. kube-apiserver refuses a caBundle beside insecureSkipTLSVerify, so a writer that only adds the bundle
 * never gets in: one patch sets its CA and removes the field. Its annotation stays.
 */
export function verifyByOther(
  { name, annotations }: RegisteredVersion,
  annotation: string,
  pods: readonly PodBehindService[],
): string {
  if (annotation === keepOffAnnotation) return command('kubectl', 'annotate', 'apiservice', name, `${annotation}-`);
  const read = readCa(annotation, annotations.get(annotation) ?? '');
  const haveFiles = pods.every(
    ({ containers }) => flagIn(servingContainer(containers)?.words ?? [], 'tls-cert-file') !== undefined,
  );
  if (!haveFiles || read === undefined) {
    const why = `the pods show certificates that the writer of ${annotation} does not issue: give them files by manifests/components/cert-manager or certificate-secret`;
    return `${comment(why)}\n${command('kubectl', 'get', 'apiservice', name, '--output=yaml')}`;
  }
  const patch = `'{"spec":{"insecureSkipTLSVerify":null,"caBundle":"'"$ca"'"}}'`;
  return `ca=$(${read}) && test -n "$ca" && ${command('kubectl', 'patch', 'apiservice', name, '--type=merge', '-p')} ${patch}`;
}

/** Returns the command that prints the CA in base64; undefined for a writer or a name that is not known. */
function readCa(annotation: string, value: string): string | undefined {
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(value) ?? [];
  const get = (...words: readonly string[]) => command('kubectl', 'get', '--namespace', ...words);
  const ca = '--output=jsonpath={.data.ca\\.crt}';
  if (annotation === 'cert-manager.io/inject-apiserver-ca')
    return `${get('kube-system', 'configmap', 'kube-root-ca.crt', ca)} | base64 | tr -d '\\n'`;
  if (namespace === undefined || name === undefined) return undefined;
  if (annotation === 'cert-manager.io/inject-ca-from-secret') return get(namespace, 'secret', name, ca);
  if (annotation !== 'cert-manager.io/inject-ca-from') return undefined;
  const secret = get(namespace, 'certificates.cert-manager.io', name, '--output=jsonpath={.spec.secretName}');
  return `${get(namespace, 'secret')} "$(${secret})" ${command(ca)}`;
}
