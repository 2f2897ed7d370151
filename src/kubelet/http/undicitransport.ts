/** Sends requests by undici: to the node proxy, and to kubelets with --kubelet-http-client=undici. */
import type { IncomingHttpHeaders } from 'node:http';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { guardedConnector, type VerifyPeer } from '../../client/connector.ts';
import { Client, type Dispatcher } from '../../client/undici.ts';
import type { Resolve } from '../../dns/address.ts';
import { Lookups } from '../../dns/lookup.ts';
import { userAgent } from '../../version.ts';
import type { Attempt } from '../explain/kubeleterror.ts';
import { type Connection, keepAliveMs } from './connection.ts';
import { type GetRequest, type GetResponse, IncomingResponse } from './exchange.ts';
import type { MakeInflater } from './inflate.ts';
import { type PausedReading, readingBudget, readingLimitMs, ReadingTooLongError } from './readingbudget.ts';
import { connectError, type RequestDeadline } from './requestdeadline.ts';
import { responseHead } from './responsehead.ts';
import { headLimitBytes } from './responselimits.ts';
import { handshakeOwner } from './socket.ts';

export interface UndiciOptions {
  readonly origin: string;
  readonly tls: Pick<TlsOptions, 'rejectUnauthorized' | 'checkServerIdentity' | 'secureContext'>;
  /** See SocketOptions. */
  readonly verifyPeer: VerifyPeer | undefined;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly makeInflater: MakeInflater | undefined;
  readonly resolve: Resolve;
}

export function createUndiciConnection(options: UndiciOptions): Connection {
  const lookups = new Lookups(options.resolve, options.connectTimeoutMs);
  const client = new Client(options.origin, {
    ...undiciLimits,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    headersTimeout: options.requestTimeoutMs,
    bodyTimeout: options.requestTimeoutMs,
    connect: guardedConnector(options.tls, {
      lookup: lookups.lookup,
      timeoutMs: options.connectTimeoutMs,
      verifyPeer: options.verifyPeer,
      owner: handshakeOwner,
    }),
  });
  return {
    send: (request, attempt, deadline) =>
      dispatch({ dispatcher: client, lookups }, request, attempt, options.makeInflater, deadline),
    close: () => client.close(),
    destroy: () => {
      lookups.abort();
      return client.destroy();
    },
  };
}

/** No HTTP/2 and no pipelining. */
export const undiciLimits = { allowH2: false, pipelining: 1, maxHeaderSize: headLimitBytes } as const;

/** undici's connections to one origin, and the name look-ups for them. */
export interface UndiciConnections {
  readonly dispatcher: Dispatcher;
  readonly lookups: Lookups;
}

/** @throws KubeletError if the body is too large or broken, and undici's errors without a response. */
export function dispatch(
  { dispatcher, lookups }: UndiciConnections,
  request: GetRequest,
  attempt: Attempt,
  makeInflater: MakeInflater | undefined,
  deadline: RequestDeadline,
): Promise<GetResponse> {
  const { path, accept, gzip, authorization } = request;
  const headers = {
    'user-agent': userAgent,
    accept,
    'accept-encoding': gzip && makeInflater !== undefined ? 'gzip' : 'identity',
    ...(authorization === undefined ? {} : { authorization }),
  };
  const incoming = new IncomingResponse(request, attempt, makeInflater);
  return new Promise((resolve, reject) => {
    // Until there is a connection to abort.
    deadline.onEnd((reason) => reject(connectError(reason, lookups)));
    const fail = (cause: Error) => reject(cause.name === 'ConnectTimeoutError' ? connectError(cause, lookups) : cause);
    const handler = new ResponseHandler(incoming, deadline, { resolve, reject: fail });
    dispatcher.dispatch({ method: 'GET', path, headers }, handler);
  });
}

/** Its methods' errors end request and connection, and reach onResponseError. */
class ResponseHandler implements Dispatcher.DispatchHandler, PausedReading {
  readonly #incoming: IncomingResponse;
  readonly #deadline: RequestDeadline;
  readonly #settle: Settle;
  #controller: Dispatcher.DispatchController | undefined;
  #spentMs = 0;
  #isPaused = false;
  #hasEnded = false;
  #hasFailed = false;
  /** Arrived during a pause, or while other responses had no time left for it. */
  #queued: Buffer | undefined;

  constructor(incoming: IncomingResponse, deadline: RequestDeadline, settle: Settle) {
    this.#incoming = incoming;
    this.#deadline = deadline;
    this.#settle = settle;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#deadline.onEnd((reason) => controller.abort(reason as Error));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // Informational, such as 103 Early Hints.
    if (status < 200) return;
    const entries = Object.entries(headers).map(([name, value]) => [name, first(value) ?? ''] as const);
    this.#incoming.onHead(responseHead(status, new Map(entries)));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#controller = controller;
    // During a pause undici passes on what it has once the peer closes.
    if (this.#isPaused) this.#queued = Buffer.concat([...(this.#queued === undefined ? [] : [this.#queued]), chunk]);
    else if (!readingBudget.mayBegin(this.#spentMs)) {
      this.#queued = Buffer.from(chunk);
      readingBudget.readLater(this);
    } else if (!this.#timed(() => this.#incoming.onBody(chunk))) readingBudget.resumeLater(this);
    else return;
    this.#isPaused = true;
    controller.pause();
  }

  resume(): void {
    if (this.#hasFailed) return;
    try {
      if (!this.#timed(() => this.#incoming.resume() && this.#readQueued())) {
        readingBudget.resumeLater(this);
        return;
      }
      this.#isPaused = false;
      if (this.#hasEnded) this.#settle.resolve(this.#incoming.onEnd());
      else this.#controller?.resume();
    } catch (cause) {
      this.#fail(cause as Error);
    }
  }

  #readQueued(): boolean {
    const queued = this.#queued;
    this.#queued = undefined;
    return queued === undefined || this.#incoming.onBody(queued);
  }

  /** undici ignores an abort once the response has ended. */
  #fail(cause: Error): void {
    if (!this.#hasEnded) this.#controller?.abort(cause);
    else this.onResponseError(undefined, cause);
  }

  /** @throws ReadingTooLongError, and reading's errors. */
  #timed(read: () => boolean): boolean {
    readingBudget.begin(this.#spentMs);
    let isRead: boolean;
    try {
      isRead = read();
    } finally {
      this.#spentMs += readingBudget.end();
    }
    if (this.#spentMs > readingLimitMs) throw new ReadingTooLongError(`reading it took more than ${readingLimitMs} ms`);
    return isRead;
  }

  onResponseEnd(): void {
    this.#hasEnded = true;
    // A closed connection ends the response even during a pause; the rest is read first.
    if (this.#isPaused) this.#deadline.onEnd((reason) => this.#fail(reason as Error));
    else this.#settle.resolve(this.#incoming.onEnd());
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, cause: Error): void {
    this.#hasFailed = true;
    readingBudget.cancel(this);
    this.#settle.reject(cause);
  }
}

interface Settle {
  readonly resolve: (response: GetResponse) => void;
  readonly reject: (cause: Error) => void;
}

/** undici passes an array for a repeated header, against its type. */
function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
