/** OpenAPI v2, one document for everything: what kube-apiserver merges into its own. */
import { sharedParameters } from './kubernetes.ts';
import type { Route } from './routes.ts';
import { type Info, type Parameter, referencePrefix, type Schema } from './schema.ts';

/**
 * @param routes sorted by path.
 * @param schemas sorted by name; exactly those that are referred to.
 */
export function swagger(info: Info, routes: readonly Route[], schemas: Readonly<Record<string, Schema>>): object {
  return {
    swagger: '2.0',
    info,
    paths: Object.fromEntries(routes.map((route) => [route.path, pathItem(route)])),
    definitions: Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, downgrade(schema)])),
    parameters: sharedParameters,
  };
}

function pathItem(route: Route): object {
  const operation = {
    description: route.description,
    consumes: route.consumes,
    produces: route.produces,
    schemes: ['https'],
    tags: [route.tag],
    operationId: route.operationId,
    responses: { 200: { description: 'OK', schema: { $ref: `#/definitions/${route.returns}` } } },
    'x-kubernetes-action': route.action,
    'x-kubernetes-group-version-kind': route.kind,
  };
  return {
    get: operation,
    parameters: route.parameters.length === 0 ? undefined : route.parameters.map(shared),
  };
}

const sharedNames: ReadonlyMap<Parameter, string> = new Map(
  Object.entries(sharedParameters).map(([name, parameter]) => [parameter, name]),
);

function shared(parameter: Parameter): object {
  const name = sharedNames.get(parameter);
  return name === undefined ? parameter : { $ref: `#/parameters/${name}` };
}

/** A schema without what v2 does not know: defaults and alternatives; of the latter the first stands. */
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
