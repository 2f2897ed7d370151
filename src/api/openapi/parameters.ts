/** Parameters that operations of several groups have. */
import { sharedParameters } from './kubernetes.ts';
import type { Parameter } from './schema.ts';

export const namespaceParameter = sharedParameters['namespace-vgWSWtn3'];

/** Those of lists, without the namespace. */
export const listParameters: readonly Parameter[] = Object.values(sharedParameters).filter(
  (parameter) => parameter !== namespaceParameter,
);

export function pathParameter(name: string, description: string): Parameter {
  return { uniqueItems: true, type: 'string', description, name, in: 'path', required: true };
}
