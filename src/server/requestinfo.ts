/** Parses method and URL once, so that what was authorized is served. Follows k8s.io/apiserver's RequestInfoFactory. */
import { percentDecode } from '../apimachinery/percent.ts';
import type { ResourceAttributes } from '../auth/attributes.ts';
import type { QueueShare } from '../eventloopqueue.ts';
import type { Caller } from '../metricsource/source.ts';

export interface RequestInfo {
  readonly method: string;
  /** Percent-decoded. */
  readonly path: string;
  /** First values. */
  readonly query: ReadonlyMap<string, string>;
  /** For `valuesOf`. */
  readonly rawQuery: string;
  /** Undefined unless the path begins with /apis/<group>/<version>/<resource> or /api/<version>/<resource>. */
  readonly resource: ResourceRequest | undefined;
  /**
   * cluster is `<resource>[/<name>[/<subresource>]]`, namespaced is `namespaces/<namespace>/` before the same, also with
   * an empty namespace. Others are authorized, but not served.
   */
  readonly shape: 'cluster' | 'namespaced' | 'other';
}

/** Selectors are in the query. */
export type ResourceRequest = Omit<ResourceAttributes, 'kind' | 'labelSelector' | 'fieldSelector'>;

/** The request that a handler gets. */
export interface ApiRequest {
  readonly info: RequestInfo;
  /** Returns the first line, or the empty string. */
  readonly header: (name: string) => string;
  /** False if the review fails; absent for anonymous requests. */
  readonly mayGet?: (path: string) => Promise<boolean>;
  readonly caller: Caller;
  /** Absent for anonymous requests. */
  readonly share?: QueueShare | undefined;
  /** Returns a signal that aborts when the response has ended, also by its deadline or with its connection. */
  readonly signal: () => AbortSignal;
}

/**
 * @param target the URL as sent, in Latin-1; may be absolute.
 * @returns undefined for a bad path or too many parameters.
 */
export function requestInfo(method: string, target: string): RequestInfo | undefined {
  const [rawPath, rawQuery] = split(target.replace(absolute, ''), '?');
  const path = percentDecode(rawPath);
  if (path === undefined) return undefined;
  const query = readQuery(rawQuery);
  if (query === undefined) return undefined;
  return { method, path, query, rawQuery, ...readResource(method, path, query) };
}

/** HTTP/1.1 allows absolute URLs; only the path counts. */
const absolute = /^https?:\/\/[^/?]*/i;

function readResource(
  method: string,
  path: string,
  query: ReadonlyMap<string, string>,
): Pick<RequestInfo, 'resource' | 'shape'> {
  const [prefix = '', ...behind] = trimSlashes(path).split('/');
  const [group = '', version = '', ...below] = prefix === 'api' ? ['', ...behind] : behind;
  const [first] = below;
  if (!apiPrefixes.has(prefix) || first === undefined) return { resource: undefined, shape: 'other' };
  // Deprecated verbs in the path are authorized, but not served.
  const special = below.length > 1 && specialVerbs.has(first) ? first : undefined;
  const rest = special === undefined ? below : below.slice(1);
  const inNamespace = rest[0] === 'namespaces';
  const parts = inNamespace && rest.length > 2 && !partsOfNamespace.has(rest[2] ?? '') ? rest.slice(2) : rest;
  const [resource = '', name = '', third = ''] = parts;
  const namespace = inNamespace ? (rest[1] ?? '') : '';
  const subresource = special === 'proxy' ? '' : third;
  const verb = special ?? verbOf(method, name, query);
  const shape = special !== undefined || parts.length > 3 ? 'other' : inNamespace ? 'namespaced' : 'cluster';
  return { resource: { verb, group, version, resource, subresource, namespace, name }, shape };
}

const apiPrefixes: ReadonlySet<string> = new Set(['api', 'apis']);
const specialVerbs: ReadonlySet<string> = new Set(['watch', 'proxy']);
const partsOfNamespace: ReadonlySet<string> = new Set(['status', 'finalize']);

export function trimSlashes(path: string): string {
  let start = 0;
  let end = path.length;
  while (start < end && path[start] === '/') start += 1;
  while (end > start && path[end - 1] === '/') end -= 1;
  return path.slice(start, end);
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

export function isWatch(query: ReadonlyMap<string, string>): boolean {
  return isTrue(query.get('watch'));
}

/** Accepts anything but 0 and false, also the bare word. */
export function isTrue(value: string | undefined): boolean {
  return value !== undefined && value !== '0' && value.toLowerCase() !== 'false';
}

/** Returns all values of a repeated parameter. */
export function valuesOf({ rawQuery }: RequestInfo, name: string): readonly string[] {
  return [...pairsOf(rawQuery)].filter(([key]) => key === name).map(([, value]) => value);
}

/** The API has a dozen, and `node` of /status may be repeated. Go allows 10,000. */
export const parameterLimit = 1000;

function readQuery(text: string): ReadonlyMap<string, string> | undefined {
  if (text.split('&', parameterLimit + 1).length > parameterLimit) return undefined;
  const query = new Map<string, string>();
  for (const [key, value] of pairsOf(text)) if (!query.has(key)) query.set(key, value);
  return query;
}

/** As Go's url.ParseQuery: drops pairs with a semicolon or a bad encoding; + is a space. */
function* pairsOf(text: string): Generator<[string, string]> {
  for (const pair of text.split('&')) {
    if (pair === '' || pair.includes(';')) continue;
    const [rawKey, rawValue] = split(pair.replaceAll('+', ' '), '=');
    const key = percentDecode(rawKey);
    const value = percentDecode(rawValue);
    if (key !== undefined && value !== undefined) yield [key, value];
  }
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
