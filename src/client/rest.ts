/** Sends requests to kube-apiserver, with deadlines and size limits. Every status but 2xx becomes a StatusError. */
import type { Readable } from 'node:stream';
import { untilAborted } from '../abort.ts';
import { StatusError } from '../apimachinery/status.ts';
import { systemClock } from '../clock.ts';
import type { Resolve } from '../dns/address.ts';
import { Lookups } from '../dns/lookup.ts';
import { systemResolver } from '../dns/systemresolver.ts';
import { keepSecret } from '../foreigntext.ts';
import { userAgent } from '../version.ts';
import type { ApiServer } from './apiserver.ts';
import { sendAuthorized } from './authorizedsend.ts';
import type { BodyBuffer } from './bodybuffer.ts';
import { isLateConnection } from './connectionerrors.ts';
import { ConnectionPool } from './connectionpool.ts';
import type { BodyTurn, LargeBodies } from './largebodies.ts';
import { createOutage, isOutageCode, type Outage } from './outage.ts';
import { bodyLimitBytes, decodeBody, type ProtobufForm, readBody, toStatusError } from './response.ts';
import { noAnswer, type OnRequest } from './requestoutcome.ts';
import { isDatedByServer } from './serverclock.ts';
import type { Dispatcher } from './undici.ts';

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string>>;
  /** Default application/json. */
  readonly accept?: string;
  readonly protobuf?: ProtobufForm | undefined;
  readonly buffer?: BodyBuffer;
  /** Until the response is complete, or a stream's headers; default by method. */
  readonly timeoutMs?: number;
  /** Limit of the response; default 64 MiB. */
  readonly limitBytes?: number;
  /** Shared by requests whose large responses are read and parsed one after another. */
  readonly largeBodies?: LargeBodies;
  readonly signal?: AbortSignal;
  /** In the request's body; errors must not repeat them. */
  readonly secrets?: readonly string[];
  /** Replaces our own Authorization header. A client certificate of ours is sent nevertheless. */
  readonly authorization?: string;
}

export interface RestClient extends AsyncDisposable {
  readonly outage: Outage;
  get(path: string, options?: RequestOptions): Promise<unknown>;
  create(path: string, body: unknown, options?: RequestOptions): Promise<unknown>;
  /**
   * Patches an object and returns it.
   * @param body a JSON patch (RFC 6902) as text.
   */
  patch(path: string, body: string, options?: RequestOptions): Promise<unknown>;
  /** Replaces an object (PUT) and returns it; with a resourceVersion, only while that is the current one (else 409). */
  replace(path: string, body: unknown, options?: RequestOptions): Promise<unknown>;
  stream(path: string, options?: RequestOptions): Promise<Streamed>;
}

export interface Streamed {
  readonly contentType: string;
  readonly body: Readable;
}

/** A page of 500 nodes with all images (25 MB) takes a busy server seconds. */
const getTimeoutMs = 60_000;
/** Only for reviews, each of which a request waits for. */
const createTimeoutMs = 10_000;
/** For patch and replace: kube-apiserver allows admission webhooks 10 s each. */
const patchTimeoutMs = 30_000;
/** For a stream's headers, which kube-apiserver sends at once. */
const streamTimeoutMs = 30_000;
const defaultConnectTimeoutMs = 10_000;

export interface RestClientOptions {
  readonly onRequest?: OnRequest;
  readonly connections?: number;
  readonly connectTimeoutMs?: number;
  /** Default: the system's configuration. */
  readonly resolve?: Resolve | undefined;
  readonly outage?: Outage;
}

/**
 * Uses HTTP/1.1: a broken connection ends only one watch, and a slow reader delays no other request. Uses no proxy from
 * the environment, and follows no redirects, which would carry the token away.
 */
export function createRestClient(server: ApiServer, options: RestClientOptions = {}): RestClient {
  return new PooledRestClient(server, options);
}

class PooledRestClient implements RestClient {
  readonly outage: Outage;
  readonly #server: ApiServer;
  readonly #onRequest: OnRequest;
  readonly #host: string;
  readonly #prefix: string;
  /** A look-up may outlive its connection: the next one uses its result. */
  readonly #lookups: Lookups;
  readonly #pool: ConnectionPool;

  constructor(server: ApiServer, options: RestClientOptions) {
    const { resolve = systemResolver().resolveFirst, connectTimeoutMs = defaultConnectTimeoutMs } = options;
    const { pathname, host } = new URL(server.url);
    this.outage = options.outage ?? createOutage(systemClock);
    this.#server = server;
    this.#onRequest = options.onRequest ?? (() => undefined);
    this.#host = host;
    this.#prefix = pathname.replace(/\/$/, '');
    this.#lookups = new Lookups(resolve, defaultConnectTimeoutMs);
    const { connections } = options;
    this.#pool = new ConnectionPool(server, { lookups: this.#lookups, connectTimeoutMs, connections });
  }

  get(path: string, request: RequestOptions = {}): Promise<unknown> {
    return this.#exchange(this.#toCall('GET', path, request, getTimeoutMs));
  }

