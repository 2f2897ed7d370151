/** Discovery documents of the stand-in's API server, in the legacy and the aggregated form. */
import { field, items } from '../../src/client/json.ts';

/** A document for a path, or undefined where there is none. */
export function discoveryDocument(path: string): object | undefined {
  return documents.get(path.replace(/(?<=.)\/$/, ''));
}

export const aggregatedMediaType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** True for a client that takes the aggregated form. */
export function wantsAggregated(accept: string): boolean {
  return /as=APIGroupDiscoveryList/.test(accept) && /;v=v2[;,]/.test(accept);
}

/** GET /api in the aggregated form. */
export const coreGroups = aggregated([{ metadata: { name: '' }, versions: [toVersion('v1', coreResources())] }]);

/** GET /apis in the aggregated form: our own groups, and what the server behind the aggregator says of its own. */
export function allGroups(fromServer: unknown): object {
  return aggregated([
    ...ownGroups().map(({ name, version = 'v1', resources }) => ({
      metadata: { name },
      versions: [toVersion(version, resources)],
    })),
    ...itemsOf(fromServer),
  ]);
}

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
}

/** The server's answer; while there is none, its groups are listed as stale, as kube-apiserver does. */
function itemsOf(document: unknown): unknown[] {
  const groups = items(field(document, 'items'));
  if (groups.length > 0) return [...groups];
  return Object.entries(metricsGroups).map(([name, versions]) => ({
    metadata: { name },
    versions: versions.map((version) => ({ version, resources: [], freshness: 'Stale' })),
  }));
}

function coreResources(): Resource[] {
  const verbs = ['get', 'list', 'watch'];
  return [
    { name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs, shortNames: ['cm'] },
    { name: 'namespaces', kind: 'Namespace', namespaced: false, verbs, shortNames: ['ns'] },
    { name: 'nodes', kind: 'Node', namespaced: false, verbs, shortNames: ['no'] },
    { name: 'pods', kind: 'Pod', namespaced: true, verbs, shortNames: ['po'] },
    { name: 'services', kind: 'Service', namespaced: true, verbs, shortNames: ['svc'] },
  ];
}

/** Versions of the APIService objects, known also while the server is away; the first one of a group is preferred. */
export const metricsGroups: Readonly<Record<string, readonly string[]>> = {
  'custom.metrics.k8s.io': ['v1beta2', 'v1beta1'],
  'metrics.k8s.io': ['v1', 'v1beta1'],
};

interface Group {
  readonly name: string;
  /** Default: v1. */
  readonly version?: string;
  readonly resources: readonly Resource[];
}

function ownGroups(): readonly Group[] {
  const verbs = ['get', 'list', 'watch'];
  return [
    {
      name: 'apiregistration.k8s.io',
      resources: [{ name: 'apiservices', kind: 'APIService', namespaced: false, verbs }],
    },
    {
      name: 'apps',
      resources: [
        { name: 'daemonsets', kind: 'DaemonSet', namespaced: true, verbs, shortNames: ['ds'] },
        { name: 'deployments', kind: 'Deployment', namespaced: true, verbs, shortNames: ['deploy'] },
        { name: 'replicasets', kind: 'ReplicaSet', namespaced: true, verbs, shortNames: ['rs'] },
        { name: 'statefulsets', kind: 'StatefulSet', namespaced: true, verbs, shortNames: ['sts'] },
      ],
    },
    { name: 'authentication.k8s.io', resources: [review('tokenreviews', 'TokenReview')] },
    {
      name: 'authorization.k8s.io',
      resources: [
        review('selfsubjectaccessreviews', 'SelfSubjectAccessReview'),
        review('subjectaccessreviews', 'SubjectAccessReview'),
      ],
    },
    {
      name: 'autoscaling',
      version: 'v2',
      resources: [
        {
          name: 'horizontalpodautoscalers',
          kind: 'HorizontalPodAutoscaler',
          namespaced: true,
          verbs,
          shortNames: ['hpa'],
        },
      ],
    },
  ];
}

const documents: ReadonlyMap<string, object> = new Map<string, object>([
  ['/api', { kind: 'APIVersions', versions: ['v1'] }],
  ['/api/v1', resourceList('v1', coreResources())],
  ['/version', versionInfo()],
  [
    '/apis',
    {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: [
        ...ownGroups().map(({ name, version = 'v1' }) => legacyGroup(name, [version])),
        ...Object.entries(metricsGroups).map(([name, versions]) => legacyGroup(name, versions)),
      ],
    },
  ],
  ...Object.entries(metricsGroups).map(([name, versions]): [string, object] => [
    `/apis/${name}`,
    { kind: 'APIGroup', apiVersion: 'v1', ...legacyGroup(name, versions) },
  ]),
  ...ownGroups().flatMap(({ name, version = 'v1', resources }): [string, object][] => [
    [`/apis/${name}`, { kind: 'APIGroup', apiVersion: 'v1', ...legacyGroup(name, [version]) }],
    [`/apis/${name}/${version}`, resourceList(`${name}/${version}`, resources)],
  ]),
]);

function review(name: string, kind: string): Resource {
  return { name, kind, namespaced: false, verbs: ['create'] };
}

function legacyGroup(name: string, versions: readonly string[]) {
  const all = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: all, preferredVersion: all[0] };
}

function resourceList(groupVersion: string, resources: readonly Resource[]): object {
  const listed = resources.map((resource) => ({ ...resource, singularName: resource.kind.toLowerCase() }));
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: listed };
}

function aggregated(items: readonly unknown[]): object {
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
}

function toVersion(version: string, resources: readonly Resource[]): object {
  return {
    version,
    freshness: 'Current',
    resources: resources.map(({ name, kind, namespaced, verbs, shortNames }) => ({
      resource: name,
      responseKind: { group: '', version: '', kind },
      scope: namespaced ? 'Namespaced' : 'Cluster',
      singularResource: kind.toLowerCase(),
      verbs,
      ...(shortNames === undefined ? {} : { shortNames }),
    })),
  };
}

function versionInfo(): object {
  return {
    major: '1',
    minor: '37',
    gitVersion: 'v1.37.2',
    platform: 'linux/amd64',
    compiler: 'gc',
    goVersion: 'go1.26.0',
  };
}
