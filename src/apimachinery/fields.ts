/** Parses the parameter fieldSelector: selectors over metadata.name and metadata.namespace. */
import { excerpt, quote } from './quote.ts';
import { badRequest } from './status.ts';

/** One condition of a selector, operator and value as a SubjectAccessReview has them. */
export interface FieldRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn';
  readonly values: readonly [string];
}

/** The fields that a selector can name; the namespace is empty for a node. */
export interface SelectableFields {
  readonly name: string;
  readonly namespace: string;
}

export interface FieldSelector {
  /** Sorted by their text; an object must meet all of them. A key may be unknown: see requireKnownFields. */
  readonly requirements: readonly FieldRequirement[];
  matches(object: SelectableFields): boolean;
}

/** UTF-16 units of a selector; a name and a namespace have at most 316 together. */
const selectorLimit = 65_536;

/** Requirements of a selector: each is evaluated for each object of a list, which may have 150,000. */
const requirementLimit = 256;

/**
 * Parses a selector such as `metadata.name=web-0,metadata.namespace!=dev`.
 * @throws StatusError BadRequest with Kubernetes' message.
 */
export function parseFieldSelector(text: string): FieldSelector {
  if (text.length > selectorLimit) {
    throw badRequest(`field selector of ${text.length} characters: use at most ${selectorLimit}`);
  }
  const terms = splitTerms(text);
  // Before the sort: a text of the allowed length may have 30,000 terms.
  if (terms.length > requirementLimit) {
    throw badRequest(`field selector of ${terms.length} requirements: use at most ${requirementLimit}`);
  }
  // Kubernetes parses terms in sorted order, which decides which of two errors is reported.
  const requirements = terms
    .sort()
    .map((term) => parseTerm(term, text))
    .filter(isRestriction);
  return { requirements, matches: (object) => requirements.every((requirement) => holds(requirement, object)) };
}

/** @throws StatusError BadRequest for the first key that objects of this API do not have. */
export function requireKnownFields({ requirements }: FieldSelector): void {
  const unknown = requirements.find(({ key }) => key !== 'metadata.name' && key !== 'metadata.namespace');
  if (unknown === undefined) return;
  throw badRequest(`${quote(unknown.key)} is not a known field selector: only "metadata.name", "metadata.namespace"`);
}

function holds({ key, operator, values: [value] }: FieldRequirement, object: SelectableFields): boolean {
  return (valueOf(key, object) === value) === (operator === 'In');
}

/** A field that no object has is empty, as in Kubernetes. */
function valueOf(key: string, object: SelectableFields): string {
  if (key === 'metadata.name') return object.name;
  return key === 'metadata.namespace' ? object.namespace : '';
}

/** Splits at commas without a backslash before them; empty terms are ignored. */
function splitTerms(text: string): string[] {
  return text.match(/(?:\\.|[^,\\]|\\$)+/gs) ?? [];
}

/** The key ends at the first operator, and has no escapes. */
function parseTerm(term: string, selector: string): FieldRequirement {
  const match = /^(.*?)(!=|==?)(.*)$/s.exec(term);
  if (match === null) throw badRequest(`invalid selector: '${excerpt(selector)}'; can't understand '${excerpt(term)}'`);
  const [, key = '', sign, value = ''] = match;
  return { key, operator: sign === '!=' ? 'NotIn' : 'In', values: [unescape(value)] };
}

/** A lone `=` restricts nothing. */
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
