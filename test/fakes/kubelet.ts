/** A kubelet as far as metrics go: HTTPS on loopback, a bearer token, two endpoints, and everything that can go wrong with them. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { gzipSync } from 'node:zlib';
import { clientNameOf } from './clientname.ts';
import { encodeFamilies, type Family, wantedBy } from './exposition.ts';
import { type KubeletFault, respondWith, rowShapeOf } from './kubeletfaults.ts';
import { type KubeletModel, smallKubeletModel } from './kubeletmodel.ts';
import { cadvisorFamilies, resourceFamilies } from './kubeletrows.ts';
import { listen } from './listen.ts';

export interface FakeKubeletOptions {
  /** Serving certificate and key, PEM. */
  readonly certificate: KubeletCertificate;
  /** Whether a bearer token may come in; '' is a request without one. */
  readonly accepts: (token: string) => boolean;
  /** The node's samples; by default a small node whose samples are a few seconds old. */
  readonly model?: KubeletModel;
  /** Whether name[] is obeyed, as from Kubernetes 1.37 on. */
  readonly filters?: boolean;
  /** The node's clock. */
  readonly now?: () => number;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** PEM bundle; with it, client certificates are asked for, and the name in a good one is recorded. */
  readonly clientCa?: string;
}

export interface KubeletCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface KubeletFaults {
  cadvisor: KubeletFault;
  resource: KubeletFault;
  /** Housekeeping has stopped: every answer has the samples of the first one after it was set. */
  frozen: boolean;
}

/** A request as it came in. */
export interface KubeletRequestRecord {
  readonly path: string;
  /** The values of name[]. */
  readonly names: readonly string[];
  readonly accept: string;
  readonly acceptEncoding: string;
  readonly authorization: string;
  readonly userAgent: string;
  /** CN of the client certificate, if it is good. */
  readonly clientName: string | undefined;
  /** The caller's port: the same for requests over the same connection. */
  readonly remotePort: number;
}

export interface FakeKubelet extends AsyncDisposable {
  readonly port: number;
  /** May be replaced, and changed in place. */
  model: KubeletModel;
  /** May be changed at any time; holds for the requests that come after. */
  readonly faults: KubeletFaults;
  /** The latest ones, oldest first. */
  readonly requests: readonly KubeletRequestRecord[];
  /** Shows another certificate from now on; open connections are cut. */
  useCertificate(certificate: KubeletCertificate): void;
  close(): Promise<void>;
}

/** A stand-in runs for days; no test looks further back than this. */
const requestLimit = 1_000;

export async function createFakeKubelet(options: FakeKubeletOptions): Promise<FakeKubelet> {
  const { certificate, accepts, filters = true, now = Date.now, port = 0, clientCa } = options;
  const faults: KubeletFaults = { cadvisor: 'none', resource: 'none', frozen: false };
  const requests: KubeletRequestRecord[] = [];
  let frozenModel: KubeletModel | undefined;

  const server = createServer(
    {
      ...certificate,
      ALPNProtocols: ['http/1.1'],
      keepAliveTimeout: 90_000,
      requestCert: clientCa !== undefined,
      rejectUnauthorized: false,
      ...(clientCa === undefined ? {} : { ca: clientCa }),
    },
    handle,
  );
  // A client that does not like the certificate or goes away is the client's affair.
  server.on('tlsClientError', () => {});
  const listeningPort = await listen(server, port, options.host);

  const kubelet: FakeKubelet = {
    port: listeningPort,
    model: options.model ?? smallKubeletModel('node-a', now()),
    faults,
    requests,
    useCertificate(other) {
      server.setSecureContext(other);
      server.closeAllConnections();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return kubelet;

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'https://kubelet');
    const names = url.searchParams.getAll('name[]');
    record(request, url.pathname, names);
    const endpoint = endpoints.get(url.pathname);
    response.setHeader('date', new Date(now()).toUTCString());
    if (!accepts(bearerToken(request))) {
      response.writeHead(401, { 'content-type': 'text/plain; charset=utf-8' }).end('Unauthorized');
    } else if (endpoint === undefined || request.method !== 'GET') {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
    } else {
      const fault = faults[endpoint];
      const families =
        endpoint === 'resource' ? resourceFamilies(model()) : cadvisorFamilies(model(), rowShapeOf(fault), now());
      respondWith(
        fault,
        response,
        toBody(request, filters && names.length > 0 ? onlyNamed(families, names) : families),
      );
    }
  }

  function model(): KubeletModel {
    frozenModel = faults.frozen ? (frozenModel ?? structuredClone(kubelet.model)) : undefined;
    return frozenModel ?? kubelet.model;
  }

  function record({ headers, socket }: IncomingMessage, path: string, names: readonly string[]): void {
    requests.push({
      path,
      names,
      accept: headers.accept ?? '',
      acceptEncoding: headers['accept-encoding'] ?? '',
      authorization: headers.authorization ?? '',
      userAgent: headers['user-agent'] ?? '',
      clientName: clientNameOf(socket),
      remotePort: socket.remotePort ?? 0,
    });
    if (requests.length > requestLimit) requests.shift();
  }

  async function close(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }
}

const endpoints: ReadonlyMap<string, 'cadvisor' | 'resource'> = new Map([
  ['/metrics/cadvisor', 'cadvisor'],
  ['/metrics/resource', 'resource'],
]);

function bearerToken({ headers }: IncomingMessage): string {
  return /^bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
}

function onlyNamed(families: readonly Family[], names: readonly string[]): Family[] {
  return families.filter(({ name }) => names.includes(name));
}

/** The families in the format and with the compression that were asked for. */
function toBody({ headers }: IncomingMessage, families: readonly Family[]) {
  const { protobuf, gzip } = wantedBy(headers);
  const { bytes, contentType } = encodeFamilies(families, protobuf);
  return {
    headers: { 'content-type': contentType, ...(gzip ? { 'content-encoding': 'gzip' } : {}) },
    bytes,
    compress: gzip ? (whole: Uint8Array) => gzipSync(whole) : (whole: Uint8Array) => whole,
  };
}
