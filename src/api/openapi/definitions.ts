/** The schemas of metrics.k8s.io: the objects of types.ts as encode.ts writes them. A test holds the three together. */
import { group, type MetricsObject, type Version } from '../types.ts';
import { kubernetesSchemas, metaV1, typeMetaProperties } from './kubernetes.ts';
import { reference, type Schema } from './schema.ts';

type Kind = MetricsObject['kind'] | 'ContainerMetrics';

/** The name of a schema: that of the type in Go, which kubectl and generated clients know. */
export const metricsV = (version: Version, kind: Kind): string => `io.k8s.metrics.pkg.apis.metrics.${version}.${kind}`;

/** All schemas that documents about these versions may refer to, by name. */
export function allSchemas(versions: readonly Version[]): Readonly<Record<string, Schema>> {
  return Object.assign({}, kubernetesSchemas, ...versions.map(metricsSchemas));
}

/** The order of keys, here and below, is the order on the wire. */
function metricsSchemas(version: Version): Readonly<Record<string, Schema>> {
  const name = (kind: Kind) => metricsV(version, kind);
  const object = (kind: Kind, schema: Schema): [string, Schema] => [
    name(kind),
    { ...schema, 'x-kubernetes-group-version-kind': [{ group, kind, version }] },
  ];
  return Object.fromEntries([
    [name('ContainerMetrics'), containerMetrics],
    object('NodeMetrics', nodeMetrics),
    object('NodeMetricsList', list('NodeMetrics', 'List of node metrics.', reference(name('NodeMetrics')))),
    object('PodMetrics', podMetrics(reference(name('ContainerMetrics')))),
    object('PodMetricsList', list('PodMetrics', 'List of pod metrics.', reference(name('PodMetrics')))),
  ]);
}

const conventions = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';

const { apiVersion, kind } = typeMetaProperties;

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

const usage: Schema = {
  description: 'The memory usage is the memory working set.',
  type: 'object',
  additionalProperties: reference('io.k8s.apimachinery.pkg.api.resource.Quantity'),
};

const containerMetrics: Schema = {
  description: 'ContainerMetrics sets resource usage metrics of a container.',
  type: 'object',
  required: ['name', 'usage'],
  properties: {
    name: {
      description: 'Container name corresponding to the one from pod.spec.containers.',
      type: 'string',
      default: '',
    },
    usage,
  },
};

const nodeMetrics: Schema = {
  description: 'NodeMetrics sets resource usage metrics of a node.',
  type: 'object',
  required: ['timestamp', 'window', 'usage'],
  properties: { apiVersion, kind, metadata, timestamp, usage, window },
};

const podMetrics = (container: Schema): Schema => ({
  description: 'PodMetrics sets resource usage metrics of a pod.',
  type: 'object',
  required: ['timestamp', 'window', 'containers'],
  properties: {
    apiVersion,
    containers: {
      description: 'Metrics for all containers are collected within the same time window.',
      type: 'array',
      items: container,
      'x-kubernetes-list-type': 'atomic',
    },
    kind,
    metadata,
    timestamp,
    window,
  },
});

const list = (of: Kind, description: string, items: Schema): Schema => ({
  description: `${of}List is a list of ${of}.`,
  type: 'object',
  required: ['items'],
  properties: {
    apiVersion,
    items: { description, type: 'array', items },
    kind,
    metadata: {
      description: `Standard list metadata. More info: ${conventions}#types-kinds`,
      default: {},
      allOf: [reference(metaV1('ListMeta'))],
    },
  },
});
