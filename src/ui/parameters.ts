/** Reads the parameters of the API's requests. */
import { StatusError } from '../apimachinery/status.ts';
import { parseRequirements } from '../apimachinery/labelparser.ts';
import { isNamespaceName, isObjectName } from '../apimachinery/names.ts';
import { historySeconds, podPageLimit } from './limits.ts';
import { RequestError } from './requesterror.ts';

const parsers = {
  namespace: (text: string) => (isNamespaceName(text) ? text : undefined),
  name: (text: string) => (isObjectName(text) ? text : undefined),
  node: (text: string) => (isObjectName(text) ? text : undefined),
  labelSelector,
  limit: (text: string) => wholeNumber(text, podPageLimit),
  // Of kube-apiserver: base64 with the key of an object.
  continue: (text: string) => (/^[\w=+/.-]{1,2048}$/.test(text) ? text : undefined),
  sinceSeconds: (text: string) => wholeNumber(text, historySeconds),
  stepSeconds: (text: string) => wholeNumber(text, historySeconds),
} as const;

export type ParameterName = keyof typeof parsers;

export type GivenParameters<Names extends ParameterName> = {
  readonly [Each in Names]?: NonNullable<ReturnType<(typeof parsers)[Each]>>;
};

/**
 * Returns the parameters that are given; an empty one is not given.
 * @param names those that the path takes. @throws RequestError 400 for others, for repeated and for invalid ones.
 */
export function readParameters<Names extends ParameterName>(
  query: Readonly<Record<string, unknown>>,
  names: readonly Names[],
): GivenParameters<Names> {
  const read: Partial<Record<ParameterName, unknown>> = {};
  for (const [name, text] of Object.entries(query)) {
    const known = names.find((each) => each === name);
    if (known === undefined) {
      const taken = names.length === 0 ? 'it takes none' : `it takes ${names.join(', ')}`;
      throw new RequestError(400, `the parameter ${JSON.stringify(name.slice(0, 64))} is not known here; ${taken}`);
    }
    if (text === '') continue;
    const value = typeof text === 'string' ? parsers[known](text) : undefined;
    if (value === undefined) throw new RequestError(400, `${name}: ${expectations[known]}`);
    read[known] = value;
  }
  return read as GivenParameters<Names>;
}

/** @throws RequestError 404: no object has such a name. */
export function checkPodPath(namespace: string, name: string): void {
  if (!isNamespaceName(namespace) || !isObjectName(name)) throw new RequestError(404, 'no pod can have this name');
}

const expectations: Readonly<Record<ParameterName, string>> = {
  namespace: 'the name of one namespace',
  name: 'the name of one object',
  node: 'the name of one node',
  labelSelector: 'labels as kubectl writes them, such as app=web,tier!=cache',
  limit: `a whole number from 1 to ${podPageLimit}`,
  continue: 'from the previous page, once',
  sinceSeconds: `a whole number from 1 to ${historySeconds}`,
  stepSeconds: `a whole number from 1 to ${historySeconds}`,
};

function wholeNumber(text: string, maximum: number): number | undefined {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= maximum ? number : undefined;
}

function labelSelector(text: string): string {
  try {
    parseRequirements(text);
    return text;
  } catch (error) {
    if (error instanceof StatusError) throw new RequestError(400, `labelSelector: ${error.message}`);
    throw error;
  }
}
