/** A real HTTPS server that answers like kube-apiserver where we ask it: list, get, watch and reviews, with faults on demand. */
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiServer } from '../../src/client/apiserver.ts';
import { createReader, refuse, reply, targetOf } from './apiread.ts';
import { createWatches, type Watches } from './apiwatch.ts';
import { type Authority, makeAuthority } from './certificates.ts';
import { clientNameOf } from './clientname.ts';
import { type PatchedApiService, patchApiService } from './jsonpatch.ts';
import { forwardToKubelet, type KubeletEndpoint } from './nodeproxy.ts';
import type { KubeObject } from './kubeobjects.ts';
import { createObjectStore, type ObjectStore } from './objectstore.ts';
import { createTokenIssuer, type TokenRequests } from './tokenrequests.ts';

export interface FakeApiServer extends AsyncDisposable {
  readonly url: string;
  /** PEM of the authority that the server's certificate is from. */
  readonly ca: string;
  /** How a client of ours reaches it, with the token `fake`. */
  readonly connection: ApiServer;
  readonly objects: ObjectStore;
  /** Answers to a GET of any other path, or instead of an object: JSON, a Status with its code, plain text, or one of them by the query. */
  readonly documents: Map<string, object | string>;
  readonly watches: Watches;
  readonly faults: Faults;
  readonly reviews: Reviews;
  readonly tokens: TokenRequests;
  /** All that came in, in order, also what was refused. */
  readonly requests: readonly ReceivedRequest[];
  close(): Promise<void>;
}

export interface FakeApiServerOptions {
  /** 0 takes a free one. */
  readonly port?: number;
  /** Default: one of its own. */
  readonly authority?: Authority;
  /** PEM bundle; with it, client certificates are asked for, and their CN is recorded if they are good. */
  readonly clientCa?: string;
  readonly bookmarkMs?: number;
  /** Where the node proxy leads, by node. */
  readonly kubelets?: ReadonlyMap<string, KubeletEndpoint>;
}

export interface ReceivedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** CN of the client certificate. */
  readonly clientName: string | undefined;
}

/** Faults from now on; set back to undo. */
export interface Faults {
  /** The status to answer with instead, or to close the connection without one, for the requests that it returns something for. */
  answer: ((request: ReceivedRequest) => number | 'hang up' | undefined) | undefined;
  /** Headers of those answers. */
  headers: Readonly<Record<string, string>>;
  /** Whether protobuf is not spoken, as if a proxy stood between. */
  jsonOnly: boolean;
  /** How long each answer takes. */
  delayMs: number;
  /** Whether credentials are good; otherwise 401. */
  accepts: (request: ReceivedRequest) => boolean;
  /** Forgets all versions: watches end with 410, and so do pages that were begun. */
  expire(): void;
  /** Breaks all connections and refuses new ones. */
  down(): Promise<void>;
  /** Listens again on the same port. */
  up(): Promise<void>;
  /** Shows new connections a certificate of another authority. */
  present(authority: Authority): void;
}

/** Answers to TokenReview and SubjectAccessReview; by default no token is valid and nothing is allowed. */
export interface Reviews {
  /** The `status` for a token, at once or later. */
  token: (token: string) => object | Promise<object>;
  /** The `status` for a spec, at once or later; the spec of a SelfSubjectAccessReview has no user. */
  access: (spec: Readonly<Record<string, unknown>>, authorization?: string) => object | Promise<object>;
}

const host = '127.0.0.1';

