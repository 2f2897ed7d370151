/**
 * What a request asks for, read once from its method and URL. Authorization and routing both go by this one reading, so that what was
 * authorized is what is served. Follows k8s.io/apiserver's RequestInfoFactory.
 */
import type { JsonForm } from '../apimachinery/meta.ts';
import { percentDecode } from '../apimachinery/percent.ts';
import type { ResourceAttributes } from '../auth/attributes.ts';

export interface RequestInfo {
  readonly method: string;
  /** Percent-decoded. */
  readonly path: string;
  /** The first value of each parameter. */
  readonly query: ReadonlyMap<string, string>;
  /** Undefined for a path that is not below /apis/<group>/<version>/<resource>. */
  readonly resource: ResourceRequest | undefined;
}

/** What authorization is asked about, but for the selectors: they are in the query. */
export type ResourceRequest = Omit<ResourceAttributes, 'kind' | 'labelSelector' | 'fieldSelector'>;

/** A request after all that is the same for every endpoint. */
export interface ApiRequest {
  readonly info: RequestInfo;
  readonly form: JsonForm;
  /** A header's value, or the empty string. */
  readonly header: (name: string) => string;
}

/**
 * Reads a request line.
 * @param target the URL as sent: a path with its query, or an absolute one.
 * @returns undefined where it cannot be decoded.
 */
export function requestInfo(method: string, target: string): RequestInfo | undefined {
  const [rawPath, rawQuery] = split(target.replace(absolute, ''), '?');
  const path = percentDecode(rawPath);
  if (path === undefined) return undefined;
  const query = readQuery(rawQuery);
  return { method, path, query, resource: readResource(method, path, query) };
}

/** HTTP/1.1 lets a client send the whole URL; only its path counts. */
const absolute = /^https?:\/\/[^/?]*/i;

function readResource(method: string, path: string, query: ReadonlyMap<string, string>): ResourceRequest | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts[0] !== 'apis' || parts.length < 4) return undefined;
  const [, group = '', version = '', ...rest] = parts;
  const inNamespace = rest[0] === 'namespaces' && rest.length > 2;
  const [resource = '', name = '', subresource = ''] = inNamespace ? rest.slice(2) : rest;
  const namespace = inNamespace ? (rest[1] ?? '') : resource === 'namespaces' ? name : '';
  return { verb: verbOf(method, name, query), group, version, resource, subresource, namespace, name };
}

function verbOf(method: string, name: string, query: ReadonlyMap<string, string>): string {
  const verb = verbs.get(method) ?? '';
  if (name !== '') return verb;
  if (verb === 'get') return isWatch(query) ? 'watch' : 'list';
  return verb === 'delete' ? 'deletecollection' : verb;
}

const verbs: ReadonlyMap<string, string> = new Map([
  ['GET', 'get'],
  ['HEAD', 'get'],
  ['POST', 'create'],
  ['PUT', 'update'],
  ['PATCH', 'patch'],
  ['DELETE', 'delete'],
]);

/** Anything but 0 and false asks for a watch, also the bare word. */
export function isWatch(query: ReadonlyMap<string, string>): boolean {
  const watch = query.get('watch');
  return watch !== undefined && watch !== '0' && watch !== 'false';
}

/** As Go's url.ParseQuery: pairs that cannot be decoded or hold a semicolon are dropped, + is a space, the first value counts. */
function readQuery(text: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const pair of text.split('&')) {
    if (pair === '' || pair.includes(';')) continue;
    const [rawKey, rawValue] = split(pair.replaceAll('+', ' '), '=');
    const key = percentDecode(rawKey);
    const value = percentDecode(rawValue);
    if (key !== undefined && value !== undefined && !query.has(key)) query.set(key, value);
  }
  return query;
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
