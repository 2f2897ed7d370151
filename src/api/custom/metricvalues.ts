/** MetricValueList in each form; field numbers are those of k8s.io/metrics' generated.proto. */
import type { EncodableInPieces } from '../../apimachinery/encoding.ts';
import type { LabelSelector } from '../../apimachinery/labels.ts';
import type { ProtobufWriter } from '../../apimachinery/protobuf.ts';
import { type SelectorObject, selectorObject, writeSelectorObject } from '../../apimachinery/selectorobject.ts';
import type { DescribedResource } from '../../metricsource/described.ts';
import type { ObjectSample } from '../../metricsource/source.ts';
import { quantityOf, timestampOf, valueListInPieces, writeSample } from '../valuelist.ts';

export const customGroup = 'custom.metrics.k8s.io';

/** The preferred one first. */
export const customVersions = ['v1beta2', 'v1beta1'] as const;

export type CustomVersion = (typeof customVersions)[number];

export const metricValueList = 'MetricValueList';

/** The values of one metric of objects of one resource. */
export interface MetricValues {
  readonly metric: string;
  readonly metricSelector: LabelSelector;
  readonly resource: DescribedResource;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  /** In the order of the objects' names. */
  readonly samples: readonly ObjectSample[];
}

export function metricValuesInPieces(values: MetricValues, version: CustomVersion): EncodableInPieces {
  const selector = selectorObject(values.metricSelector);
  const isFirst = version === 'v1beta1';
  return valueListInPieces({
    kind: metricValueList,
    apiVersion: `${customGroup}/${version}`,
    samples: values.samples,
    toItem: isFirst
      ? (sample) => itemOfV1beta1(values, selector, sample)
      : (sample) => itemOfV1beta2(values, selector, sample),
    writeItem: isFirst
      ? (writer, sample) => writeV1beta1(writer, values, selector, sample)
      : (writer, sample) => writeV1beta2(writer, values, selector, sample),
  });
}

function itemOfV1beta2(values: MetricValues, selector: SelectorObject | null, sample: ObjectSample): object {
  return {
    describedObject: describedObject(values, sample),
    metric: { name: values.metric, selector },
    timestamp: timestampOf(sample),
    windowSeconds: sample.windowSeconds,
    value: quantityOf(sample),
  };
}

function itemOfV1beta1(values: MetricValues, selector: SelectorObject | null, sample: ObjectSample): object {
  return {
    describedObject: describedObject(values, sample),
    metricName: values.metric,
    timestamp: timestampOf(sample),
    window: sample.windowSeconds,
    value: quantityOf(sample),
    selector,
  };
}

function describedObject({ resource, namespace }: MetricValues, { name }: ObjectSample): object {
  return { kind: resource.kind, namespace: namespace || undefined, name, apiVersion: apiVersionOf(resource) };
}

/** The core group's is /v1 here, as clients of custom.metrics.k8s.io have always got it. */
function apiVersionOf({ group, version }: DescribedResource): string {
  return `${group}/${version}`;
}

function writeV1beta2(
  writer: ProtobufWriter,
  values: MetricValues,
  selector: SelectorObject | null,
  sample: ObjectSample,
): void {
  writeReference(writer, values, sample);
  writer.message(2, () => {
    writer.string(1, values.metric);
    if (selector !== null) writeSelectorObject(writer, 2, selector);
  });
  writeSample(writer, sample);
}

function writeV1beta1(
  writer: ProtobufWriter,
  values: MetricValues,
  selector: SelectorObject | null,
  sample: ObjectSample,
): void {
  writeReference(writer, values, sample);
  writer.string(2, values.metric);
  writeSample(writer, sample);
  if (selector !== null) writeSelectorObject(writer, 6, selector);
}

/** Writes an ObjectReference without UID, resource version and field path. */
function writeReference(writer: ProtobufWriter, { resource, namespace }: MetricValues, { name }: ObjectSample): void {
  writer.message(1, () => {
    writer.string(1, resource.kind);
    writer.string(2, namespace);
    writer.string(3, name);
    writer.string(4, '');
    writer.string(5, apiVersionOf(resource));
    writer.string(6, '');
    writer.string(7, '');
  });
}
