/** Requests by undici: to kube-apiserver's proxy, and to kubelets where that is asked for. */
import type { IncomingHttpHeaders } from 'node:http';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { guardedConnector } from '../../client/connector.ts';
import { Client, type Dispatcher } from '../../client/undici.ts';
import type { Resolve } from '../../dns/address.ts';
import { Lookups } from '../../dns/lookup.ts';
import { type Connection, keepAliveMs } from './connection.ts';
import { userAgent } from '../../version.ts';
import { type GetResponse, IncomingResponse, type GetRequest } from './exchange.ts';
import type { Attempt } from '../explain/kubeleterror.ts';
import type { MakeInflater } from './inflate.ts';
import { type RequestDeadline, connectError } from './requestdeadline.ts';
import { headLimitBytes } from './responselimits.ts';
import { readingLimitMs, ReadingTooLongError, readingBudget, type PausedReading } from './readingbudget.ts';

export interface UndiciOptions {
  /** With scheme, host and port. */
  readonly origin: string;
  readonly tls: Pick<TlsOptions, 'rejectUnauthorized' | 'checkServerIdentity' | 'secureContext'>;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly makeInflater: MakeInflater | undefined;
  /** Finds the addresses of a host that is a name. */
  readonly resolve: Resolve;
}

/** As createConnection's, by undici. */
export function createUndiciConnection(options: UndiciOptions): Connection {
  const lookups = new Lookups(options.resolve, options.connectTimeoutMs);
  const client = new Client(options.origin, {
    ...undiciLimits,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    headersTimeout: options.requestTimeoutMs,
    bodyTimeout: options.requestTimeoutMs,
    connect: guardedConnector(options.tls, { lookup: lookups.lookup, timeoutMs: options.connectTimeoutMs }),
  });
  return {
    ask: (question, attempt, limit) =>
      dispatch({ dispatcher: client, lookups }, question, attempt, options.makeInflater, limit),
    close: () => client.close(),
    destroy: () => {
      lookups.abort();
      return client.destroy();
    },
  };
}

/** No HTTP/2 and no pipelining. */
export const undiciLimits = { allowH2: false, pipelining: 1, maxHeaderSize: headLimitBytes } as const;

/** Whom undici connects, and the look-ups of that. */
export interface UndiciConnections {
  readonly dispatcher: Dispatcher;
  readonly lookups: Lookups;
}

/** @throws KubeletError when the body is too large or broken; whatever undici throws when it did not come. */
export function dispatch(
  { dispatcher, lookups }: UndiciConnections,
  question: GetRequest,
  attempt: Attempt,
  makeInflater: MakeInflater | undefined,
  limit: RequestDeadline,
): Promise<GetResponse> {
  const { path, accept, gzip, authorization } = question;
  const headers = {
    'user-agent': userAgent,
    accept,
    'accept-encoding': gzip && makeInflater !== undefined ? 'gzip' : 'identity',
    ...(authorization === undefined ? {} : { authorization }),
  };
  const incoming = new IncomingResponse(question, attempt, makeInflater);
  return new Promise((resolve, reject) => {
    // As long as there is no connection that could be told.
    limit.onEnd((reason) => reject(connectError(reason, lookups)));
    const fail = (cause: Error) => reject(cause.name === 'ConnectTimeoutError' ? connectError(cause, lookups) : cause);
    const handler = new AnswerHandler(incoming, limit, { resolve, reject: fail });
    dispatcher.dispatch({ method: 'GET', path, headers }, handler);
  });
}

/** What undici calls while an answer comes; what its methods throw ends the request and the connection, and comes to onResponseError. */
class AnswerHandler implements Dispatcher.DispatchHandler, PausedReading {
  readonly #incoming: IncomingResponse;
  readonly #limit: RequestDeadline;
  readonly #settle: Settle;
  #controller: Dispatcher.DispatchController | undefined;
  /** Milliseconds that reading has cost. */
  #spentMs = 0;

  constructor(incoming: IncomingResponse, limit: RequestDeadline, settle: Settle) {
    this.#incoming = incoming;
    this.#limit = limit;
    this.#settle = settle;
  }

  /** Comes as soon as there is a connection. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#limit.onEnd((reason) => controller.abort(reason as Error));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // An answer before the answer, such as 103 Early Hints.
    if (status < 200) return;
    const entries = Object.entries(headers).map(([name, value]) => [name, first(value) ?? ''] as const);
    this.#incoming.onHead({ status, headers: new Map(entries) });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#controller = controller;
    if (this.#timed(() => this.#incoming.onBody(chunk))) return;
    controller.pause();
    readingBudget.wait(this);
  }

  /** Goes on with what there was no time for. */
  resume(): void {
    try {
      if (this.#timed(() => this.#incoming.resume())) this.#controller?.resume();
      else readingBudget.wait(this);
    } catch (cause) {
      this.#controller?.abort(cause as Error);
    }
  }

  /** @throws ReadingTooLongError, and what reading throws. */
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
    this.#settle.resolve(this.#incoming.onEnd());
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    readingBudget.forget(this);
    this.#settle.reject(cause);
  }
}

interface Settle {
  readonly resolve: (answer: GetResponse) => void;
  readonly reject: (cause: Error) => void;
}

/** undici has an array of what came several times, whatever the type says. */
function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
