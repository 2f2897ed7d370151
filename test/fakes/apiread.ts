/** The reads of the fake API server: get, list in pages and watch, whole objects or their metadata. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { gone, type Watches, type WatchRequest } from './apiwatch.ts';
import { type Kind, type KubeObject, kinds } from './kubeobjects.ts';
import { encodeList, protobufType } from './kubeprotobuf.ts';
import { filterOf, keyOf, type ObjectStore } from './objectstore.ts';

export interface ReadRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

export interface Reader {
  serve(request: ReadRequest, response: ServerResponse, jsonOnly?: boolean): void;
}

export function createReader(objects: ObjectStore, watches: Watches): Reader {
  return { serve };

  function serve({ path, query, headers }: ReadRequest, response: ServerResponse, jsonOnly = false): void {
    const target = targetOf(path);
    if (target === undefined) {
      refuse(response, 404, 'the server could not find the requested resource');
      return;
    }
    const { kind, namespace, name } = target;
    const shape = headers.accept?.includes('as=PartialObjectMetadata') ? toMetadata : toWhole;
    if (name !== undefined) {
      const object = objects.get(kind, name, namespace);
      if (object === undefined) refuse(response, 404, `${kinds[kind]} "${name}" not found`);
      else reply(response, 200, shape(object));
      return;
    }
    const filter = filterOf(namespace, query);
    const protobuf = !jsonOnly && headers.accept?.startsWith(protobufType) === true;
    if (query.get('watch') === 'true') watches.open({ kind, filter, query, shape, protobuf }, response);
    else list({ kind, filter, query, shape, protobuf }, response);
  }

  /** One page; `continue` is the version of the list and the key to go on after. */
  function list({ kind, filter, query, shape, protobuf }: WatchRequest, response: ServerResponse): void {
    const limit = Number(query.get('limit') ?? 0) || Number.POSITIVE_INFINITY;
    const { version = String(objects.version()), after = '' } = decodeContinue(query.get('continue'));
    if (objects.since(kind, Number(version)) === undefined) {
      reply(response, 410, gone);
      return;
    }
    const all = objects.list(kind);
    const page: KubeObject[] = [];
    let next = indexAfter(all, after);
    for (let object = all[next]; object !== undefined && page.length < limit; object = all[next]) {
      if (filter(object)) page.push(object);
      next += 1;
    }
    const last = page.at(-1);
    // With a selector kube-apiserver does not know how many more there are, nor whether any.
    const more =
      last !== undefined && next < all.length
        ? { continue: encodeContinue({ version, after: keyOfObject(last) }) }
        : {};
    const body = {
      kind: shape === toMetadata ? 'PartialObjectMetadataList' : `${kind}List`,
      apiVersion: shape === toMetadata ? 'meta.k8s.io/v1' : 'v1',
      metadata: { resourceVersion: version, ...more },
      items: page.map(shape),
    };
    if (protobuf) response.writeHead(200, { 'content-type': protobufType }).end(encodeList(body));
    else reply(response, 200, body);
  }
}

export function reply(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

/** Answers with a Status. */
export function refuse(response: ServerResponse, code: number, message: string): void {
  reply(response, code, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: reasonOf(code),
    code,
  });
}

function reasonOf(code: number): string {
  const reasons = new Map([
    [401, 'Unauthorized'],
    [403, 'Forbidden'],
    [404, 'NotFound'],
    [406, 'NotAcceptable'],
    [410, 'Expired'],
    [415, 'UnsupportedMediaType'],
    [422, 'Invalid'],
    [503, 'ServiceUnavailable'],
  ]);
  return reasons.get(code) ?? 'InternalError';
}

type Shape = (object: KubeObject) => object;

const toWhole: Shape = (object) => object;

const toMetadata: Shape = ({ metadata }) => ({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata });

export interface Target {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

/** Such as /api/v1/nodes/x, /api/v1/pods, /api/v1/namespaces/x/pods/y, /apis/apiregistration.k8s.io/v1/apiservices/x. */
export function targetOf(path: string): Target | undefined {
  const match =
    /^\/(?:api|apis\/[a-z0-9.]+)\/v[12]\/(?:namespaces\/(?<namespace>[^/]+)\/)?(?<resource>[^/]+)(?:\/(?<name>[^/]+))?$/.exec(
      path,
    );
  const { namespace, resource, name } = match?.groups ?? {};
  const kind = allKinds.find((candidate) => kinds[candidate] === resource);
  return kind === undefined ? undefined : { kind, namespace, name };
}

const allKinds = Object.keys(kinds) as readonly Kind[];

/** Where the objects behind this key begin, by halves. */
function indexAfter(sorted: readonly KubeObject[], key: string): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    const object = sorted[middle];
    if (object !== undefined && keyOfObject(object) <= key) from = middle + 1;
    else to = middle;
  }
  return from;
}

function keyOfObject({ kind, metadata }: KubeObject): string {
  return keyOf(kind, metadata.name, metadata.namespace);
}

interface Continue {
  readonly version?: string;
  readonly after?: string;
}

function encodeContinue(next: Continue): string {
  return Buffer.from(JSON.stringify(next)).toString('base64url');
}

function decodeContinue(token: string | null): Continue {
  return token === null ? {} : JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
}
