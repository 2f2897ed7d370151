/** Finds the Deployment of the server behind the APIServices. */
import { field, items, text, texts } from '../../client/json.ts';
import { fitsManifests, manifestsAccount } from '../apiside/manifests.ts';
import { registeredVersions, type ServiceAddress, servicesOf } from '../apiside/registration.ts';
import { kindOfImage, type PodBehindService, podsBehind, servingContainer } from '../apiside/servingpods.ts';
import { type ExposedAccounts, shownAccounts } from '../apiside/shownaccounts.ts';
import type { ServiceAccount } from '../../client/tokenrequest.ts';
import { type CheckContext, readable } from '../check.ts';
import { findKubeletAccount } from '../kubeletaccount.ts';
import { UncheckedError } from '../uncheckederror.ts';
import { accountForKubelets, flagValue, type ServerInstallation } from './serverflags.ts';

export interface FoundServer {
  /** Undefined if no APIService names one. */
  readonly service: ServiceAddress | undefined;
  readonly pods: readonly PodBehindService[];
  /** Undefined if no Deployment makes the pods. */
  readonly installation: ServerInstallation | undefined;
  /** By the flags of the Deployment and of the pods, which differ during a rollout. */
  readonly exposed: ExposedAccounts;
}

/** Where the server cannot be looked at. Its account may be shown to kubelets, so no right to write is granted. */
export const unknownServer: FoundServer = {
  service: undefined,
  pods: [],
  installation: undefined,
  exposed: { shown: [manifestsAccount], present: { unverified: [], isInPlace: false } },
};

/**
 * Returns ours where versions have several Services. It has no pods behind a Service without selector.
 * @throws UncheckedError if none of the Services can be looked at.
 */
export async function findServer(context: Pick<CheckContext, 'api' | 'place'>): Promise<FoundServer> {
  const { api } = context;
  const versions = await registeredVersions(api);
  const unverified = versions.filter(({ insecure }) => insecure).map(({ name }) => name);
  const servers: Omit<FoundServer, 'exposed'>[] = [];
  const unread: UncheckedError[] = [];
  for (const service of servicesOf(versions)) {
    try {
      const pods = await podsBehind(api, service);
      servers.push({ service, pods, installation: await installationOf(context, service.namespace, pods) });
    } catch (error) {
      if (!(error instanceof UncheckedError)) throw error;
      unread.push(error);
    }
  }
  if (unread[0] !== undefined && servers.length === 0) throw unread[0];
  const { service, pods, installation } = servers.find(isOurs) ?? servers[0] ?? unknownServer;
  const shown: ServiceAccount[] = unread.length > 0 ? [...unknownServer.exposed.shown] : [];
  for (const each of servers) {
    shown.push(...(await shownAccounts(context, each.pods)));
    if (each.installation !== undefined && flagValue(each.installation, 'kubelet-connection') !== 'proxy')
      shown.push(accountForKubelets(each.installation));
  }
  const present = { unverified, isInPlace: await fitsManifests(api, pods) };
  return { service, pods, installation, exposed: { shown, present } };
}

/** Prefers ours among several servers: its flags and rights are what checks explain. */
function isOurs({ installation, pods }: Pick<FoundServer, 'installation' | 'pods'>): boolean {
  const images = [
    installation?.image ?? '',
    ...pods.map(({ containers }) => servingContainer(containers)?.image ?? ''),
  ];
  return images.some((image) => kindOfImage(image) === 'kubegauge');
}

/** Returns undefined if no Deployment makes the pods. */
async function installationOf(
  context: Pick<CheckContext, 'api' | 'place'>,
  namespace: string,
  pods: readonly PodBehindService[],
): Promise<ServerInstallation | undefined> {
  const pod = pods.find(({ deployment, deleting }) => deployment !== undefined && !deleting);
  if (pod?.deployment === undefined) return undefined;
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${pod.deployment}`;
  // The server's own account may not read it. Its pods have the same arguments, except during a rollout.
  const found = await readable(context.api.get(path), undefined);
  const template = field(field(found, 'spec'), 'template') ?? pod.object;
  const installation = toInstallation(namespace, pod.deployment, field(template, 'spec'));
  if (installation === undefined) return undefined;
  const { image, serviceAccount: name, command, args } = installation;
  const account = findKubeletAccount(context, {
    isKubegauge: kindOfImage(image) === 'kubegauge',
    words: [...command, ...args],
    own: { namespace, name },
  });
  const kubeletAccount = await readable(account, undefined);
  return { ...installation, kubeletAccount };
}

/** Reads the first container, which is the server in every release of metrics-server and of ours. */
function toInstallation(namespace: string, deployment: string, spec: unknown): ServerInstallation | undefined {
  const container = items(field(spec, 'containers'))[0];
  if (container === undefined) return undefined;
  const ports = items(field(container, 'ports')).map((port) => field(port, 'containerPort'));
  const nodeAffinity = field(field(spec, 'affinity'), 'nodeAffinity');
  const required = field(nodeAffinity, 'requiredDuringSchedulingIgnoredDuringExecution');
  return {
    namespace,
    deployment,
    image: text(field(container, 'image')) ?? '',
    serviceAccount: text(field(spec, 'serviceAccountName')) ?? 'default',
    hostNetwork: field(spec, 'hostNetwork') === true,
    command: texts(field(container, 'command')),
    args: texts(field(container, 'args')),
    containerPorts: ports.filter((port) => typeof port === 'number'),
    nodeTerms: items(field(required, 'nodeSelectorTerms')),
  };
}
