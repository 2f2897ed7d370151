/** Serves the OpenAPI documents as k8s.io/kube-openapi does: who has one already, or knows its hash, need not get it again. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { OpenApi, OpenApiDocument } from '../api/openapi/openapi.ts';
import { elementsOf, parseAccept } from './accept.ts';
import type { ShortReply } from './reply.ts';
import type { ApiRequest } from './requestinfo.ts';

/** By path. */
export type OpenApiEndpoints = ReadonlyMap<string, Endpoint>;

type Endpoint = (request: ApiRequest) => ShortReply | Promise<ShortReply>;

/** @param now milliseconds since the epoch, for how long a document may be kept. */
export function createOpenApiEndpoints({ v2, v3, v3Index }: OpenApi, now: () => number): OpenApiEndpoints {
  return new Map<string, Endpoint>([
    ['/openapi/v2', (request) => serveV2(v2, request)],
    ['/openapi/v3', (request) => unlessKnown(request, v3Index.hash, {}, json, () => v3Index.json)],
    ...[...v3].map(([name, document]): [string, Endpoint] => [
      `/openapi/v3/${name}`,
      (request) => serveV3(document, request, now),
    ]),
  ]);
}

async function serveV2(document: OpenApiDocument, request: ApiRequest): Promise<ShortReply> {
  const vary = 'Accept-Encoding, Accept';
  const type = chosenType(request, 'v2');
  if (type === undefined) return empty(406, { vary });
  const reply = unlessKnown(request, document.hash, { vary }, type, () => bodyOf(document, type));
  if (reply.status !== 200 || !takesGzip(request.header('accept-encoding'))) return reply;
  const body = await compress(reply.body);
  return { ...reply, headers: { ...reply.headers, 'content-encoding': 'gzip' }, body };
}

/** Serves the document whatever hash the link has: kube-apiserver does not follow a redirect to the right one, but answers 502. */
function serveV3(document: OpenApiDocument, request: ApiRequest, now: () => number): ShortReply {
  const vary = 'Accept';
  const type = chosenType(request, 'v3');
  if (type === undefined) return empty(406, { vary });
  const hash = request.info.query.get('hash') ?? '';
  const headers = { vary, ...lifeOf(hash, document, now()) };
  return unlessKnown(request, document.hash, headers, type, () => bodyOf(document, type));
}

/**
 * Returns the headers that say how long the answer may be kept. Links carry the document's hash, so what a current link leads to never changes.
 * A link with another hash is of another version of this server, which kube-apiserver learns of within a minute.
 */
function lifeOf(hash: string, document: OpenApiDocument, nowMs: number): Readonly<Record<string, string>> {
  if (hash === '') return {};
  if (hash === document.hash) return { 'cache-control': 'public, immutable', expires: inAYear(nowMs) };
  return { 'cache-control': `public, max-age=${outdatedLinkLifeSeconds}` };
}

/** Seconds that a document may be kept under a link with another document's hash. */
const outdatedLinkLifeSeconds = 10;

type Version = 'v2' | 'v3';

const json = 'application/json';
const protobuf = { v2: protobufType('v2'), v3: protobufType('v3') };

/** With @ in place of the first point is how it was called once, which is no valid media type; old clients ask for it. */
function protobufType(version: Version): string {
  return `application/com.github.proto-openapi.spec.${version}.v1.0+protobuf`;
}

/** Undefined where the client wants nothing that we have. */
function chosenType(request: ApiRequest, version: Version): string | undefined {
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

/** Both encodings have one ETag: Vary keeps them apart. */
function unlessKnown(
  request: ApiRequest,
  hash: string,
  otherHeaders: Readonly<Record<string, string>>,
  contentType: string,
  body: () => Buffer,
): ShortReply {
  const headers = { ...otherHeaders, etag: quoted(hash) };
  if (isKnown(request.header('if-none-match'), quoted(hash))) return empty(304, headers);
  return { status: 200, contentType, headers, body: body() };
}

/** As Go compares: any tag of a list, weak ones too, or the star. */
function isKnown(ifNoneMatch: string, etag: string): boolean {
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
