/** Compares the certificates that pods show with what kube-apiserver accepts. */
import type { Look, LookTarget } from '../certificates.ts';
import type { CheckContext } from '../check.ts';
import { type Finding, uncheckedCode } from '../finding.ts';
import { command } from '../remedy.ts';
import { parseTrustBundle } from '../../tls/trustbundle.ts';
import type { UsedEndpoint } from '../../client/endpointslices.ts';
import { dateOf, subjectOf } from './expiry.ts';
import { mendVerification } from './otherwriter.ts';
import type { RegisteredVersion, ServiceAddress } from './registration.ts';
import { type PodBehindService, portOf, servingContainer } from './servingpods.ts';

/** Pods that are looked at. */
const lookedPods = 10;
/** Milliseconds: seven days before a certificate of a month and more expires. Short ones are renewed by the server itself. */
const leafWarningMs = 7 * 24 * 60 * 60_000;
const longLifeMs = 28 * 24 * 60 * 60_000;

/** A server behind the Service. */
interface Shown {
  /** Kind and name. */
  readonly object: string;
  /** Undefined for a server that is no pod of the Service. */
  readonly pod: PodBehindService | undefined;
  readonly address: string;
  readonly port: number;
}

/** @param beside endpoints of the Service that are none of its pods. */
export async function* checkShown(
  context: CheckContext,
  version: RegisteredVersion,
  service: ServiceAddress,
  pods: readonly PodBehindService[],
  beside: readonly UsedEndpoint[],
): AsyncIterable<Finding> {
  // As kube-apiserver's proxy: k8s.io/kube-aggregator/pkg/apiserver, handler_proxy.go.
  const servername = `${service.name}.${service.namespace}.svc`;
  const ca = trusted(version);
  if (ca === undefined) return;
  const ready = pods.filter(({ ready: isReady, deleting }) => isReady && !deleting).slice(0, lookedPods);
  const others = beside.slice(0, lookedPods).map(
    ({ address, port, slice }): Shown => ({
      object: `${address} port ${port} of EndpointSlice ${service.namespace}/${slice.name}`,
      pod: undefined,
      address,
      port,
    }),
  );
  for (const shown of [...ready.flatMap((pod) => shownBy(pod) ?? []), ...others]) {
    const { address, port } = shown;
    const look = await context.certificates.look({ address, port, servername, ...ca });
    yield* findings(context, version, shown, look);
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

function shownBy(pod: PodBehindService): Shown | undefined {
  const container = servingContainer(pod.containers);
  const [address] = pod.addresses;
  const port = container && portOf(container);
  return address === undefined || port === undefined || Number.isNaN(port)
    ? undefined
    : { object: `Pod ${pod.namespace}/${pod.name}`, pod, address, port };
}

function* findings(
  context: CheckContext,
  version: RegisteredVersion,
  { object, pod, address, port }: Shown,
  look: Look,
): Iterable<Finding> {
  if (look.kind === 'unreachable') {
    const problem = `its certificate cannot be looked at from here: ${look.reason}`;
    const exec = pod && ['kubectl', 'exec', '--namespace', pod.namespace, pod.name, '--', '/metrics-server', 'doctor'];
    const remedy = exec === undefined ? {} : { remedy: command(...exec, 'ca-bundle') };
    yield { code: uncheckedCode, severity: 'unchecked', object, problem, ...remedy };
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
    const remedy = mendVerification(version, pod === undefined ? [] : [pod]);
    yield { ...problem, severity: 'error', object, evidence: seen, remedy };
  } else if (!version.insecure && pod !== undefined) yield* expiry(context, pod, leaf, seen);
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
