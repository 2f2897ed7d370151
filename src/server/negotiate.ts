/** Which form of an answer a client wants, of those that there are. Follows k8s.io/apiserver's handlers/negotiation. */
import { parseBool } from '../apimachinery/bool.ts';
import { type MediaType, mediaTypes } from '../apimachinery/encoding.ts';
import type { JsonForm } from '../apimachinery/meta.ts';
import { type Clause, parseAccept } from './accept.ts';
import type { ApiRequest } from './requestinfo.ts';

/** Another kind that the object should be made into; empty where the client did not say. */
export interface Transform {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface Accepted {
  readonly mediaType: MediaType;
  readonly transform: Transform | undefined;
  /** Of JSON. */
  readonly form: JsonForm;
}

/** What an endpoint can make of its object. */
export interface Restrictions {
  allowsTransform(mediaType: MediaType, transform: Transform | undefined): boolean;
  /** The version of meta.k8s.io that may be asked for by `sv`. */
  readonly serverVersion?: string;
}

/** The object as it is, and nothing else. */
export const noTransform: Restrictions = { allowsTransform: (_mediaType, transform) => transform === undefined };

/** The best of what the client accepts, or undefined if it accepts nothing that there is. */
export function negotiate(request: ApiRequest, restrictions: Restrictions): Accepted | undefined {
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

/**
 * Indented for people, compact for programs: by ?pretty, else by the user agents that people hold in their hands.
 * The list is that of k8s.io/apiserver, to the letter case.
 */
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
  // Nothing is streamed here, but asking for what Kubernetes can stream is fine; YAML it cannot.
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
