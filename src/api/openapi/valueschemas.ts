/** Schemas and operations that custom.metrics.k8s.io and external.metrics.k8s.io share in OpenAPI, with Kubernetes' texts. */
import { mediaTypes, streamTypes } from '../../apimachinery/encoding.ts';
import { metaV1, typeMetaProperties } from './kubernetes.ts';
import type { Operation } from './operations.ts';
import { listParameters, namespaceParameter } from './parameters.ts';
import { type Parameter, reference, type Schema } from './schema.ts';

export const timestampSchema: Schema = {
  description: 'indicates the time at which the metrics were produced',
  allOf: [reference(metaV1('Time'))],
};

export const windowSchema: Schema = {
  description:
    'indicates the window ([Timestamp-Window, Timestamp]) from which these metrics were calculated, when returning rate metrics calculated from cumulative metrics (or zero for non-calculated instantaneous metrics).',
  type: 'integer',
  format: 'int64',
};

export function valueSchema(description: string): Schema {
  return { description, allOf: [reference('io.k8s.apimachinery.pkg.api.resource.Quantity')] };
}

export function textSchema(description: string): Schema {
  return { description, type: 'string', default: '' };
}

/** Sorts properties by name, as Kubernetes' generator. */
export function objectSchema(
  description: string,
  required: readonly string[],
  properties: Readonly<Record<string, Schema>>,
): Schema {
  return {
    description,
    type: 'object',
    required,
    properties: Object.fromEntries(Object.entries(properties).sort(([left], [right]) => (left < right ? -1 : 1))),
  };
}

/** Returns the schema of a list of the schema `item`. */
export function valueListSchema(description: string, itemsDescription: string, item: string): Schema {
  return objectSchema(description, ['items'], {
    ...typeMetaProperties,
    metadata: { default: {}, allOf: [reference(metaV1('ListMeta'))] },
    items: { description: itemsDescription, type: 'array', items: { default: {}, allOf: [reference(item)] } },
  });
}

export interface ValueOperation extends Pick<Operation, 'path' | 'operationId' | 'description' | 'tag' | 'returns'> {
  /** Beside those of lists; sorted with them. */
  readonly parameters: readonly Parameter[];
}

/** Returns an operation with the parameters of lists, and the namespace where its path has one. */
export function valueOperation({ parameters, ...operation }: ValueOperation): Operation {
  const own = operation.path.includes('{namespace}') ? [namespaceParameter, ...parameters] : parameters;
  return {
    ...operation,
    consumes: ['*/*'],
    produces: [...mediaTypes, ...streamTypes],
    parameters: [...listParameters, ...own].sort((left, right) => (left.name < right.name ? -1 : 1)),
  };
}
