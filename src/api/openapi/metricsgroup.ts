/** The operations of metrics.k8s.io, made from the table of resources. */
import { mediaTypes, streamTypes } from '../../apimachinery/encoding.ts';
import { resources as allResources } from '../resources.ts';
import { group, type Version, versions as allVersions } from '../types.ts';
import { metricsV, type ResourceWithSchema, schemasOf } from './definitions.ts';
import { sharedParameters } from './kubernetes.ts';
import {
  capitalized,
  groupOperation,
  type OpenApiGroup,
  type Operation,
  tagOf,
  versionOperation,
} from './operations.ts';
import { listParameters, namespaceParameter, pathParameter } from './parameters.ts';
import type { Parameter } from './schema.ts';

export interface MetricsGroupContent {
  readonly resources?: readonly ResourceWithSchema[];
  /** Default: all. Fewer only to compare with a server that has fewer. */
  readonly versions?: readonly Version[];
}

export function metricsOpenApi({
  resources = allResources,
  versions = allVersions,
}: MetricsGroupContent = {}): OpenApiGroup {
  return {
    name: group,
    operations: [groupOperation(group, id)],
    versions: versions.map((version) => ({ version, operations: versionOperations(resources, version) })),
    schemas: Object.fromEntries(
      versions.flatMap((version) => resources.flatMap((resource) => schemasOf(resource, version))),
    ),
  };
}

const id = 'Metrics';

const pretty = sharedParameters['pretty-tJGM1-ng'];

function versionOperations(resources: readonly ResourceWithSchema[], version: Version): readonly Operation[] {
  return [
    versionOperation(group, id, version),
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
  const idOf = (verb: string, scope: string, suffix: string) =>
    `${verb}${id}${capitalized(version)}${scope}${kind}${suffix}`;
  const common = { tag: tagOf(id, version), consumes: ['*/*'], kind: { group, version, kind } };
  const list = (path: string, scope: string, suffix: string, parameters: readonly Parameter[]): Operation => ({
    ...common,
    path,
    operationId: idOf('list', scope, suffix),
    description: `list objects of kind ${kind}`,
    produces: [...mediaTypes, ...streamTypes],
    returns: metricsV(version, listKind),
    parameters,
    action: 'list',
  });
  const read = (path: string, scope: string, parameters: readonly Parameter[]): Operation => ({
    ...common,
    path,
    operationId: idOf('read', scope, ''),
    description: `read the specified ${kind}`,
    produces: mediaTypes,
    returns: metricsV(version, kind),
    parameters: [pathParameter('name', `name of the ${kind}`), ...parameters],
    action: 'get',
  });
  if (!namespaced)
    return [list(`${root}/${name}`, '', '', listParameters), read(`${root}/${name}/{name}`, '', [pretty])];
  const inNamespace = `${root}/namespaces/{namespace}/${name}`;
  return [
    list(inNamespace, 'Namespaced', '', Object.values(sharedParameters)),
    read(`${inNamespace}/{name}`, 'Namespaced', [namespaceParameter, pretty]),
    list(`${root}/${name}`, '', 'ForAllNamespaces', listParameters),
  ];
}
