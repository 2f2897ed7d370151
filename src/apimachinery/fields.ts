/** Parses the parameter fieldSelector, over metadata.name and metadata.namespace. */
import { excerpt, quote } from './quote.ts';
import { badRequest } from './status.ts';

/** Operator and value as in a SubjectAccessReview. */
export interface FieldRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn';
  readonly values: readonly [string];
}

/** The namespace is empty for a node. */
export interface SelectableFields {
  readonly name: string;
  readonly namespace: string;
}

export interface FieldSelector {
  /** Sorted by text; an object must meet all. Keys may be unknown: see requireKnownFields. */
  readonly requirements: readonly FieldRequirement[];
  matches(object: SelectableFields): boolean;
}

/** UTF-16 units; a name and a namespace have at most 316 together. */
const selectorLimit = 65_536;

/** Each is evaluated for each object of a list, which may have 150,000. */
const requirementLimit = 256;

/** Parses e.g. `metadata.name=web-0,metadata.namespace!=dev`. @throws StatusError BadRequest with Kubernetes' message. */
export function parseFieldSelector(text: string): FieldSelector {
  if (text.length > selectorLimit) {
    throw badRequest(`field selector of ${text.length} characters: use at most ${selectorLimit}`);
  }
  const terms = splitTerms(text);
  // Before the sort: a text of the allowed length may have 30,000 terms.
  if (terms.length > requirementLimit) {
    throw badRequest(`field selector of ${terms.length} requirements: use at most ${requirementLimit}`);
  }
  // Kubernetes sorts before it parses, which decides which error is reported.
  const requirements = terms
    .sort()
    .map((term) => parseTerm(term, text))
    .filter(isRestriction);
  return { requirements, matches: (object) => requirements.every((requirement) => holds(requirement, object)) };
}

/** @throws StatusError BadRequest for the first key that no object has. */
export function requireKnownFields({ requirements }: FieldSelector): void {
  const unknown = requirements.find(({ key }) => key !== 'metadata.name' && key !== 'metadata.namespace');
  if (unknown === undefined) return;
  throw badRequest(`${quote(unknown.key)} is not a known field selector: only "metadata.name", "metadata.namespace"`);
}

function holds({ key, operator, values: [value] }: FieldRequirement, object: SelectableFields): boolean {
  return (valueOf(key, object) === value) === (operator === 'In');
}

/** Returns the empty string for a field that no object has, as in Kubernetes. */
function valueOf(key: string, object: SelectableFields): string {
  if (key === 'metadata.name') return object.name;
  return key === 'metadata.namespace' ? object.namespace : '';
}

function splitTerms(text: string): string[] {
  return text.match(/(?:\\.|[^,\\]|\\$)+/gs) ?? [];
}

/** Ends the key at the first operator; keys have no escapes. */
function parseTerm(term: string, selector: string): FieldRequirement {
  const match = /^(.*?)(!=|==?)(.*)$/s.exec(term);
  if (match === null) throw badRequest(`invalid selector: '${excerpt(selector)}'; can't understand '${excerpt(term)}'`);
  const [, key = '', sign, value = ''] = match;
  return { key, operator: sign === '!=' ? 'NotIn' : 'In', values: [unescape(value)] };
}

function isRestriction({ key, values: [value] }: FieldRequirement): boolean {
  return key !== '' || value !== '';
}

function unescape(value: string): string {
  return value.replace(/\\(.?)|[,=]/gsu, (sequence, escaped: string | undefined) => {
    if (escaped === undefined) {
      throw badRequest(`invalid field selector: unescaped character in value: ${sequence.charCodeAt(0)}`);
    }
    if (escaped === '\\' || escaped === ',' || escaped === '=') return escaped;
    throw badRequest(`invalid field selector: invalid escape sequence: ${sequence}`);
  });
}
