/** Checks which versions of metrics.k8s.io are registered, whether kube-apiserver finds them available, and who serves them. */
import { type Check, type CheckContext, tolerant } from '../check.ts';
import type { ClusterReader } from '../clusterreader.ts';
import type { Finding } from '../finding.ts';
import { command, mergePatch, withInput } from '../remedy.ts';
import { UncheckedError } from '../uncheckederror.ts';
import { mendVerification } from './otherwriter.ts';
import { bundleOwnerOf } from './bundleowner.ts';
import { applyKustomization } from './manifests.ts';
import {
  isSame,
  metricsGroup,
  type RegisteredVersion,
  registeredVersions,
  type ServiceAddress,
  serviceObject,
  servicesOf,
} from './registration.ts';
import { getService, kindOfImage, podsBehind, servingContainer } from './servingpods.ts';

export const apiServicesCheck: Check = {
  name: 'apiservices',
  title: 'the APIServices of metrics.k8s.io, and which pods serve them',
  codes: [
    'api-not-registered',
    'v1-not-registered',
    'api-unavailable',
    'api-rejects-kube-apiserver',
    'api-unreachable',
    'api-local',
    'versions-differ',
    'served-by',
  ],
  run,
};

async function* run({ api }: CheckContext): AsyncIterable<Finding> {
  const versions = await registeredVersions(api);
  const services = servicesOf(versions);
  const beta = versions.find(({ version }) => version === 'v1beta1');
  if (beta === undefined && services.length === 0 && !(await hasService(api))) yield notInstalled();
  else if (beta === undefined) yield notRegistered(services[0], versions[0]);
  for (const version of versions) {
    if (version.service === undefined) yield local(version);
    else if (version.available?.status !== 'True')
      yield rejecting(version) ?? unreachable(version) ?? unavailable(version);
  }
  if (new Set(services.map(serviceObject)).size > 1)
    yield versionsDiffer(versions, await kubegaugeAmong(api, services));
  for (const service of services) {
    yield* tolerant(async function* servers() {
      const pods = await podsBehind(api, service);
      const images = new Set(
        pods.filter(({ ready }) => ready).map(({ containers }) => servingContainer(containers)?.image ?? ''),
      );
      for (const image of images) {
        const kind = kindOfImage(image);
        const problem = `metrics are served by ${kind}: ${image}`;
        yield { code: 'served-by', severity: 'note', object: serviceObject(service), problem };
        if (kind === 'kubegauge' && beta !== undefined && versions.length === 1) yield v1Missing(service, beta);
      }
    });
  }
}

/** The Service in the manifests of kubegauge, and of metrics-server's release. */
const usualService: ServiceAddress = { namespace: 'kube-system', name: 'metrics-server', port: 443 };

/** True where the Service may not be read. */
async function hasService(api: ClusterReader): Promise<boolean> {
  try {
    return (await getService(api, usualService)) !== undefined;
  } catch (error) {
    if (!(error instanceof UncheckedError)) throw error;
    return true;
  }
}

/** An APIService without its Service would keep namespaces from being deleted. */
function notInstalled(): Finding {
  return {
    code: 'api-not-registered',
    severity: 'error',
    object: `APIService v1beta1.${metricsGroup}`,
    problem: `it is not registered, and there is no ${serviceObject(usualService)}: no metrics server is installed, or it has another name`,
    remedy: applyKustomization('which installs kubegauge'),
  };
}

function notRegistered(service = usualService, other: RegisteredVersion | undefined): Finding {
  return {
    code: 'api-not-registered',
    severity: 'error',
    object: `APIService v1beta1.${metricsGroup}`,
    problem: 'it is not registered: kubectl top and the HorizontalPodAutoscaler find no metrics',
    remedy: withInput('kubectl apply -f -', apiServiceText('v1beta1', service, 100, other)),
  };
}

