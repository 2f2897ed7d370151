/** Compares the certificates that pods show with what kube-apiserver accepts. */
import type { Look, LookTarget } from '../certificates.ts';
import type { CheckContext } from '../check.ts';
import { type Finding, uncheckedCode } from '../finding.ts';
import { command } from '../remedy.ts';
import { parseTrustBundle } from '../../tls/trustbundle.ts';
import { withoutVerification } from './bundlecertificates.ts';
import { dateOf, subjectOf } from './expiry.ts';
import type { RegisteredVersion, ServiceAddress } from './registration.ts';
import { type PodBehindService, portOf, servingContainer } from './servingpods.ts';

/** Pods that are looked at. */
const lookedPods = 10;
/** Milliseconds: seven days before a certificate of a month and more expires. Short ones are renewed by the server itself. */
const leafWarningMs = 7 * 24 * 60 * 60_000;
const longLifeMs = 28 * 24 * 60 * 60_000;

export async function* checkShown(
  context: CheckContext,
  version: RegisteredVersion,
  service: ServiceAddress,
  pods: readonly PodBehindService[],
): AsyncIterable<Finding> {
  // As kube-apiserver's proxy: k8s.io/kube-aggregator/pkg/apiserver, handler_proxy.go.
  const servername = `${service.name}.${service.namespace}.svc`;
  const ca = trusted(version);
  if (ca === undefined) return;
  for (const pod of pods.filter(({ ready, deleting }) => ready && !deleting).slice(0, lookedPods)) {
    const target = targetOf(pod);
    if (target === undefined) continue;
    const look = await context.certificates.look({ ...target, servername, ...ca });
    yield* findings(context, version, pod, target, look);
  }
}

/** Returns what kube-apiserver trusts, without damaged blocks, as Go; undefined for a bundle that cannot be read. */
function trusted({ bundle }: RegisteredVersion): Pick<LookTarget, 'ca'> | undefined {
  if (bundle === '') return {};
  try {
    return { ca: parseTrustBundle(bundle, 'caBundle').pem };
  } catch {
    // Another finding says so.
    return undefined;
  }
}

function targetOf(pod: PodBehindService): Pick<LookTarget, 'address' | 'port'> | undefined {
  const container = servingContainer(pod.containers);
  const [address] = pod.addresses;
  const port = container && portOf(container);
  return address === undefined || port === undefined || Number.isNaN(port) ? undefined : { address, port };
}

function* findings(
  context: CheckContext,
  version: RegisteredVersion,
  pod: PodBehindService,
  { address, port }: Pick<LookTarget, 'address' | 'port'>,
  look: Look,
): Iterable<Finding> {
  const object = `Pod ${pod.namespace}/${pod.name}`;
  if (look.kind === 'unreachable') {
    const exec = ['kubectl', 'exec', '--namespace', pod.namespace, pod.name, '--', '/metrics-server', 'doctor'];
    const problem = `its certificate cannot be looked at from here: ${look.reason}`;
    yield { code: uncheckedCode, severity: 'unchecked', object, problem, remedy: command(...exec, 'ca-bundle') };
    return;
  }
  const [leaf] = look.chain;
  if (leaf === undefined) return;
  const seen = `at ${address} port ${port}: ${subjectOf(leaf)}; names ${leaf.subjectAltName ?? 'none'}; until ${dateOf(leaf)}`;
  const problem = version.insecure ? undefined : problemOf(context, version, look);
  if (problem === 'elsewhere') {
    const doubt =
      'the server at its address shows another certificate, but kube-apiserver finds the APIService available: this machine may reach another server there';
    yield { code: uncheckedCode, severity: 'unchecked', object, problem: doubt, evidence: seen };
  } else if (problem !== undefined) {
    yield { ...problem, severity: 'error', object, evidence: seen, remedy: withoutVerification(version.name) };
  } else if (!version.insecure) yield* expiry(context, pod, leaf, seen);
}

function problemOf(
  { nowMs, place }: CheckContext,
  version: RegisteredVersion,
  { chain, chainProblem, nameProblem }: Look & { readonly kind: 'shown' },
): Pick<Finding, 'code' | 'problem'> | 'elsewhere' | undefined {
  if (chainProblem === undefined && nameProblem === undefined) return undefined;
  const isAvailable = version.available?.status === 'True';
  // The roots of kube-apiserver's machine are not known here.
  if (version.bundle === '' && nameProblem === undefined && isAvailable) return undefined;
  // An address of a pod may belong to another machine in an operator's network.
  if (place === 'outside' && isAvailable) return 'elsewhere';
  const [leaf] = chain;
  if (leaf !== undefined && leaf.validToDate.getTime() <= nowMs()) {
    return { code: 'certificate-expired', problem: 'the serving certificate has expired; kube-apiserver refuses it' };
  }
  if (chainProblem !== undefined) {
    const by = version.bundle === '' ? "the system's roots, as there is no caBundle" : 'caBundle';
    return {
      code: 'bundle-mismatch',
      problem: `${by} of ${version.name} does not verify its certificate: ${chainProblem}`,
    };
  }
  return { code: 'certificate-name', problem: `its certificate is for other names: ${nameProblem ?? ''}` };
}

function* expiry(
  { nowMs }: CheckContext,
  { namespace, name, deployment }: PodBehindService,
  { validFromDate, validToDate }: { readonly validFromDate: Date; readonly validToDate: Date },
  evidence: string,
): Iterable<Finding> {
  const leftMs = validToDate.getTime() - nowMs();
  const lifeMs = validToDate.getTime() - validFromDate.getTime();
  if (leftMs > leafWarningMs || lifeMs < longLifeMs) return;
  yield {
    code: 'certificate-expires',
    severity: 'warning',
    object: `Pod ${namespace}/${name}`,
    problem: `its serving certificate expires in ${Math.max(0, Math.floor(leftMs / 3_600_000))} hours, and was not renewed`,
    evidence,
    remedy: command('kubectl', 'rollout', 'restart', '--namespace', namespace, `deployment/${deployment ?? name}`),
  };
}