export async function createFakeApiServer(options: FakeApiServerOptions = {}): Promise<FakeApiServer> {
  const authority = options.authority ?? makeAuthority('fake kube-apiserver CA');
  const server = createServer(
    { ...serving(authority), requestCert: options.clientCa !== undefined, rejectUnauthorized: false, ...clientCa() },
    (incoming, response) => void receive(incoming, response).catch(() => response.destroy()),
  );
  // Also those that are still in their TLS handshake, of which node:https knows nothing.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  let port = options.port ?? 0;
  await up();

  const objects = createObjectStore();
  const watches = createWatches(objects, options.bookmarkMs ?? 60_000);
  const reader = createReader(objects, watches);
  const requests: ReceivedRequest[] = [];
  const documents = new Map<string, object | string>([
    ['/version', { major: '1', minor: '37', gitVersion: 'v1.37.2' }],
  ]);
  const tokens = createTokenIssuer();
  const kubelets = options.kubelets ?? new Map<string, KubeletEndpoint>();
  const reviews: Reviews = {
    token: () => ({ user: {}, error: 'invalid bearer token' }),
    access: () => ({ allowed: false }),
  };
  const faults: Faults = {
    answer: undefined,
    headers: {},
    jsonOnly: false,
    delayMs: 0,
    accepts: () => true,
    expire,
    down,
    up,
    present,
  };
  const url = `https://${host}:${port}`;
  const material = { ca: authority.cert, rejectUnauthorized: true };
  const connection = { url, tls: () => material, authorization: async () => 'Bearer fake' };
  return {
    url,
    ca: authority.cert,
    connection,
    objects,
    documents,
    watches,
    faults,
    reviews,
    tokens,
    requests,
    close: down,
    [Symbol.asyncDispose]: down,
  };

  function clientCa(): { readonly ca?: string } {
    return options.clientCa === undefined ? {} : { ca: options.clientCa };
  }

  async function up(): Promise<void> {
    if (server.listening) return;
    server.listen(port, host);
    await once(server, 'listening');
    port = portOf(server.address());
  }

  async function down(): Promise<void> {
    if (!server.listening) return;
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  }

  function present(other: Authority): void {
    server.setSecureContext({ ...serving(other), ...clientCa() });
  }

  function expire(): void {
    objects.forget();
    watches.expire();
  }

  async function receive(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(incoming);
    const { pathname, searchParams } = new URL(incoming.url ?? '/', url);
    const request = {
      method: incoming.method ?? '',
      path: pathname,
      query: searchParams,
      headers: incoming.headers,
      clientName: clientNameOf(incoming.socket),
    };
    requests.push(request);
    if (faults.delayMs > 0) await sleep(faults.delayMs, undefined, { ref: false });
    const code = faults.answer?.(request) ?? (faults.accepts(request) ? undefined : 401);
    if (code === 'hang up') incoming.socket.destroy();
    else if (code !== undefined) {
      for (const [name, value] of Object.entries(faults.headers)) response.setHeader(name, value);
      refuse(response, code, `the fake answers ${code}`);
    } else if (request.method === 'GET' && documents.has(pathname))
      answerWith(response, documentOf(documents.get(pathname) ?? {}, searchParams));
    else if (request.method === 'PATCH') patch(request, body, response);
    else if (request.method === 'PUT') replace(request, body, response);
    else if (request.method === 'POST' && tokens.serve(request.path, body, response)) return;
    else if (request.method === 'POST') await review(request, body, response);
    else if (!forwardToKubelet(kubelets, incoming, response)) reader.serve(request, response, faults.jsonOnly);
  }

  /** JSON patches, validated as APIServices are. */
  function patch({ path, headers }: ReceivedRequest, body: string, response: ServerResponse): void {
    const { kind, name = '', namespace } = targetOf(path) ?? {};
    const object = kind && objects.get(kind, name, namespace);
    if (object === undefined) refuse(response, 404, 'the server could not find the requested resource');
    else if (headers['content-type'] !== 'application/json-patch+json') refuse(response, 415, 'send a JSON patch');
    else {
      try {
        objects.set(patchApiService(object as KubeObject & PatchedApiService, body));
        reply(response, 200, objects.get(object.kind, name, namespace) ?? {});
      } catch (error) {
        refuse(response, 422, String(error));
      }
    }
  }

  /** Replaces an object, if the resourceVersion in the body is the current one or none. */
  function replace({ path }: ReceivedRequest, body: string, response: ServerResponse): void {
    const { kind, name = '', namespace } = targetOf(path) ?? {};
    const current = kind && objects.get(kind, name, namespace);
    if (current === undefined) return refuse(response, 404, 'the server could not find the requested resource');
    const object: KubeObject = JSON.parse(body);
    const { resourceVersion } = object.metadata;
    if (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion) {
      return refuse(response, 409, 'the object has been modified; please apply your changes to the latest version');
    }
    objects.set(object);
    return reply(response, 200, objects.get(current.kind, name, namespace) ?? {});
  }

  async function review({ path, headers }: ReceivedRequest, body: string, response: ServerResponse): Promise<void> {
    const object = JSON.parse(body);
    if (path === '/apis/authentication.k8s.io/v1/tokenreviews') {
      reply(response, 201, { ...object, status: await reviews.token(object.spec.token) });
    } else if (/^\/apis\/authorization\.k8s\.io\/v1\/(?:self)?subjectaccessreviews$/.test(path)) {
      reply(response, 201, { ...object, status: await reviews.access(object.spec, headers.authorization) });
    } else refuse(response, 404, 'the server could not find the requested resource');
  }
}

function documentOf(document: object | string, query: URLSearchParams): object | string {
  return typeof document === 'function' ? (document as (query: URLSearchParams) => object | string)(query) : document;
}

function answerWith(response: ServerResponse, document: object | string): void {
  if (typeof document === 'string') response.writeHead(200, { 'content-type': 'text/plain' }).end(document);
  else reply(response, 'code' in document ? Number(document.code) : 200, document);
}

function serving(authority: Authority): { readonly cert: string; readonly key: string } {
  return authority.issue({
    cn: 'kube-apiserver',
    dns: ['kubernetes.default.svc', 'localhost'],
    ips: [host, '::1'],
    usages: ['server'],
  });
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the fake API server listens on no port');
  return address.port;
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