function v1Missing(service: ServiceAddress, other: RegisteredVersion): Finding {
  return {
    code: 'v1-not-registered',
    severity: 'warning',
    object: `APIService v1.${metricsGroup}`,
    problem: 'it is not registered, although the server has this version; clients that know only v1 find no metrics',
    remedy: withInput('kubectl apply -f -', apiServiceText('v1', service, 200, other)),
  };
}

/**
 * A server that is not verified yet is registered as metrics-server's release does.
 * @param other another version of the same server: what another program than kubegauge has it verified by counts here, too.
 */
function apiServiceText(
  version: string,
  { namespace, name, port }: ServiceAddress,
  priority: number,
  other: RegisteredVersion | undefined,
): string {
  const owner = other === undefined || other.bundle === '' ? undefined : bundleOwnerOf(other);
  const { annotation } = owner ?? {};
  const annotations =
    annotation === undefined ? {} : { annotations: { [annotation]: other?.annotations.get(annotation) } };
  return JSON.stringify({
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: `${version}.${metricsGroup}`, labels: { 'k8s-app': 'metrics-server' }, ...annotations },
    spec: {
      group: metricsGroup,
      version,
      groupPriorityMinimum: 100,
      versionPriority: priority,
      ...(owner === undefined
        ? { insecureSkipTLSVerify: true }
        : { caBundle: Buffer.from(other?.bundle ?? '', 'latin1').toString('base64') }),
      service: { namespace, name, port },
    },
  });
}

function local({ name }: RegisteredVersion): Finding {
  return {
    code: 'api-local',
    severity: 'error',
    object: `APIService ${name}`,
    problem:
      'it names no Service: kube-apiserver looks for these resources in itself, for example as a CustomResourceDefinition',
    remedy: `${command('kubectl', 'delete', 'apiservice', name)}\n${command('kubectl', 'get', 'customresourcedefinitions', '--output=name')} | grep '\\.metrics\\.k8s\\.io$'`,
  };
}

function unavailable(registered: RegisteredVersion): Finding {
  const { name, version, available } = registered;
  const { reason = '', message = 'kube-apiserver has not judged it yet' } = available ?? {};
  const isTls = message.includes('x509:') || message.includes('tls:');
  return {
    code: 'api-unavailable',
    severity: 'error',
    object: `APIService ${name}`,
    problem: 'kube-apiserver answers 503 for it; other findings say why, where it can be seen',
    evidence: reason === '' ? message : `${reason}: ${message}`,
    remedy: isTls
      ? mendVerification(registered)
      : command('kubectl', 'get', '--raw', `/apis/${metricsGroup}/${version}`),
  };
}

/** The server does not believe kube-apiserver's front-proxy certificate, or cannot ask what the user may do. */
function rejecting({ name, service, available }: RegisteredVersion): Finding | undefined {
  const { reason = '', message = '' } = available ?? {};
  const [, status] = /bad status from .{1,300}: (40[13])\b/.exec(message.slice(0, readCharacters)) ?? [];
  if (status === undefined || service === undefined) return undefined;
  return {
    code: 'api-rejects-kube-apiserver',
    severity: 'error',
    object: `APIService ${name}`,
    problem: `the server answers kube-apiserver ${status}: it does not accept its front-proxy certificate, or may not create SubjectAccessReviews`,
    evidence: `${reason}: ${message}`,
    // metrics-server before 0.4 reads names and CAs at its start only.
    remedy: `kubegauge doctor front-proxy rights\n${command('kubectl', 'rollout', 'restart', 'deployment', '--namespace', service.namespace, '--selector=k8s-app=metrics-server')}`,
  };
}

/** Characters of kube-apiserver's message that are searched. */
const readCharacters = 1_000;

const connectionProblems = [
  'no route to host',
  'connection refused',
  'i/o timeout',
  'context deadline exceeded',
  'Client.Timeout',
  'network is unreachable',
  'connection reset',
];

