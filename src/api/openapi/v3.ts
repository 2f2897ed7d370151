/** OpenAPI v3: a document per group and version, which kubectl explain reads. */
import type { Operation } from './operations.ts';
import { type Info, type Parameter, reference, type Schema } from './schema.ts';

/** Sorts operations by path, schemas by name. */
export function openApi3(
  info: Info,
  operations: readonly Operation[],
  schemas: Readonly<Record<string, Schema>>,
): object {
  return {
    openapi: '3.0.0',
    info,
    paths: Object.fromEntries(operations.map((operation) => [operation.path, pathItem(operation)])),
    components: { schemas },
  };
}

function pathItem(of: Operation): object {
  const content = of.produces.toSorted().map((type) => [type, { schema: reference(of.returns) }]);
  const operation = {
    tags: [of.tag],
    description: of.description,
    operationId: of.operationId,
    responses: { 200: { description: 'OK', content: Object.fromEntries(content) } },
    'x-kubernetes-action': of.action,
    'x-kubernetes-group-version-kind': of.kind,
  };
  return {
    get: operation,
    parameters: of.parameters.length === 0 ? undefined : of.parameters.map(parameterObject),
  };
}

function parameterObject({ name, in: place, description, required, type, uniqueItems }: Parameter): object {
  return { name, in: place, description, required, schema: { type, uniqueItems } };
}
