/** Serves the OpenAPI documents with the ETags and hashed links of k8s.io/kube-openapi. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { OpenApi, OpenApiDocument } from '../api/openapi/openapi.ts';
import { elementsOf, parseAccept } from './accept.ts';
import type { ShortReply } from './reply.ts';
import type { ApiRequest } from './requestinfo.ts';

/** By path. */
export type OpenApiHandlers = ReadonlyMap<string, OpenApiHandler>;

type OpenApiHandler = (request: ApiRequest) => ShortReply | Promise<ShortReply>;

/** @param now returns milliseconds since the epoch. */
export function createOpenApiHandlers({ v2, v3, v3Index }: OpenApi, now: () => number): OpenApiHandlers {
  return new Map<string, OpenApiHandler>([
    ['/openapi/v2', (request) => serveV2(v2, request)],
    ['/openapi/v3', (request) => unlessCached(request, v3Index.hash, {}, json, () => v3Index.json)],
    ...[...v3].map(([name, document]): [string, OpenApiHandler] => [
      `/openapi/v3/${name}`,
      (request) => serveV3(document, request, now),
    ]),
  ]);
}

async function serveV2(document: OpenApiDocument, request: ApiRequest): Promise<ShortReply> {
  const vary = 'Accept-Encoding, Accept';
  const type = chosenType(request, 'v2');
  if (type === undefined) return empty(406, { vary });
  const reply = unlessCached(request, document.hash, { vary }, type, () => bodyOf(document, type));
  if (reply.status !== 200 || !takesGzip(request.header('accept-encoding'))) return reply;
  const body = await compress(reply.body);
  return { ...reply, headers: { ...reply.headers, 'content-encoding': 'gzip' }, body };
}

/** Serves every hash: kube-apiserver answers 502 to a redirect. */
function serveV3(document: OpenApiDocument, request: ApiRequest, now: () => number): ShortReply {
  const vary = 'Accept';
  const type = chosenType(request, 'v3');
  if (type === undefined) return empty(406, { vary });
  const hash = request.info.query.get('hash') ?? '';
  const headers = { vary, ...cacheHeaders(hash, document, now()) };
  return unlessCached(request, document.hash, headers, type, () => bodyOf(document, type));
}

/**
 * A link with the document's hash is immutable. Another hash is of another version of this server, for a minute at
 * most.
 */
function cacheHeaders(hash: string, document: OpenApiDocument, nowMs: number): Readonly<Record<string, string>> {
  if (hash === '') return {};
  if (hash === document.hash) return { 'cache-control': 'public, immutable', expires: inAYear(nowMs) };
  return { 'cache-control': `public, max-age=${outdatedLinkLifeSeconds}` };
}

/** Seconds. */
const outdatedLinkLifeSeconds = 10;

type OpenApiVersion = 'v2' | 'v3';

const json = 'application/json';
const protobuf = { v2: protobufType('v2'), v3: protobufType('v3') };

/** Old clients write @ for the first dot: no valid media type. */
function protobufType(version: OpenApiVersion): string {
  return `application/com.github.proto-openapi.spec.${version}.v1.0+protobuf`;
}

function chosenType(request: ApiRequest, version: OpenApiVersion): string | undefined {
  const offered = [json, protobuf[version]];
  for (const { type, subtype } of parseAccept(request.header('accept') || '*/*')) {
    const wanted = `${type}/${subtype.replace('@', '.')}`;
    const found = offered.find(
      (each) => wanted === '*/*' || wanted === each || (wanted.endsWith('/*') && each.startsWith(wanted.slice(0, -1))),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

function bodyOf(document: OpenApiDocument, type: string): Buffer {
  return type === json ? document.json : document.protobuf();
}

/** Answers 304. Both media types share an ETag; Vary separates them. */
function unlessCached(
  request: ApiRequest,
  hash: string,
  otherHeaders: Readonly<Record<string, string>>,
  contentType: string,
  body: () => Buffer,
): ShortReply {
  const headers = { ...otherHeaders, etag: quoted(hash) };
  if (matchesEtag(request.header('if-none-match'), quoted(hash))) return empty(304, headers);
  return { status: 200, contentType, headers, body: body() };
}

/** Compares as Go: any tag of the list, weak or strong, or `*`. */
function matchesEtag(ifNoneMatch: string, etag: string): boolean {
  const tags = elementsOf(ifNoneMatch).map((tag) => tag.trim());
  return tags.some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag);
}

function takesGzip(acceptEncoding: string): boolean {
  return elementsOf(acceptEncoding).some((coding) => /^\s*gzip\s*(?:;(?!\s*q=0(?:\.0*)?\s*$)|$)/i.test(coding));
}

const compress = promisify<Buffer | string, Buffer>(gzip);

function quoted(hash: string): string {
  return `"${hash}"`;
}

function inAYear(nowMs: number): string {
  const date = new Date(nowMs);
  date.setUTCFullYear(date.getUTCFullYear() + 1);
  return date.toUTCString();
}

function empty(status: number, headers: Readonly<Record<string, string>>): ShortReply {
  return { status, contentType: '', headers, body: '' };
}