/** Faults of the way that have a cause of their own, by words of kube-apiserver's message. */
const wayProblems: readonly { readonly words: string; readonly problem: string; readonly remedy: string }[] = [
  {
    words: 'No agent available',
    problem:
      'kube-apiserver reaches pods through a tunnel (konnectivity), to which no agent is connected: agents on nodes do not run, or do not reach the control plane',
    remedy: 'kubectl get pods --all-namespaces --output=wide | grep -i konnectivity-agent   # then their logs',
  },
  {
    words: 'proxy error from',
    problem:
      "kube-apiserver reaches pods through a tunnel of the distribution or an HTTP proxy, which does not reach the server: the agent on its node, or NO_PROXY of kube-apiserver, which needs the pods' and Services' networks",
    remedy: command('kubectl', 'get', 'nodes', '--output=wide'),
  },
  {
    words: 'TLS handshake timeout',
    problem:
      "kube-apiserver connects to the server, but the handshake's larger packets do not arrive: the MTU of the pods' network is larger than the way allows, or the server has no CPU",
    remedy: "ip link | grep -o 'mtu [0-9]*'   # on the machine of kube-apiserver and on the pod's node",
  },
];

function unreachable({ name, service, available }: RegisteredVersion): Finding | undefined {
  const { reason = '', message = '' } = available ?? {};
  if (service === undefined) return undefined;
  const known = wayProblems.find(({ words }) => message.includes(words));
  if (known !== undefined) {
    const { problem, remedy } = known;
    const evidence = `${reason}: ${message}`;
    return { code: 'api-unreachable', severity: 'error', object: `APIService ${name}`, problem, evidence, remedy };
  }
  if (!connectionProblems.some((problem) => message.includes(problem))) return undefined;
  const where = ['--namespace', service.namespace];
  return {
    code: 'api-unreachable',
    severity: 'error',
    object: `APIService ${name}`,
    problem:
      "kube-apiserver does not reach the server: its machine has no way into the pods' network (kube-proxy, CNI, firewall, security group), or a NetworkPolicy blocks it",
    evidence: `${reason}: ${message}`,
    remedy: [
      'kubegauge doctor service network-policies',
      command('kubectl', 'get', 'endpointslices,networkpolicies', ...where, '--output=wide'),
    ].join('\n'),
  };
}

/** Returns the first Service with a pod of kubegauge; `unknown` where pods may not be read. */
async function kubegaugeAmong(
  api: ClusterReader,
  services: readonly ServiceAddress[],
): Promise<ServiceAddress | 'none' | 'unknown'> {
  try {
    for (const service of services) {
      const pods = await podsBehind(api, service);
      if (
        pods.some(
          ({ containers, ended }) => !ended && kindOfImage(servingContainer(containers)?.image ?? '') === 'kubegauge',
        )
      )
        return service;
    }
    return 'none';
  } catch (error) {
    if (error instanceof UncheckedError) return 'unknown';
    throw error;
  }
}

/** Only kubegauge serves v1: every version is pointed at it, or v1 goes. */
function versionsDiffer(
  versions: readonly RegisteredVersion[],
  kubegauge: ServiceAddress | 'none' | 'unknown',
): Finding {
  const named = versions.map(
    ({ name, service }) => `${name} by ${service === undefined ? 'none' : serviceObject(service)}`,
  );
  const v1 = `v1.${metricsGroup}`;
  const remedy =
    kubegauge === 'none'
      ? command('kubectl', 'delete', 'apiservice', v1)
      : versions
          .filter(({ service }) => service !== undefined && kubegauge !== 'unknown' && !isSame(service, kubegauge))
          .map(({ name }) => mergePatch('apiservice', undefined, name, { spec: { service: kubegauge } }))
          .join('\n');
  return {
    code: 'versions-differ',
    severity: 'warning',
    object: `APIService ${v1}`,
    problem: 'the versions are served by different Services, so clients see different numbers',
    evidence: named.join(', '),
    ...(remedy === '' ? {} : { remedy }),
  };
}
