/** Follows a Service to the pods behind it, and recognises what runs in them. */
import { conditionOf } from '../../client/conditions.ts';
import { field, items, text, textMap } from '../../client/json.ts';
import type { ClusterReader } from '../clusterreader.ts';
import { flagIn } from '../flagwords.ts';
import { hasEnded, makerOf } from '../pods/podfacts.ts';
import type { ServiceAddress } from './registration.ts';

export type ServerKind = 'kubegauge' | 'metrics-server' | 'another server';

export interface PodBehindService {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly account: string;
  /** The Deployment by its ReplicaSet's name; undefined for a pod of another owner. */
  readonly deployment: string | undefined;
  readonly addresses: readonly string[];
  readonly nodeName: string;
  readonly hostNetwork: boolean;
  readonly ready: boolean;
  readonly deleting: boolean;
  /** Succeeded or Failed. */
  readonly ended: boolean;
  readonly containers: readonly ServingContainer[];
  readonly created: string;
  readonly object: unknown;
}

export interface ServingContainer {
  readonly name: string;
  readonly image: string;
  /** Command and arguments. */
  readonly words: readonly string[];
  readonly ports: readonly { readonly name: string; readonly port: number }[];
}

/** Returns the Service; undefined if there is none. @throws UncheckedError. */
export function getService(
  api: ClusterReader,
  { namespace, name }: Pick<ServiceAddress, 'namespace' | 'name'>,
): Promise<unknown> {
  return api.get(`/api/v1/namespaces/${namespace}/services/${name}`);
}

/** Returns the Service's port that the APIService names; undefined if it has none. */
export function servicePort(service: unknown, { port }: ServiceAddress): unknown {
  return items(field(field(service, 'spec'), 'ports')).find((each) => field(each, 'port') === port);
}

/** Returns the pods behind a Service; none if there is no such Service. @throws UncheckedError. */
export async function podsBehind(api: ClusterReader, address: ServiceAddress): Promise<readonly PodBehindService[]> {
  return selectedPods(api, await getService(api, address));
}

/** Returns the pods that a Service selects, of all phases; none for a Service without selector. @throws UncheckedError. */
export async function selectedPods(api: ClusterReader, service: unknown): Promise<readonly PodBehindService[]> {
  const selector = textMap(field(field(service, 'spec'), 'selector'));
  if (selector.size === 0) return [];
  const namespace = text(field(field(service, 'metadata'), 'namespace')) ?? '';
  const labelSelector = [...selector].map(([key, value]) => `${key}=${value}`).join(',');
  const pods = await api.list(`/api/v1/namespaces/${namespace}/pods`, { query: { labelSelector } });
  return (pods ?? []).map(readPod);
}

export function readPod(object: unknown): PodBehindService {
  const metadata = field(object, 'metadata');
  const spec = field(object, 'spec');
  const status = field(object, 'status');
  const labels = textMap(field(metadata, 'labels'));
  const phase = text(field(status, 'phase')) ?? 'Unknown';
  return {
    namespace: text(field(metadata, 'namespace')) ?? '',
    name: text(field(metadata, 'name')) ?? '',
    uid: text(field(metadata, 'uid')) ?? '',
    labels,
    account: text(field(spec, 'serviceAccountName')) ?? 'default',
    deployment: deploymentOf(metadata, labels.get('pod-template-hash')),
    addresses: items(field(status, 'podIPs')).flatMap((each) => text(field(each, 'ip')) ?? []),
    nodeName: text(field(spec, 'nodeName')) ?? '',
    hostNetwork: field(spec, 'hostNetwork') === true,
    ready: conditionOf(object, 'Ready')?.status === 'True',
    deleting: field(metadata, 'deletionTimestamp') !== undefined,
    ended: hasEnded({ phase }),
    containers: items(field(spec, 'containers')).map(readContainer),
    created: text(field(metadata, 'creationTimestamp')) ?? '',
    object,
  };
}

/** Reads the pod template of a Deployment or ReplicaSet like a pod. */
export function readTemplate(owner: unknown): readonly ServingContainer[] {
  const spec = field(field(field(owner, 'spec'), 'template'), 'spec');
  return items(field(spec, 'containers')).map(readContainer);
}

export function labelsOfTemplate(deployment: unknown): ReadonlyMap<string, string> {
  return textMap(field(field(field(field(deployment, 'spec'), 'template'), 'metadata'), 'labels'));
}

/** Reports whether a Service selects the pods of a Deployment of its namespace; a Service without selector selects none. */
export function selects(service: unknown, deployment: unknown): boolean {
  const selector = textMap(field(field(service, 'spec'), 'selector'));
  const labels = labelsOfTemplate(deployment);
  return selector.size > 0 && [...selector].every(([key, value]) => labels.get(key) === value);
}

function readContainer(container: unknown): ServingContainer {
  const words = [field(container, 'command'), field(container, 'args')].flatMap(items);
  return {
    name: text(field(container, 'name')) ?? '',
    image: text(field(container, 'image')) ?? '',
    words: words.flatMap((word) => text(word) ?? []),
    ports: items(field(container, 'ports')).flatMap((each) => {
      const port = field(each, 'containerPort');
      return typeof port === 'number' ? [{ name: text(field(each, 'name')) ?? '', port }] : [];
    }),
  };
}

/** Returns the port on which a server listens: that of its flag, else the first that it declares; NaN without either. */
export function portOf({ words, ports }: ServingContainer): number {
  return Number(flagIn(words, 'secure-port') ?? ports[0]?.port ?? Number.NaN);
}

function deploymentOf(metadata: unknown, hash: string | undefined): string | undefined {
  const owner = items(field(metadata, 'ownerReferences')).find((each) => field(each, 'kind') === 'ReplicaSet');
  return makerOf(text(field(owner, 'name')) ?? '', hash);
}

/** Recognises a server by the repository part of its image. */
export function kindOfImage(image: string): ServerKind {
  const repository = image.replace(/@.*/, '').replace(/:[^/]*$/, '');
  const name = repository.slice(repository.lastIndexOf('/') + 1);
  if (name.includes('kubegauge')) return 'kubegauge';
  return metricsServerImage.test(name) ? 'metrics-server' : 'another server';
}

/**
 * Distributions put words before the name, and platforms behind it: `mirrored-metrics-server`, `metrics-server-amd64`.
 * Other programs do so, too: `custom-metrics-server`, `metrics-server-exporter`.
 */
const metricsServerImage =
  /^(?!.*\b(?:custom|external)-metrics-server)(?:.*[-_])?metrics-server(?:-(?:linux|amd64|arm|arm64|ppc64le|s390x|fips))*$/;

/** Reports whether a Deployment runs a metrics server. */
export function isMetricsServer(deployment: unknown): boolean {
  return readTemplate(deployment).some(({ image }) => kindOfImage(image) !== 'another server');
}

/** Returns the container that serves the API: the one that is known, or the first. */
export function servingContainer(containers: readonly ServingContainer[]): ServingContainer | undefined {
  return containers.find(({ image }) => kindOfImage(image) !== 'another server') ?? containers[0];
}
