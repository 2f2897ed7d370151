/** What a request wants to do, as authorization sees it, and the part of a SubjectAccessReview that says so. */
import { type FieldRequirement, parseFieldSelector } from '../apimachinery/fields.ts';
import { parseLabelSelector } from '../apimachinery/labels.ts';
import type { SubjectAccessReviewSpec } from '../client/reviews.ts';

export type Attributes = ResourceAttributes | PathAttributes;

/** Everything but kind is empty where it does not apply. */
export interface ResourceAttributes {
  readonly kind: 'resource';
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** As the client wrote them. */
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** A path that leads to no resource, such as /metrics. */
export interface PathAttributes {
  readonly kind: 'path';
  /** The HTTP method in lower case. */
  readonly verb: string;
  readonly path: string;
}

/**
 * The name of the object asked for: the one in the path, or the only one that a list can hold by its field selector. So whoever may see
 * one object by name may also list it alone.
 */
export function nameOf({ verb, name, fieldSelector }: ResourceAttributes): string {
  if (name !== '' || (verb !== 'list' && verb !== 'watch')) return name;
  const found = fieldRequirements(fieldSelector).find(
    ({ key, operator }) => key === 'metadata.name' && operator === 'In',
  );
  const [selected = ''] = found?.values ?? [];
  return isPathSegment(selected) ? selected : '';
}

/** The attributes as they stand on the wire. */
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

/** How long the attributes are together, in UTF-16 units. */
export function lengthOf(attributes: Attributes): number {
  return Object.values(attributes).reduce((sum, text) => sum + text.length, 0);
}

function filled(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ''));
}

/** None for a selector that cannot be read: requirements only narrow, and the request will fail where it is served. */
function fieldRequirements(text = ''): readonly FieldRequirement[] {
  return text === '' ? [] : unlessMalformed(() => parseFieldSelector(text).requirements);
}

interface WireRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** A SubjectAccessReview knows no Gt and Lt. */
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

/** Kubernetes' rule for what may stand between two slashes. */
function isPathSegment(name: string): boolean {
  return name !== '.' && name !== '..' && !/[/%]/.test(name);
}
