/** The operations in OpenAPI documents; names and media types are those of Kubernetes' generator. */
import { mediaTypes } from '../../apimachinery/encoding.ts';
import { metaV1 } from './kubernetes.ts';
import type { GroupVersionKind, Parameter, Schema } from './schema.ts';

/** A group's part of the documents. */
export interface OpenApiGroup {
  readonly name: string;
  /** The operation for the group itself. */
  readonly operations: readonly Operation[];
  readonly versions: readonly { readonly version: string; readonly operations: readonly Operation[] }[];
  /** By name: the schemas that operations return, beside Kubernetes' own. */
  readonly schemas: Readonly<Record<string, Schema>>;
}

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

/** @param id the group's name in operations, such as CustomMetrics. */
export function groupOperation(group: string, id: string): Operation {
  return discoveryOperation(`/apis/${group}/`, `get${id}APIGroup`, 'get information of a group', lower(id), 'APIGroup');
}

/** As groupOperation. */
export function versionOperation(group: string, id: string, version: string): Operation {
  return discoveryOperation(
    `/apis/${group}/${version}/`,
    `get${id}${capitalized(version)}APIResources`,
    'get available resources',
    tagOf(id, version),
    'APIResourceList',
  );
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

/** Returns the tag of a version's operations, such as customMetrics_v1beta2. */
export const tagOf = (id: string, version: string): string => `${lower(id)}_${version}`;

const lower = (word: string): string => word.charAt(0).toLowerCase() + word.slice(1);

export const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
