/** The stand-in's kube-apiserver as clients see it: knows users, merges discovery, and passes metrics.k8s.io and custom.metrics.k8s.io on as kube-aggregator does. */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { TLSSocket } from 'node:tls';
import { refuse } from '../fakes/apiread.ts';
import type { Issued } from '../fakes/certificates.ts';
import { listen, loopback } from '../fakes/listen.ts';
import { aggregatedMediaType, allGroups, coreGroups, discoveryDocument, wantsAggregated } from './discovery.ts';
import { negotiateJson } from './jsononly.ts';
import { answerSelfReview, selfReviewPath } from './selfreview.ts';
import { createUpstream, type Upstream, type UpstreamOptions } from './upstream.ts';
import type { User, Users } from './users.ts';

export interface AggregatorOptions {
  readonly port: number;
  readonly serving: Issued;
  /** PEM; client certificates must be from it. */
  readonly clientCa: string;
  readonly users: Users;
  /** Nodes, pods, the ConfigMap, reviews. */
  readonly core: UpstreamOptions;
  /** The bearer token that it takes. */
  readonly coreToken: string;
  /** The metrics server, with the front proxy's client certificate. */
  readonly metrics: UpstreamOptions;
}

export interface Aggregator extends AsyncDisposable {
  readonly url: string;
}

/** @throws Error with the code EADDRINUSE when the port is taken. */
export async function createAggregator(options: AggregatorOptions): Promise<Aggregator> {
  const { users, serving, clientCa, coreToken } = options;
  const core = createUpstream(options.core);
  const metrics = createUpstream(options.metrics);
  const server = createServer(
    { ...serving, ca: clientCa, requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] },
    (request, response) => void handle(request, response).catch(() => response.destroy()),
  );
  const port = await listen(server, options.port);
  return { url: `https://${loopback}:${port}`, [Symbol.asyncDispose]: close };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    if (healthPaths.has(path)) {
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('ok');
      return;
    }
    const user = userOf(request);
    if (user === undefined) {
      refuse(response, 401, 'Unauthorized');
      return;
    }
    const own = request.method === 'GET' ? await discover(path, request.headers.accept ?? '') : undefined;
    if (own !== undefined) {
      const text = `${JSON.stringify(own.document)}\n`;
      response.writeHead(200, { 'content-type': own.contentType, 'content-length': Buffer.byteLength(text) }).end(text);
    } else if (metricsPath.test(path) || /^\/openapi\/v[23](?:\/|$)/.test(path)) {
      // The core group is described nowhere: `kubectl explain` knows what the server serves.
      metrics.forward(request, response, proxyHeaders(request, user));
    } else if (path === selfReviewPath && request.method === 'POST') {
      await answerSelfReview(request, response, user);
    } else if (nodeProxy.test(path)) {
      core.forward(request, response, { ...request.headers, authorization: `Bearer ${coreToken}` });
    } else if (path.startsWith('/api/') || path.startsWith('/apis/')) {
      const accept = negotiateJson(request, response);
      if (accept === undefined) return;
      core.forward(request, response, { ...request.headers, accept, authorization: `Bearer ${coreToken}` });
    } else {
      refuse(response, 404, 'the server could not find the requested resource');
    }
  }

  /** A client certificate wins over a token; there are no anonymous users. */
  function userOf({ socket, headers }: IncomingMessage): User | undefined {
    if (socket instanceof TLSSocket && socket.authorized) {
      const user = users.byCertificate(socket.getPeerCertificate());
      if (user !== undefined) return user;
    }
    const token = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    return token === undefined ? undefined : users.byToken(token);
  }

  async function discover(path: string, accept: string) {
    if (!wantsAggregated(accept) || (path !== '/api' && path !== '/apis')) {
      const document = discoveryDocument(path);
      return document && { document, contentType: 'application/json' };
    }
    const document = path === '/api' ? coreGroups : allGroups(await serverDiscovery(metrics));
    return { document, contentType: aggregatedMediaType };
  }

  async function close(): Promise<void> {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
    core.close();
    metrics.close();
  }
}

/** Kubelets answer in other forms than JSON, too. */
const nodeProxy = /^\/api\/v1\/nodes\/[^/]+\/proxy\//;

const metricsPath = /^\/apis\/(?:custom\.)?metrics\.k8s\.io\//;

const healthPaths: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz']);

/** Asked as kube-aggregator asks, once per client's question; undefined while the server is away. */
function serverDiscovery(metrics: Upstream): Promise<unknown> {
  return metrics.getJson('/apis', {
    accept: aggregatedMediaType,
    'x-remote-user': 'system:kube-aggregator',
    'x-remote-group': 'system:masters',
  });
}

/**
 * Returns the headers that replace the client's credentials. Headers of the kind from the client are dropped: only the
 * front proxy's word counts.
 */
function proxyHeaders({ headers, socket, url }: IncomingMessage, user: User): OutgoingHttpHeaders {
  const passed = Object.entries(headers).filter(([name]) => !credentialHeader.test(name));
  const forwardedFor = [headers['x-forwarded-for'] ?? [], socket.remoteAddress ?? ''].flat().join(', ');
  return {
    ...Object.fromEntries(passed),
    'x-remote-user': user.username,
    // An array is one line per group.
    'x-remote-group': [...user.groups],
    'x-remote-extra-authentication.kubernetes.io%2fcredential-id': `STANDIN=${createHash('sha256').update(user.username).digest('hex')}`,
    ...(user.uid === '' ? {} : { 'x-remote-uid': user.uid }),
    'x-forwarded-for': forwardedFor,
    'x-forwarded-host': headers.host ?? '',
    'x-forwarded-proto': 'https',
    'x-forwarded-uri': url ?? '',
    'audit-id': headers['audit-id'] ?? randomUUID(),
  };
}

const credentialHeader = /^(?:authorization|host|connection|x-remote-.*|impersonate-.*)$/;
