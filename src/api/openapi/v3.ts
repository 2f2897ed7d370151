/** OpenAPI v3, one document for each group and version: what kubectl explain reads. */
import type { Route } from './routes.ts';
import { type Info, type Parameter, reference, type Schema } from './schema.ts';

/**
 * @param routes sorted by path.
 * @param schemas sorted by name; exactly those that are referred to.
 */
export function openApi3(info: Info, routes: readonly Route[], schemas: Readonly<Record<string, Schema>>): object {
  return {
    openapi: '3.0.0',
    info,
    paths: Object.fromEntries(routes.map((route) => [route.path, pathItem(route)])),
    components: { schemas },
  };
}

function pathItem(route: Route): object {
  const content = route.produces.toSorted().map((type) => [type, { schema: reference(route.returns) }]);
  const operation = {
    tags: [route.tag],
    description: route.description,
    operationId: route.operationId,
    responses: { 200: { description: 'OK', content: Object.fromEntries(content) } },
    'x-kubernetes-action': route.action,
    'x-kubernetes-group-version-kind': route.kind,
  };
  return {
    get: operation,
    parameters: route.parameters.length === 0 ? undefined : route.parameters.map(parameterObject),
  };
}

function parameterObject({ name, in: place, description, required, type, uniqueItems }: Parameter): object {
  return { name, in: place, description, required, schema: { type, uniqueItems } };
}
