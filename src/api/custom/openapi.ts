/** custom.metrics.k8s.io in OpenAPI. It does not depend on the metrics. */
import { metaV1, typeMetaProperties } from '../openapi/kubernetes.ts';
import {
  capitalized,
  groupOperation,
  type OpenApiGroup,
  type Operation,
  tagOf,
  versionOperation,
} from '../openapi/operations.ts';
import { pathParameter } from '../openapi/parameters.ts';
import { type Parameter, reference, type Schema } from '../openapi/schema.ts';
import {
  objectSchema,
  textSchema,
  timestampSchema,
  valueListSchema,
  valueOperation,
  valueSchema,
  windowSchema,
} from '../openapi/valueschemas.ts';
import { customGroup, type CustomVersion, customVersions } from './metricvalues.ts';

const id = 'CustomMetrics';

export function customOpenApi(): OpenApiGroup {
  return {
    name: customGroup,
    operations: [groupOperation(customGroup, id)],
    versions: customVersions.map((version) => ({ version, operations: operationsOf(version) })),
    schemas: {
      ...schemasOf('v1beta1', 'MetricValue is a metric value for some object', (selector) => ({
        metricName: textSchema('the name of the metric'),
        window: windowSchema,
        selector,
      })),
      ...schemasOf('v1beta2', 'MetricValue is the metric value for some object', () => ({
        metric: { default: {}, allOf: [reference(schemaName('v1beta2', 'MetricIdentifier'))] },
        windowSeconds: windowSchema,
      })),
      [schemaName('v1beta2', 'MetricIdentifier')]: objectSchema(
        'MetricIdentifier identifies a metric by name and, optionally, selector',
        ['name'],
        { name: textSchema('name is the name of the given metric'), selector: selectorSchema() },
      ),
    },
  };
}

function schemaName(version: CustomVersion, kind: string): string {
  return `io.k8s.metrics.pkg.apis.custom_metrics.${version}.${kind}`;
}

function selectorSchema(): Schema {
  return {
    description:
      "selector represents the label selector that could be used to select this metric, and will generally just be the selector passed in to the query used to fetch this metric. When left blank, only the metric's Name will be used to gather metrics.",
    allOf: [reference(metaV1('LabelSelector'))],
  };
}

/** @param metric returns the properties that name the metric and its window, which differ between the versions. */
function schemasOf(
  version: CustomVersion,
  description: string,
  metric: (selector: Schema) => Readonly<Record<string, Schema>>,
): Readonly<Record<string, Schema>> {
  const item = schemaName(version, 'MetricValue');
  const named = version === 'v1beta1' ? 'metricName' : 'metric';
  return {
    [item]: objectSchema(description, ['describedObject', named, 'timestamp', 'value'], {
      ...typeMetaProperties,
      describedObject: {
        description: 'a reference to the described object',
        default: {},
        allOf: [reference('io.k8s.api.core.v1.ObjectReference')],
      },
      timestamp: timestampSchema,
      value: valueSchema('the value of the metric for this'),
      ...metric(selectorSchema()),
    }),
    [schemaName(version, 'MetricValueList')]: valueListSchema(
      'MetricValueList is a list of values for a given metric for some set of objects',
      'the value of the metric across the described objects',
      item,
    ),
  };
}

const metricLabelSelector: Parameter = {
  uniqueItems: true,
  type: 'string',
  description: 'A selector to restrict the list of returned metrics by their labels',
  name: 'metricLabelSelector',
  in: 'query',
};
const name = pathParameter('name', 'name of the described resource');
const resource = pathParameter('resource', 'the name of the resource');
const subresource = pathParameter('subresource', 'the name of the subresource');

function operationsOf(version: CustomVersion): readonly Operation[] {
  const root = `/apis/${customGroup}/${version}`;
  const operation = (path: string, verb: string, ending: string, parameters: readonly Parameter[]): Operation =>
    valueOperation({
      path: `${root}/${path}`,
      operationId: `${verb}${id}${capitalized(version)}${ending}`,
      description: 'list custom metrics describing an object or objects',
      tag: tagOf(id, version),
      returns: schemaName(version, 'MetricValueList'),
      parameters: [metricLabelSelector, name, ...parameters],
    });
  return [
    versionOperation(customGroup, id, version),
    operation('namespaces/{namespace}/metrics/{name}', 'read', 'MetricValueForNamespace', []),
    operation('namespaces/{namespace}/{resource}/{name}/{subresource}', 'list', 'NamespacedMetricValue', [
      resource,
      subresource,
    ]),
    operation('{resource}/{name}/{subresource}', 'list', 'MetricValue', [resource, subresource]),
  ];
}
