/** The schemas of metrics.k8s.io, made from the table of resources and tested against served objects. */
import type { Resource, ResourceSchema } from '../resource.ts';
import { group, type Version } from '../types.ts';
import { metaV1, typeMetaProperties } from './kubernetes.ts';
import { reference, type Schema } from './schema.ts';

/** The part of a resource that its schemas and operations need. */
export type ResourceWithSchema = Pick<Resource, 'name' | 'kind' | 'listKind' | 'namespaced' | 'versions'> & {
  readonly schema: ResourceSchema;
};

/** Returns a Go type's schema name, which kubectl and generated clients use. */
export const metricsV = (version: Version, kind: string): string =>
  `io.k8s.metrics.pkg.apis.metrics.${version}.${kind}`;

/** Returns the schemas of a resource by name. */
export function schemasOf({ kind, listKind, schema }: ResourceWithSchema, version: Version): [string, Schema][] {
  const object = (of: string, content: Schema): [string, Schema] => [
    metricsV(version, of),
    { ...content, 'x-kubernetes-group-version-kind': [{ group, kind: of, version }] },
  ];
  const partOf = (part: string) => reference(metricsV(version, part));
  return [
    ...Object.entries(schema.parts).map(([part, content]): [string, Schema] => [metricsV(version, part), content]),
    object(kind, itemSchema(schema, partOf)),
    object(listKind, listSchema(kind, listKind, schema.itemsDescription, partOf(kind))),
  ];
}

const conventions = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';

const metadata: Schema = {
  description: `Standard object's metadata. More info: ${conventions}#metadata`,
  default: {},
  allOf: [reference(metaV1('ObjectMeta'))],
};

const timestamp: Schema = {
  description:
    'The following fields define time interval from which metrics were collected from the interval [Timestamp-Window, Timestamp].',
  allOf: [reference(metaV1('Time'))],
};

const window: Schema = reference(metaV1('Duration'));

/** Sorts properties by name, as Kubernetes' generator. */
function itemSchema({ description, required, properties }: ResourceSchema, partOf: (part: string) => Schema): Schema {
  const { apiVersion, kind } = typeMetaProperties;
  const all = { apiVersion, kind, metadata, timestamp, window, ...properties(partOf) };
  return {
    description,
    type: 'object',
    required: ['timestamp', 'window', ...required],
    properties: Object.fromEntries(Object.entries(all).sort(([left], [right]) => (left < right ? -1 : 1))),
  };
}

function listSchema(kind: string, listKind: string, description: string, items: Schema): Schema {
  const { apiVersion, kind: kindProperty } = typeMetaProperties;
  return {
    description: `${listKind} is a list of ${kind}.`,
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion,
      items: { description, type: 'array', items },
      kind: kindProperty,
      metadata: {
        description: `Standard list metadata. More info: ${conventions}#types-kinds`,
        default: {},
        allOf: [reference(metaV1('ListMeta'))],
      },
    },
  };
}
