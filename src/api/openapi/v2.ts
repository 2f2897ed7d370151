/** OpenAPI v2: one document, which kube-apiserver merges into its own. */
import { sharedParameters } from './kubernetes.ts';
import type { Operation } from './operations.ts';
import { type Info, type Parameter, referencePrefix, type Schema } from './schema.ts';

/** Sorts operations by path, schemas by name. */
export function swagger(
  info: Info,
  operations: readonly Operation[],
  schemas: Readonly<Record<string, Schema>>,
): object {
  return {
    swagger: '2.0',
    info,
    paths: Object.fromEntries(operations.map((operation) => [operation.path, pathItem(operation)])),
    definitions: Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, downgrade(schema)])),
    parameters: sharedParameters,
  };
}

function pathItem(of: Operation): object {
  const operation = {
    description: of.description,
    consumes: of.consumes,
    produces: of.produces,
    schemes: ['https'],
    tags: [of.tag],
    operationId: of.operationId,
    responses: { 200: { description: 'OK', schema: { $ref: `#/definitions/${of.returns}` } } },
    'x-kubernetes-action': of.action,
    'x-kubernetes-group-version-kind': of.kind,
  };
  return {
    get: operation,
    parameters: of.parameters.length === 0 ? undefined : of.parameters.map(shared),
  };
}

const sharedNames: ReadonlyMap<Parameter, string> = new Map(
  Object.entries(sharedParameters).map(([name, parameter]) => [parameter, name]),
);

function shared(parameter: Parameter): object {
  const name = sharedNames.get(parameter);
  return name === undefined ? parameter : { $ref: `#/parameters/${name}` };
}

/** Removes what v2 lacks: defaults, and all but the first alternative. */
function downgrade(schema: Schema): object {
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]): [string, unknown][] => {
      if (key === 'default') return [];
      if (key === 'allOf' || key === 'oneOf') return Object.entries(downgrade(value[0]));
      if (key === '$ref') return [[key, value.replace(referencePrefix, '#/definitions/')]];
      if (key === 'items' || key === 'additionalProperties') return [[key, downgrade(value)]];
      if (key === 'properties') {
        const properties: [string, Schema][] = Object.entries(value);
        return [[key, Object.fromEntries(properties.map(([name, property]) => [name, downgrade(property)]))]];
      }
      return [[key, value]];
    }),
  );
}
