/** Chooses the form of a response, as k8s.io/apiserver's handlers/negotiation. */
import { parseBool } from '../apimachinery/bool.ts';
import { type MediaType, mediaTypes } from '../apimachinery/encoding.ts';
import type { JsonForm } from '../apimachinery/meta.ts';
import { type Clause, parseAccept } from './accept.ts';
import type { ApiRequest } from './requestinfo.ts';

/** Converts the object to another kind, such as Table; parts may be empty. */
export interface Transform {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface Accepted {
  readonly mediaType: MediaType;
  readonly transform: Transform | undefined;
  readonly form: JsonForm;
}

/** The forms that an endpoint offers. */
export interface Restrictions {
  allowsTransform(mediaType: MediaType, transform: Transform | undefined): boolean;
  /** The version of meta.k8s.io that `sv` may name. */
  readonly serverVersion?: string;
}

/** Offers the object itself only. */
export const noTransform: Restrictions = { allowsTransform: (_mediaType, transform) => transform === undefined };

/** Returns the best accepted form, or undefined. */
export function negotiate(
  request: Pick<ApiRequest, 'info' | 'header'>,
  restrictions: Restrictions,
): Accepted | undefined {
  const accept = request.header('accept');
  const form = jsonForm(request.info.query, request.header('user-agent'));
  if (accept === '') return { mediaType: mediaTypes[0], transform: undefined, form };
  for (const clause of parseAccept(accept)) {
    for (const mediaType of mediaTypes) {
      if (!matches(clause, mediaType) || !isAllowed(clause, mediaType, restrictions)) continue;
      const pretty = clause.parameters.get('pretty') === '1';
      return { mediaType, transform: transformOf(clause), form: pretty ? 'pretty' : form };
    }
  }
  return undefined;
}

/** Indents for people: by ?pretty, else by k8s.io/apiserver's user agents, case-sensitive. */
export function jsonForm(query: ReadonlyMap<string, string>, userAgent: string): JsonForm {
  const pretty = query.get('pretty') ?? '';
  if (pretty !== '') return parseBool(pretty) === true ? 'pretty' : 'compact';
  return ['curl', 'Wget', 'Mozilla/5.0'].some((prefix) => userAgent.startsWith(prefix)) ? 'pretty' : 'compact';
}

function matches({ type, subtype }: Clause, mediaType: MediaType): boolean {
  if (type === '*' && subtype === '*') return true;
  return mediaType === `${type}/${subtype}` || (subtype === '*' && mediaType.startsWith(`${type}/`));
}

function isAllowed(clause: Clause, mediaType: MediaType, restrictions: Restrictions): boolean {
  const stream = clause.parameters.get('stream') ?? '';
  // Nothing is streamed, but Kubernetes accepts the parameter except for YAML.
  if (stream !== '' && (stream !== 'watch' || mediaType === 'application/yaml')) return false;
  const serverVersion = clause.parameters.get('sv') ?? '';
  if (serverVersion !== '' && serverVersion !== restrictions.serverVersion) return false;
  return restrictions.allowsTransform(mediaType, transformOf(clause));
}

function transformOf({ parameters }: Clause): Transform | undefined {
  const [kind, group, version] = [parameters.get('as'), parameters.get('g'), parameters.get('v')];
  if (kind === undefined && group === undefined && version === undefined) return undefined;
  return { kind: kind ?? '', group: group ?? '', version: version ?? '' };
}
