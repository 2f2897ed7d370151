/** The operations in OpenAPI documents; names and media types are those of Kubernetes' generator. */
import { group, type Version } from '../types.ts';
import { type ResourceWithSchema, metricsV } from './definitions.ts';
import { metaV1, sharedParameters } from './kubernetes.ts';
import type { GroupVersionKind, Parameter } from './schema.ts';

export interface Operation {
  readonly path: string;
  readonly operationId: string;
  readonly description: string;
  readonly tag: string;
  readonly consumes: readonly string[];
  readonly produces: readonly string[];
  readonly returns: string;
  /** Sorted by name. */
  readonly parameters: readonly Parameter[];
  /** Undefined, as the kind, for operations not about objects. */
  readonly action?: 'get' | 'list';
  readonly kind?: GroupVersionKind;
}

const mediaTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

const namespace = sharedParameters['namespace-vgWSWtn3'];
const pretty = sharedParameters['pretty-tJGM1-ng'];
const listParameters = Object.values(sharedParameters).filter((parameter) => parameter !== namespace);

/** Operations that do not depend on the versions: the server's groups and its version. */
export const rootOperations: readonly Operation[] = [
  discoveryOperation('/apis/', 'getAPIVersions', 'get available API versions', 'apis', 'APIGroupList'),
  {
    path: '/version/',
    operationId: 'getCodeVersion',
    description: 'get the version information for this server',
    tag: 'version',
    consumes: ['application/json'],
    produces: ['application/json'],
    returns: 'io.k8s.apimachinery.pkg.version.Info',
    parameters: [],
  },
];

export const groupOperations: readonly Operation[] = [
  discoveryOperation(`/apis/${group}/`, 'getMetricsAPIGroup', 'get information of a group', 'metrics', 'APIGroup'),
];

export function versionOperations(resources: readonly ResourceWithSchema[], version: Version): readonly Operation[] {
  return [
    discoveryOperation(
      `/apis/${group}/${version}/`,
      `getMetrics${capitalized(version)}APIResources`,
      'get available resources',
      tagOf(version),
      'APIResourceList',
    ),
    ...resources
      .filter(({ versions }) => versions.includes(version))
      .flatMap((resource) => resourceOperations(version, resource)),
  ];
}

function resourceOperations(
  version: Version,
  { name, kind, listKind, namespaced }: ResourceWithSchema,
): readonly Operation[] {
  const root = `/apis/${group}/${version}`;
  const id = (verb: string, scope: string, suffix: string) =>
    `${verb}Metrics${capitalized(version)}${scope}${kind}${suffix}`;
  const common = { tag: tagOf(version), consumes: ['*/*'], kind: { group, version, kind } };
  const list = (path: string, scope: string, suffix: string, parameters: readonly Parameter[]): Operation => ({
    ...common,
    path,
    operationId: id('list', scope, suffix),
    description: `list objects of kind ${kind}`,
    produces: [...mediaTypes, 'application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'],
    returns: metricsV(version, listKind),
    parameters,
    action: 'list',
  });
  const read = (path: string, scope: string, parameters: readonly Parameter[]): Operation => ({
    ...common,
    path,
    operationId: id('read', scope, ''),
    description: `read the specified ${kind}`,
    produces: mediaTypes,
    returns: metricsV(version, kind),
    parameters: [nameParameter(kind), ...parameters],
    action: 'get',
  });
  if (!namespaced)
    return [list(`${root}/${name}`, '', '', listParameters), read(`${root}/${name}/{name}`, '', [pretty])];
  const inNamespace = `${root}/namespaces/{namespace}/${name}`;
  return [
    list(inNamespace, 'Namespaced', '', Object.values(sharedParameters)),
    read(`${inNamespace}/{name}`, 'Namespaced', [namespace, pretty]),
    list(`${root}/${name}`, '', 'ForAllNamespaces', listParameters),
  ];
}

function discoveryOperation(
  path: string,
  operationId: string,
  description: string,
  tag: string,
  kind: string,
): Operation {
  return {
    path,
    operationId,
    description,
    tag,
    consumes: mediaTypes,
    produces: mediaTypes,
    returns: metaV1(kind),
    parameters: [],
  };
}

const nameParameter = (kind: string): Parameter => ({
  uniqueItems: true,
  type: 'string',
  description: `name of the ${kind}`,
  name: 'name',
  in: 'path',
  required: true,
});

const tagOf = (version: Version): string => `metrics_${version}`;

const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
