/** Request attributes, and their form in a SubjectAccessReview. */
import { type FieldRequirement, parseFieldSelector } from '../apimachinery/fields.ts';
import { parseLabelSelector } from '../apimachinery/labels.ts';
import type { SubjectAccessReviewSpec } from '../client/reviews.ts';

export type Attributes = ResourceAttributes | PathAttributes;

/** Empty where they do not apply. */
export interface ResourceAttributes {
  readonly kind: 'resource';
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** Such as /metrics. */
export interface PathAttributes {
  readonly kind: 'path';
  readonly verb: string;
  readonly path: string;
}

/** Returns the path's name, or a field selector's: who may get an object may list it alone. */
export function nameOf({ verb, name, fieldSelector }: ResourceAttributes): string {
  if (name !== '' || (verb !== 'list' && verb !== 'watch')) return name;
  const found = fieldRequirements(fieldSelector).find(
    ({ key, operator }) => key === 'metadata.name' && operator === 'In',
  );
  const [selected = ''] = found?.values ?? [];
  return isPathSegment(selected) ? selected : '';
}

export function reviewAttributes(
  attributes: Attributes,
): Pick<SubjectAccessReviewSpec, 'resourceAttributes' | 'nonResourceAttributes'> {
  if (attributes.kind === 'path') return { nonResourceAttributes: { path: attributes.path, verb: attributes.verb } };
  const { namespace, verb, group, version, resource, subresource } = attributes;
  const selects = selectingVerbs.has(verb);
  const fields = selects ? fieldRequirements(attributes.fieldSelector) : [];
  const labels = selects ? labelRequirements(attributes.labelSelector) : [];
  return {
    resourceAttributes: {
      ...filled({ namespace, verb, group, version, resource, subresource, name: nameOf(attributes) }),
      ...(fields.length === 0 ? {} : { fieldSelector: { requirements: fields } }),
      ...(labels.length === 0 ? {} : { labelSelector: { requirements: labels } }),
    },
  };
}

const selectingVerbs: ReadonlySet<string> = new Set(['list', 'watch', 'deletecollection']);

/** Returns the length in UTF-16 units. */
export function lengthOf(attributes: Attributes): number {
  return Object.values(attributes).reduce((sum, text) => sum + text.length, 0);
}

function filled(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ''));
}

/** Ignores a malformed selector: the request fails later. */
function fieldRequirements(text = ''): readonly FieldRequirement[] {
  return text === '' ? [] : unlessMalformed(() => parseFieldSelector(text).requirements);
}

interface WireRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** A SubjectAccessReview has no Gt and Lt. */
function labelRequirements(text = ''): readonly WireRequirement[] {
  if (text === '') return [];
  return unlessMalformed(() => parseLabelSelector(text).requirements)
    .filter(({ operator }) => operator !== 'Gt' && operator !== 'Lt')
    .map(({ key, operator, values }) => (values.length === 0 ? { key, operator } : { key, operator, values }));
}

function unlessMalformed<T>(parse: () => readonly T[]): readonly T[] {
  try {
    return parse();
  } catch {
    return [];
  }
}

function isPathSegment(name: string): boolean {
  return name !== '.' && name !== '..' && !/[/%]/.test(name);
}
