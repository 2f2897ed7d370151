/** Requests by undici: to kube-apiserver's proxy, and to kubelets where that is asked for. */
import type { IncomingHttpHeaders } from 'node:http';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { Client, type Dispatcher } from '../client/undici.ts';
import { type Connection, keepAliveMs } from './connection.ts';
import { userAgent } from '../version.ts';
import { type Answer, Incoming, type Question } from './exchange.ts';
import type { Attempt } from './failure.ts';
import type { MakeInflater } from './inflate.ts';
import { headLimitBytes } from './limits.ts';

export interface UndiciOptions {
  /** With scheme, host and port. */
  readonly origin: string;
  readonly tls: Pick<TlsOptions, 'rejectUnauthorized' | 'checkServerIdentity' | 'secureContext'>;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly makeInflater: MakeInflater;
}

/** As createConnection's, by undici. */
export function createUndiciConnection(options: UndiciOptions): Connection {
  const client = new Client(options.origin, {
    ...undiciLimits,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    headersTimeout: options.requestTimeoutMs,
    bodyTimeout: options.requestTimeoutMs,
    // A resumed session would skip the check of the name.
    connect: { ...options.tls, timeout: options.connectTimeoutMs, maxCachedSessions: 0 },
  });
  return {
    ask: (question, attempt, signal) => dispatch(client, question, attempt, options.makeInflater, signal),
    close: () => client.close(),
    destroy: () => client.destroy(),
  };
}

/** No HTTP/2 and no pipelining. */
export const undiciLimits = { allowH2: false, pipelining: 1, maxHeaderSize: headLimitBytes } as const;

/** @throws KubeletError when the body is too large or broken; whatever undici throws when it did not come. */
export function dispatch(
  connection: Dispatcher,
  question: Question,
  attempt: Attempt,
  makeInflater: MakeInflater,
  signal: AbortSignal,
): Promise<Answer> {
  const { path, accept, gzip, authorization } = question;
  const headers = {
    'user-agent': userAgent,
    accept,
    'accept-encoding': gzip ? 'gzip' : 'identity',
    ...(authorization === undefined ? {} : { authorization }),
  };
  const incoming = new Incoming(question, attempt, makeInflater);
  return new Promise((resolve, reject) => {
    const handler = new AnswerHandler(incoming, signal, { resolve, reject });
    connection.dispatch({ method: 'GET', path, headers }, handler);
  });
}

/** What undici calls while an answer comes; what its methods throw ends the request and the connection, and comes to onResponseError. */
class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #incoming: Incoming;
  readonly #signal: AbortSignal;
  readonly #settle: Settle;
  #controller: Dispatcher.DispatchController | undefined;

  constructor(incoming: Incoming, signal: AbortSignal, settle: Settle) {
    this.#incoming = incoming;
    this.#signal = signal;
    this.#settle = settle;
  }

  /** Comes as soon as there is a connection; how long that takes has a limit of its own. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) this.#abort();
    else this.#signal.addEventListener('abort', this.#abort, { once: true });
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // An answer before the answer, such as 103 Early Hints.
    if (status < 200) return;
    this.#incoming.start(status, {
      contentType: first(headers['content-type']),
      contentEncoding: first(headers['content-encoding']),
      date: first(headers.date),
    });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#incoming.write(chunk);
  }

  onResponseEnd(): void {
    const answer = this.#incoming.end();
    this.#done();
    this.#settle.resolve(answer);
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    this.#done();
    this.#settle.reject(cause);
  }

  readonly #abort = () => this.#controller?.abort(this.#signal.reason as Error);

  #done(): void {
    this.#signal.removeEventListener('abort', this.#abort);
  }
}

interface Settle {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (cause: unknown) => void;
}

/** undici has an array of what came several times, whatever the type says. */
function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
