/** ExternalMetricValueList in each form; field numbers are those of k8s.io/metrics' generated.proto. */
import type { EncodableInPieces } from '../../apimachinery/encoding.ts';
import { writeLabels } from '../../apimachinery/selectorobject.ts';
import type { ExternalSample } from '../../metricsource/source.ts';
import { quantityOf, timestampOf, valueListInPieces, writeSample } from '../valuelist.ts';

export const externalGroup = 'external.metrics.k8s.io';
export const externalVersion = 'v1beta1';
export const externalMetricValueList = 'ExternalMetricValueList';

export function externalValuesInPieces(metric: string, samples: readonly ExternalSample[]): EncodableInPieces {
  return valueListInPieces<ExternalSample>({
    kind: externalMetricValueList,
    apiVersion: `${externalGroup}/${externalVersion}`,
    samples,
    toItem: (sample) => ({
      metricName: metric,
      // A scalar has none.
      metricLabels: sample.labels ?? null,
      timestamp: timestampOf(sample),
      window: sample.windowSeconds,
      value: quantityOf(sample),
    }),
    writeItem(writer, sample) {
      writer.string(1, metric);
      writeLabels(writer, 2, sample.labels ?? new Map());
      writeSample(writer, sample);
    },
  });
}
