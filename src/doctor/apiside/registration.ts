/** Reads the APIServices of metrics.k8s.io, as far as checks need them. */
import { type StatusCondition, conditionOf } from '../../client/conditions.ts';
import { field, text, textMap } from '../../client/json.ts';
import { apiServiceNames } from '../../api/apiservices.ts';
import { group } from '../../api/types.ts';
import type { CheckContext } from '../check.ts';
import type { ClusterReader } from '../clusterreader.ts';
import type { Finding } from '../finding.ts';
import { UncheckedError } from '../uncheckederror.ts';

export const metricsGroup = group;
/** The HPA controller of Kubernetes 1.37 and older clients use v1beta1; kubectl 1.37 prefers v1. */
const metricsVersions = ['v1beta1', 'v1'] as const;

const metricsNames: readonly string[] = metricsVersions.map((version) => `${version}.${metricsGroup}`);
/** The APIServices of custom and external metrics. */
export const valueApiNames: readonly string[] = apiServiceNames.filter((name) => !metricsNames.includes(name));

export interface ServiceAddress {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** One APIService. */
export interface RegisteredVersion {
  /** Such as `v1beta1.metrics.k8s.io`. */
  readonly name: string;
  readonly group: string;
  readonly version: string;
  /** Undefined if kube-apiserver serves it itself. */
  readonly service: ServiceAddress | undefined;
  readonly insecure: boolean;
  /** PEM, one character a byte; empty means the system's roots. */
  readonly bundle: string;
  readonly annotations: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
  /** Undefined before kube-apiserver has judged it. */
  readonly available: StatusCondition | undefined;
  /** As kube-apiserver returned it. */
  readonly object: unknown;
}

/** Holds what kubectl apply wrote last: it removes fields that the next manifest lacks. */
export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** Names the Helm release that an object is of. */
export const helmRelease = 'meta.helm.sh/release-name';

const apiServicesPath = '/apis/apiregistration.k8s.io/v1/apiservices';

/** The port of an APIService that names none. */
const defaultPort = 443;

/** Returns the versions that are registered, v1beta1 first. @throws UncheckedError. */
export async function registeredVersions(api: ClusterReader): Promise<readonly RegisteredVersion[]> {
  // By name: in a pod our rights end there.
  return registeredApis(api, metricsNames);
}

/** Returns the APIServices that exist, in the order of the names. @throws UncheckedError. */
async function registeredApis(api: ClusterReader, names: readonly string[]): Promise<readonly RegisteredVersion[]> {
  const objects = await Promise.all(names.map((name) => api.get(`${apiServicesPath}/${name}`)));
  return objects.filter((object) => object !== undefined).map(readVersion);
}

/**
 * Returns the APIServices of custom or external metrics that exist; undefined where they may not be read. In a pod without
 * their component, the server has no right to, and needs none.
 * @param isExpected whether a flag gives the server a source of them, or discovery has them.
 */
export async function* readValueApis(
  { api, place }: Pick<CheckContext, 'api' | 'place'>,
  names: readonly string[],
  isExpected: boolean,
): AsyncGenerator<Finding, readonly RegisteredVersion[] | undefined> {
  try {
    return await registeredApis(api, names);
  } catch (error) {
    if (!(error instanceof UncheckedError)) throw error;
    if (place === 'outside' || isExpected) yield error.toFinding();
    return undefined;
  }
}

/** Returns all APIServices that another server serves. @throws UncheckedError. */
export async function aggregatedApis(api: ClusterReader): Promise<readonly RegisteredVersion[]> {
  const objects = (await api.list(apiServicesPath)) ?? [];
  return objects.map(readVersion).filter(({ service }) => service !== undefined);
}

function readVersion(object: unknown): RegisteredVersion {
  const metadata = field(object, 'metadata');
  const spec = field(object, 'spec');
  const service = field(spec, 'service');
  const port = field(service, 'port');
  const name = text(field(service, 'name'));
  return {
    name: text(field(metadata, 'name')) ?? '',
    group: text(field(spec, 'group')) ?? '',
    version: text(field(spec, 'version')) ?? '',
    service:
      name === undefined
        ? undefined
        : {
            name,
            namespace: text(field(service, 'namespace')) ?? '',
            port: typeof port === 'number' ? port : defaultPort,
          },
    insecure: field(spec, 'insecureSkipTLSVerify') === true,
    bundle: Buffer.from(text(field(spec, 'caBundle')) ?? '', 'base64').toString('latin1'),
    annotations: textMap(field(metadata, 'annotations')),
    labels: textMap(field(metadata, 'labels')),
    available: conditionOf(object, 'Available'),
    object,
  };
}

/** Returns the Services that the versions name, each once. */
export function servicesOf(versions: readonly RegisteredVersion[]): readonly ServiceAddress[] {
  const services = versions.map(({ service }) => service).filter((service) => service !== undefined);
  return [
    ...new Map(services.map((service) => [`${service.namespace}/${service.name}:${service.port}`, service])).values(),
  ];
}

/** Compares namespace and name; false without a Service. */
export function isSame(a: ServiceAddress | undefined, b: ServiceAddress | undefined): boolean {
  return a !== undefined && a.namespace === b?.namespace && a.name === b.name;
}

export const serviceObject = ({ namespace, name }: Pick<ServiceAddress, 'namespace' | 'name'>): string =>
  `Service ${namespace}/${name}`;
