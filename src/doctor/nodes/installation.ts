/** Finds the Deployment of the server behind the APIServices. */
import { field, items, text, texts } from '../../client/json.ts';
import { registeredVersions, servicesOf } from '../apiside/registration.ts';
import { kindOfImage, type PodBehindService, podsBehind } from '../apiside/servingpods.ts';
import type { CheckContext } from '../check.ts';
import { findKubeletAccount } from '../kubeletaccount.ts';
import type { ServerInstallation } from './serverflags.ts';

export interface FoundServer {
  readonly pods: readonly PodBehindService[];
  /** Undefined if no Deployment makes the pods. */
  readonly installation: ServerInstallation | undefined;
}

/** Returns no pods for a Service without selector. @throws UncheckedError. */
export async function findServer(context: Pick<CheckContext, 'api' | 'place'>): Promise<FoundServer> {
  const { api } = context;
  const [service] = servicesOf(await registeredVersions(api));
  if (service === undefined) return { pods: [], installation: undefined };
  const pods = await podsBehind(api, service);
  const pod = pods.find(({ deployment, deleting }) => deployment !== undefined && !deleting);
  if (pod?.deployment === undefined) return { pods, installation: undefined };
  const path = `/apis/apps/v1/namespaces/${service.namespace}/deployments/${pod.deployment}`;
  // The server's own account may not read it. Its pods have the same arguments, except during a rollout.
  const found = await api.get(path).catch(() => undefined);
  const template = field(field(found, 'spec'), 'template') ?? pod.object;
  const installation = toInstallation(service.namespace, pod.deployment, field(template, 'spec'));
  if (installation === undefined) return { pods, installation };
  const { namespace, image, serviceAccount: name, command, args } = installation;
  const kubeletAccount = await findKubeletAccount(context, {
    isKubegauge: kindOfImage(image) === 'kubegauge',
    words: [...command, ...args],
    own: { namespace, name },
  }).catch(() => undefined);
  return { pods, installation: { ...installation, kubeletAccount } };
}

/** Reads the first container, which is the server in every release of metrics-server and of ours. */
function toInstallation(namespace: string, deployment: string, spec: unknown): ServerInstallation | undefined {
  const container = items(field(spec, 'containers'))[0];
  if (container === undefined) return undefined;
  const ports = items(field(container, 'ports')).map((port) => field(port, 'containerPort'));
  return {
    namespace,
    deployment,
    image: text(field(container, 'image')) ?? '',
    serviceAccount: text(field(spec, 'serviceAccountName')) ?? 'default',
    hostNetwork: field(spec, 'hostNetwork') === true,
    command: texts(field(container, 'command')),
    args: texts(field(container, 'args')),
    containerPorts: ports.filter((port) => typeof port === 'number'),
  };
}
