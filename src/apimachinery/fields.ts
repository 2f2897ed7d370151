/** Selectors over metadata.name and metadata.namespace that the fieldSelector parameter carries. */
import { excerpt, quote } from './quote.ts';
import { badRequest } from './status.ts';

/** One condition of a selector, operator and value as a SubjectAccessReview has them. */
export interface FieldRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn';
  readonly values: readonly [string];
}

/** What of an object can be selected; the namespace is empty for a node. */
export interface SelectableFields {
  readonly name: string;
  readonly namespace: string;
}

export interface FieldSelector {
  /** All of them must hold; sorted by their text. The key may be one that no object has: see requireKnownFields. */
  readonly requirements: readonly FieldRequirement[];
  matches(object: SelectableFields): boolean;
}

/** In UTF-16 units; a name and a namespace have at most 316 together. */
const selectorLimit = 65_536;

/** Every object of a list is asked for every requirement, and a list may have 150,000 of them. */
const requirementLimit = 256;

/** Parses a selector such as `metadata.name=web-0,metadata.namespace!=dev`; throws StatusError BadRequest in Kubernetes' words. */
export function parseFieldSelector(text: string): FieldSelector {
  if (text.length > selectorLimit) {
    throw badRequest(`field selector of ${text.length} characters: use at most ${selectorLimit}`);
  }
  const terms = splitTerms(text);
  // Before the sort: a text of the allowed length may have 30,000 terms.
  if (terms.length > requirementLimit) {
    throw badRequest(`field selector of ${terms.length} requirements: use at most ${requirementLimit}`);
  }
  // Terms are read sorted, which also decides which of two errors is reported.
  const requirements = terms
    .sort()
    .map((term) => parseTerm(term, text))
    .filter(isRestriction);
  return { requirements, matches: (object) => requirements.every((requirement) => holds(requirement, object)) };
}

/** Throws StatusError BadRequest for the first key that objects of this API do not have. */
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

/** A lone `=` asks for nothing. */
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
