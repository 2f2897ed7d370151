/** Requests to kube-apiserver over pooled connections, each with a deadline and a limit; whatever is not 2xx becomes a StatusError. */
import type { Readable } from 'node:stream';
import { untilAborted } from '../abort.ts';
import { StatusError } from '../apimachinery/status.ts';
import { systemClock } from '../clock.ts';
import { userAgent } from '../version.ts';
import type { Resolve } from '../dns/address.ts';
import { Lookups } from '../dns/lookup.ts';
import { systemResolver } from '../dns/resolver.ts';
import { keepSecret } from '../foreigntext.ts';
import { bodyLimitBytes, decodeBody, type ProtobufForm, readBody, toStatusError } from './response.ts';
import type { BodyBuffer } from './bodybuffer.ts';
import type { ApiServer, TlsMaterial } from './apiserver.ts';
import { isLateConnection } from './connectionerrors.ts';
import { apiServerConnector } from './connector.ts';
import { noAnswer, type OnRequest } from './clientmetrics.ts';
import { createOutage, isOutageCode, type Outage } from './outage.ts';
import { type Dispatcher, Pool } from './undici.ts';

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string>>;
  /** Default application/json. */
  readonly accept?: string;
  /** How to read the answer if it is protobuf, which `accept` then has to allow. */
  readonly protobuf?: ProtobufForm | undefined;
  /** Where to put the answer together until it is decoded; for many answers in a row. */
  readonly buffer?: BodyBuffer;
  /** Until the whole answer is here, for a stream until its headers are; the default depends on the method. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** In the body that is sent; errors leave them out should the server repeat them. */
  readonly secrets?: readonly string[];
}

export interface RestClient extends AsyncDisposable {
  /** When the server was away, as far as requests show. */
  readonly outage: Outage;
  /** An object or a list: its decoded JSON, or protobuf as far as it was asked for. */
  get(path: string, options?: RequestOptions): Promise<unknown>;
  /** Posts an object and returns the decoded JSON of what the server made of it. */
  create(path: string, body: unknown, options?: RequestOptions): Promise<unknown>;
  /** A body without an end, such as a watch. */
  stream(path: string, options?: RequestOptions): Promise<Streamed>;
}

export interface Streamed {
  /** Empty if the server does not say. */
  readonly contentType: string;
  readonly body: Readable;
}

/** For get: a page of 500 nodes with all their images is about 25 MB and takes seconds on a busy server. */
const getTimeoutMs = 60_000;
/** For create: all that we create at run time are reviews, and somebody waits for each. */
const createTimeoutMs = 10_000;
/** For the headers of a stream: kube-apiserver sends them at once. */
const streamTimeoutMs = 30_000;
const defaultConnectTimeoutMs = 10_000;
/** Shorter than the idle time of kube-apiserver (90 s) and of common load balancers (60 s), so that we close first. */
const keepAliveMs = 45_000;
/** Connections where the options name no other limit; a request beyond them waits. */
const defaultConnectionLimit = 32;

export interface RestClientOptions {
  readonly onRequest?: OnRequest;
  /** Connections that may be open at once. */
  readonly connections?: number;
  /** How long a connection may take until its TLS handshake is done, in milliseconds. */
  readonly connectTimeoutMs?: number;
  /** Finds the server's addresses where it has a name; unset: with the system's configuration. */
  readonly resolve?: Resolve | undefined;
  /** Several clients of one server share it. Default: one of its own. */
  readonly outage?: Outage;
}

/**
 * HTTP/1.1 on purpose: a watch then has its connection for itself, so that one broken connection takes one watch with it
 * and a slow reader holds up nobody else; it is also undici's best-proven path. No proxy from the environment, no redirects.
 */
