/** A real HTTP server that answers like Prometheus where we ask it: instant queries and series, with faults on demand. */
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { clientNameOf } from './clientname.ts';
import { listen, loopback } from './listen.ts';

export interface PromqlCall {
  readonly method: string;
  /** Without parameters. */
  readonly path: string;
  /** `query` or `series`; empty for any other path. */
  readonly endpoint: string;
  /** Parameters of the URL and, with POST, of the body. */
  readonly parameters: URLSearchParams;
  /** Bytes of the request's target. */
  readonly urlBytes: number;
  readonly headers: IncomingHttpHeaders;
  /** CN of the client certificate. */
  readonly clientName: string | undefined;
}

/**
 * hang: nothing is sent. half: the first half of the body, then the connection is closed. stall: the first half, then
 * nothing. A number is a status with a plain body, as of a proxy.
 */
export type PromqlFault =
  | 'hang'
  | 'hang up'
  | 'half'
  | 'stall'
  | number
  | { readonly code: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> };

export type VectorElement = readonly [labels: Readonly<Record<string, string>>, value: unknown];

export interface FakePrometheus extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** All that came in, in order. */
  readonly requests: readonly PromqlCall[];
  /** Series for a selector, which is the text of match[]. */
  seriesOf: (match: string) => readonly Readonly<Record<string, string>>[];
  /** The vector of a query, or the whole `data`. */
  resultOf: (query: string) => readonly VectorElement[] | { readonly resultType: string; readonly result: unknown };
  /** Beside status and data, such as warnings. */
  extra: Readonly<Record<string, unknown>>;
  /** Seconds since the epoch, of all samples. */
  evaluationSeconds: number;
  fault: ((call: PromqlCall) => PromqlFault | undefined) | undefined;
  /** Requests whose client closed the connection before it had an answer. */
  readonly cancelled: number;
  /** Requests that wait, by faults. */
  readonly waiting: number;
  /** Answers what hangs. */
  release(): void;
  down(): Promise<void>;
  up(): Promise<void>;
}

export interface FakePrometheusOptions {
  /** Prefix of all paths, such as /prometheus. */
  readonly prefix?: string;
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
}

export async function createFakePrometheus({ prefix = '', tls }: FakePrometheusOptions = {}): Promise<FakePrometheus> {
  const requests: PromqlCall[] = [];
  const waiting = new Map<ServerResponse, PromqlCall>();
  const counts = { cancelled: 0 };
  let server = makeServer();
  const port = await listen(server, 0);

  const fake: FakePrometheus = {
    url: `${tls === undefined ? 'http' : 'https'}://${loopback}:${port}${prefix}`,
    port,
    requests,
    seriesOf: () => [],
    resultOf: () => [],
    extra: {},
    evaluationSeconds: 1_795_913_979.894,
    fault: undefined,
    get cancelled() {
      return counts.cancelled;
    },
    get waiting() {
      return waiting.size;
    },
    release() {
      for (const [response, call] of waiting) answer(call, response);
      waiting.clear();
    },
    down,
    async up() {
      server = makeServer();
      await listen(server, port);
    },
    [Symbol.asyncDispose]: down,
  };
  return fake;

  function makeServer(): Server {
    const handler = (request: IncomingMessage, response: ServerResponse) =>
      void handle(request, response).catch(() => response.destroy());
    if (tls === undefined) return createServer(handler);
    const { cert, key, clientCa } = tls;
    const asks = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false };
    return createTlsServer({ cert, key, ...asks }, handler);
  }

  async function down(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await readCall(request);
    requests.push(call);
    response.once('close', () => {
      if (response.writableFinished) return;
      counts.cancelled += 1;
      waiting.delete(response);
    });
    const fault = fake.fault?.(call);
    if (fault === undefined) answer(call, response);
    else misbehave(fault, call, response);
  }

  async function readCall(request: IncomingMessage): Promise<PromqlCall> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const url = new URL(request.url ?? '/', 'http://prometheus');
    const parameters = new URLSearchParams(url.search);
    for (const [name, value] of new URLSearchParams(Buffer.concat(chunks).toString('utf8')))
      parameters.append(name, value);
    const isOurs = url.pathname.startsWith(`${prefix}/api/v1/`);
    return {
      method: request.method ?? '',
      path: url.pathname,
      endpoint: isOurs ? url.pathname.slice(`${prefix}/api/v1/`.length) : '',
      parameters,
      urlBytes: Buffer.byteLength(request.url ?? ''),
      headers: request.headers,
      clientName: clientNameOf(request.socket),
    };
  }

  function misbehave(fault: PromqlFault, call: PromqlCall, response: ServerResponse): void {
    if (fault === 'hang') waiting.set(response, call);
    else if (fault === 'hang up') response.destroy();
    else if (fault === 'half' || fault === 'stall') {
      const body = bodyOf(call);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
      response.write(body.subarray(0, body.length / 2), () => {
        if (fault === 'half') response.destroy();
      });
    } else if (typeof fault === 'number') {
      response.writeHead(fault, { 'content-type': 'text/plain' }).end(`status ${fault}\n`);
    } else {
      response.writeHead(fault.code, { 'content-type': 'application/json', ...fault.headers }).end(fault.body);
    }
  }

  function answer(call: PromqlCall, response: ServerResponse): void {
    if (call.endpoint === 'query' || call.endpoint === 'series') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(bodyOf(call));
    } else response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n');
  }

  function bodyOf({ endpoint, parameters }: PromqlCall): Buffer {
    const data =
      endpoint === 'series' ? fake.seriesOf(parameters.get('match[]') ?? '') : dataOf(parameters.get('query') ?? '');
    return Buffer.from(JSON.stringify({ status: 'success', data, ...fake.extra }));
  }

  function dataOf(query: string): object {
    const result = fake.resultOf(query);
    if (!isVector(result)) return result;
    const elements = result.map(([metric, value]) => ({ metric, value: [fake.evaluationSeconds, value] }));
    return { resultType: 'vector', result: elements };
  }
}

function isVector(result: ReturnType<FakePrometheus['resultOf']>): result is readonly VectorElement[] {
  return Array.isArray(result);
}