  create(path: string, body: unknown, request: RequestOptions = {}): Promise<unknown> {
    return this.#exchange(this.#toCall('POST', path, request, createTimeoutMs, JSON.stringify(body)));
  }

  patch(path: string, body: string, request: RequestOptions = {}): Promise<unknown> {
    return this.#exchange(this.#toCall('PATCH', path, request, patchTimeoutMs, body));
  }

  replace(path: string, body: unknown, request: RequestOptions = {}): Promise<unknown> {
    return this.#exchange(this.#toCall('PUT', path, request, patchTimeoutMs, JSON.stringify(body)));
  }

  stream(path: string, request: RequestOptions = {}): Promise<Streamed> {
    const call = this.#toCall('GET', path, request, streamTimeoutMs);
    return withDeadline(call, this.#lookups, async (signal) => {
      const streamed = await this.#send(call, signal);
      streamed.body.once('error', () => this.#seeOutage(request.signal));
      return streamed;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lookups.abort();
    await this.#pool.destroy();
  }

  #exchange(call: Call): Promise<unknown> {
    return withDeadline(call, this.#lookups, async (signal) => {
      using turn = call.largeBodies?.turn(signal);
      const { body } = await this.#send(call, signal, turn);
      const bytes = await readBody(body, call.limitBytes, call.buffer, turn);
      return decodeBody(bytes, call.method === 'POST', call.protobuf);
    });
  }

  #toCall(method: Call['method'], path: string, request: RequestOptions, timeoutMs: number, body?: string): Call {
    const query = new URLSearchParams(request.query).toString();
    return {
      method,
      path: `${this.#prefix}${path}${query === '' ? '' : `?${query}`}`,
      request: `${method} ${this.#server.url}${path}`,
      accept: request.accept ?? 'application/json',
      timeoutMs: request.timeoutMs ?? timeoutMs,
      limitBytes: request.limitBytes ?? bodyLimitBytes,
      largeBodies: request.largeBodies,
      protobuf: request.protobuf,
      buffer: request.buffer,
      signal: request.signal,
      secrets: request.secrets,
      authorization: request.authorization,
      body,
    };
  }

  async #send(call: Call, signal: AbortSignal, turn?: BodyTurn): Promise<Streamed> {
    const send = (authorization: string | undefined) => this.#dispatch(call, authorization, signal);
    const { authorization: given } = call;
    const response = given === undefined ? await sendAuthorized(this.#server, signal, send) : await send(given);
    if (response.statusCode >= 200 && response.statusCode < 300)
      return { contentType: [response.headers['content-type'] ?? ''].flat().join(), body: response.body };
    const retryAfter = [response.headers['retry-after'] ?? ''].flat().join();
    const body = await readBody(response.body, bodyLimitBytes, undefined, turn);
    throw toStatusError(call.request, response.statusCode, body, retryAfter, call.secrets);
  }

  async #dispatch(
    call: Call,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    keepSecret(authorization);
    const response = this.#pool.current().request({
      method: call.method,
      path: call.path,
      headers: {
        accept: call.accept,
        'user-agent': userAgent,
        ...(authorization === undefined ? {} : { authorization }),
        ...(call.body === undefined ? {} : { 'content-type': contentTypes[call.method] }),
      },
      body: call.body ?? null,
      signal,
      // The deadline replaces undici's timers, which would wake the process twice a second.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    response.then(
      ({ statusCode, headers }) => {
        const date = isDatedByServer(call.path.slice(this.#prefix.length)) ? headers['date'] : undefined;
        this.#onRequest(call.method, this.#host, String(statusCode), date);
        if (isOutageCode(statusCode)) this.outage.seen();
      },
      () => {
        this.#onRequest(call.method, this.#host, noAnswer);
        this.#seeOutage(call.signal);
      },
    );
    // undici checks the signal only after it has a connection.
    return untilAborted(response, signal);
  }

  /** @param signal the caller's: its abort says nothing about the server. */
  #seeOutage(signal: AbortSignal | undefined): void {
    if (signal?.aborted !== true && !this.#pool.isClosed) this.outage.seen();
  }
}

const contentTypes = {
  GET: '',
  POST: 'application/json',
  PUT: 'application/json',
  PATCH: 'application/json-patch+json',
} as const;

interface Call {
  readonly method: keyof typeof contentTypes;
  readonly path: string;
  readonly request: string;
  readonly accept: string;
  readonly timeoutMs: number;
  readonly limitBytes: number;
  readonly largeBodies: LargeBodies | undefined;
  readonly protobuf: ProtobufForm | undefined;
  readonly buffer: BodyBuffer | undefined;
  readonly signal: AbortSignal | undefined;
  readonly secrets: readonly string[] | undefined;
  readonly authorization: string | undefined;
  readonly body: string | undefined;
}

/** Ends the exchange by the deadline. A stream outlives it, but not the caller's signal. */
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
    // A connection that waits for DNS has no problem with a firewall.
    const unresolved = late.signal.aborted || isLateConnection(cause) ? lookups.pending() : undefined;
    throw new Error(`${call.request} failed${unresolved === undefined ? '' : `: ${unresolved.message}`}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}