export function createRestClient(server: ApiServer, options: RestClientOptions = {}): RestClient {
  const { onRequest = () => undefined, outage = createOutage(systemClock) } = options;
  const { resolve = systemResolver().resolveFirst, connectTimeoutMs = defaultConnectTimeoutMs } = options;
  const { origin, pathname, host } = new URL(server.url);
  const prefix = pathname.replace(/\/$/, '');
  let current: { readonly material: TlsMaterial; readonly pool: Dispatcher } | undefined;
  const pools = new Set<Dispatcher>();
  // A look-up may outlive the connection that needs it first: its answer is there for the next try.
  const lookups = new Lookups(resolve, defaultConnectTimeoutMs);
  let disposed = false;
  return { outage, get, create, stream, [Symbol.asyncDispose]: dispose };

  function get(path: string, request: RequestOptions = {}): Promise<unknown> {
    return exchange(toCall('GET', path, request, getTimeoutMs));
  }

  function create(path: string, body: unknown, request: RequestOptions = {}): Promise<unknown> {
    return exchange(toCall('POST', path, request, createTimeoutMs, JSON.stringify(body)));
  }

  function stream(path: string, request: RequestOptions = {}): Promise<Streamed> {
    const call = toCall('GET', path, request, streamTimeoutMs);
    return withDeadline(call, lookups, async (signal) => {
      const streamed = await send(call, signal);
      streamed.body.once('error', () => seeOutage(request.signal));
      return streamed;
    });
  }

  function exchange(call: Call): Promise<unknown> {
    return withDeadline(call, lookups, async (signal) => {
      const { body } = await send(call, signal);
      return decodeBody(await readBody(body, bodyLimitBytes, call.buffer), call.method === 'POST', call.protobuf);
    });
  }

  function toCall(
    method: Call['method'],
    path: string,
    request: RequestOptions,
    timeoutMs: number,
    body?: string,
  ): Call {
    const query = new URLSearchParams(request.query).toString();
    return {
      method,
      path: `${prefix}${path}${query === '' ? '' : `?${query}`}`,
      request: `${method} ${server.url}${path}`,
      accept: request.accept ?? 'application/json',
      timeoutMs: request.timeoutMs ?? timeoutMs,
      protobuf: request.protobuf,
      buffer: request.buffer,
      signal: request.signal,
      secrets: request.secrets,
      body,
    };
  }

  /** A 2xx answer. After a 401 once more, if there are newer credentials than those that were refused. */
  async function send(call: Call, signal: AbortSignal): Promise<Streamed> {
    // Credentials may come from a plugin that hangs.
    const authorization = await untilAborted(server.authorization(), signal);
    let response = await dispatch(call, authorization, signal);
    if (response.statusCode === 401 && server.refresh !== undefined) {
      server.refresh();
      const renewed = await untilAborted(server.authorization(), signal);
      if (renewed !== authorization) {
        await response.body.dump();
        response = await dispatch(call, renewed, signal);
      }
    }
    if (response.statusCode >= 200 && response.statusCode < 300)
      return { contentType: [response.headers['content-type'] ?? ''].flat().join(), body: response.body };
    const retryAfter = [response.headers['retry-after'] ?? ''].flat().join();
    const answer = await readBody(response.body, bodyLimitBytes);
    throw toStatusError(call.request, response.statusCode, answer, retryAfter, call.secrets);
  }

  async function dispatch(
    call: Call,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    keepSecret(authorization);
    const answer = currentPool().request({
      method: call.method,
      path: call.path,
      headers: {
        accept: call.accept,
        'user-agent': userAgent,
        ...(authorization === undefined ? {} : { authorization }),
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: call.body ?? null,
      signal,
      // The deadline rules; undici's own timers would only be a second one, and wake the process twice a second as long as one of them runs.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    answer.then(
      ({ statusCode, headers }) => {
        onRequest(call.method, host, String(statusCode), headers['date']);
        if (isOutageCode(statusCode)) outage.seen();
      },
      () => {
        onRequest(call.method, host, noAnswer);
        seeOutage(call.signal);
      },
    );
    // undici looks at the signal only once there is a connection.
    return untilAborted(answer, signal);
  }

  /** @param signal of the caller: what ends by it says nothing of the server. */
  function seeOutage(signal: AbortSignal | undefined): void {
    if (signal?.aborted !== true && !disposed) outage.seen();
  }

  /** New connections use new TLS material; what runs on old ones may end there, a watch does within ten minutes. */
  function currentPool(): Dispatcher {
    if (disposed) throw new Error('the client is closed');
    const material = server.tls();
    if (current?.material === material) return current.pool;
    const previous = current?.pool;
    current = { material, pool: createPool(origin, material, lookups, connectTimeoutMs, options.connections) };
    pools.add(current.pool);
    if (previous !== undefined) void retire(previous);
    return current.pool;
  }

  async function retire(pool: Dispatcher): Promise<void> {
    await pool.close();
    pools.delete(pool);
  }

  async function dispose(): Promise<void> {
    disposed = true;
    lookups.abort();
    await Promise.all([...pools].map((pool) => pool.destroy()));
  }
}

interface Call {
  readonly method: 'GET' | 'POST';
  /** With the URL's own path before it and the query behind it. */
  readonly path: string;
  /** For messages; without the query. */
  readonly request: string;
  readonly accept: string;
  readonly timeoutMs: number;
  readonly protobuf: ProtobufForm | undefined;
  readonly buffer: BodyBuffer | undefined;
  readonly signal: AbortSignal | undefined;
  readonly secrets: readonly string[] | undefined;
  readonly body: string | undefined;
}

function createPool(
  origin: string,
  material: TlsMaterial,
  { lookup }: Lookups,
  timeoutMs: number,
  connections = defaultConnectionLimit,
): Dispatcher {
  return new Pool(origin, {
    allowH2: false,
    pipelining: 1,
    connections,
    keepAliveTimeout: keepAliveMs,
    connect: apiServerConnector(material, { lookup, timeoutMs }),
  });
}

/** Runs one exchange under its deadline; a stream outlives the deadline, but not the caller's signal. */
async function withDeadline<T>(
  call: Call,
  lookups: Lookups,
  exchange: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${call.timeoutMs} ms`)), call.timeoutMs);
  try {
    return await exchange(call.signal === undefined ? late.signal : AbortSignal.any([call.signal, late.signal]));
  } catch (cause) {
    if (cause instanceof StatusError) throw cause;
    call.signal?.throwIfAborted();
    // A connection that waits for a name is no matter of firewalls.
    const unresolved = late.signal.aborted || isLateConnection(cause) ? lookups.pending() : undefined;
    throw new Error(`${call.request} failed${unresolved === undefined ? '' : `: ${unresolved.message}`}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}
