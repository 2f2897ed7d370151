/** external.metrics.k8s.io in OpenAPI. It does not depend on the metrics. */
import { typeMetaProperties } from '../openapi/kubernetes.ts';
import { groupOperation, type OpenApiGroup, tagOf, versionOperation } from '../openapi/operations.ts';
import { pathParameter } from '../openapi/parameters.ts';
import {
  objectSchema,
  textSchema,
  timestampSchema,
  valueListSchema,
  valueOperation,
  valueSchema,
  windowSchema,
} from '../openapi/valueschemas.ts';
import { externalGroup, externalVersion } from './externalvalues.ts';

const id = 'ExternalMetrics';
const item = schemaName('ExternalMetricValue');
const list = schemaName('ExternalMetricValueList');

export function externalOpenApi(): OpenApiGroup {
  return {
    name: externalGroup,
    operations: [groupOperation(externalGroup, id)],
    versions: [
      {
        version: externalVersion,
        operations: [
          versionOperation(externalGroup, id, externalVersion),
          valueOperation({
            path: `/apis/${externalGroup}/${externalVersion}/namespaces/{namespace}/{resource}`,
            operationId: 'listExternalMetricsV1beta1ExternalMetricValue',
            description: 'list external metrics',
            tag: tagOf(id, externalVersion),
            returns: list,
            parameters: [pathParameter('resource', 'the name of the resource')],
          }),
        ],
      },
    ],
    schemas: {
      [item]: objectSchema(
        'ExternalMetricValue is a metric value for external metric A single metric value is identified by metric name and a set of string labels. For one metric there can be multiple values with different sets of labels.',
        ['metricName', 'metricLabels', 'timestamp', 'value'],
        {
          ...typeMetaProperties,
          metricName: textSchema('the name of the metric'),
          metricLabels: {
            description: 'a set of labels that identify a single time series for the metric',
            type: 'object',
            additionalProperties: { type: 'string', default: '' },
          },
          timestamp: timestampSchema,
          window: windowSchema,
          value: valueSchema('the value of the metric'),
        },
      ),
      [list]: valueListSchema(
        'ExternalMetricValueList is a list of values for a given metric for some set labels',
        'value of the metric matching a given set of labels',
        item,
      ),
    },
  };
}

function schemaName(kind: string): string {
  return `io.k8s.metrics.pkg.apis.external_metrics.${externalVersion}.${kind}`;
}
