/** One TCP or TLS connection that is read without streams: what comes is handed on before the next read, in a buffer that all connections share. */
import { connect as connectTcp, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls';
import { HttpError, ResponseReader, type ResponseSink } from './http1.ts';
import { ConnectTimeoutError, type Limit, whileConnecting } from './limit.ts';

export interface SocketOptions {
  /** Name or address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Undefined: plain TCP. */
  readonly tls: TlsOptions | undefined;
  readonly connectTimeoutMs: number;
  /** Through which everything is read; of one process, since nobody keeps what is in it. */
  readonly buffer: Buffer;
}

/** The other side ended the connection before its answer was whole. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
}

/** Large enough for what one TLS record can hold, and several of plain TCP. */
export const readBufferBytes = 64 * 1024;

/** As undici and Go have it: a peer that has gone without a word is found out in some minutes. */
const tcpKeepAliveMs = 60_000;

interface Exchange {
  readonly response: ResponseReader;
  /** What came of the response, for whoever asked. */
  readonly end: () => void;
  readonly reject: (cause: unknown) => void;
  /** Whether the question was written; what comes before that is no answer to it. */
  written: boolean;
}

/** Carries one question at a time, as soon as it is open. */
export class KubeletSocket {
  closed = false;
  /** Whether anything came since the question was written. */
  answered = false;
  readonly #options: SocketOptions;
  readonly #socket: Socket;
  readonly #opened = Promise.withResolvers<void>();
  #why: unknown;
  #exchange: Exchange | undefined;
  readonly #fail = (cause: unknown) => this.fail(cause);

  constructor(options: SocketOptions) {
    this.#options = options;
    this.#socket = connect(options, (length) => this.#read(length))
      .on('error', (cause) => this.fail(cause))
      .on('end', () => this.#end())
      .on('close', () => this.fail(new ConnectionLostError('the connection is closed')))
      // Before 'secureConnect' nothing may be written: the certificate is not verified yet.
      .on(options.tls === undefined ? 'connect' : 'secureConnect', this.#opened.resolve)
      // No connection keeps the process: whoever waits for an answer has a timer.
      .unref();
  }

  /** To be awaited before the first question. Throws what the socket says, a ConnectTimeoutError, and the limit's reason. */
  async opened(limit: Limit): Promise<void> {
    const timer = setTimeout(() => this.fail(new ConnectTimeoutError()), this.#options.connectTimeoutMs);
    limit.onEnd((reason) => this.fail(whileConnecting(reason)));
    try {
      await this.#opened.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Writes the question, and resolves to what the sink has made of the whole response. Throws whatever ended the connection before that. */
  ask<T>(question: Buffer, sink: ResponseSink<T>, limit: Limit): Promise<T> {
    this.answered = false;
    return new Promise((resolve, reject) => {
      if (limit.ended || this.closed) {
        reject(limit.ended ? limit.reason : this.#why);
        return;
      }
      const response = new ResponseReader(sink);
      this.#exchange = { response, end: () => resolve(sink.onEnd()), reject, written: false };
      limit.onEnd(this.#fail);
      // What came before the question is no answer to it, and an end that came is known by then: reads come before immediates.
      setImmediate(() => this.#write(question));
    });
  }

  /** Ends the connection, and with it what is under way. */
  fail(cause: unknown): void {
    if (this.closed) return;
    this.closed = true;
    this.#why = cause;
    this.#socket.destroy();
    this.#opened.reject(cause);
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.reject(cause);
  }

  #write(question: Buffer): void {
    if (this.#exchange === undefined) return;
    this.#exchange.written = true;
    this.#socket.write(question);
  }

  /** Nothing may be thrown here: it would end the process. */
  #read(length: number): void {
    if (this.closed) return;
    const exchange = this.#exchange;
    if (exchange?.written !== true) {
      this.fail(new HttpError('an answer that nobody asked for'));
      return;
    }
    this.answered = true;
    try {
      exchange.response.read(this.#options.buffer, length);
    } catch (cause) {
      this.fail(cause);
      return;
    }
    if (exchange.response.whole) this.#finish(exchange);
  }

  #end(): void {
    const exchange = this.#exchange;
    if (exchange?.written === true && exchange.response.end()) this.#finish(exchange);
    this.fail(new ConnectionLostError('the other side closed'));
  }

  #finish({ response, end, reject }: Exchange): void {
    this.#exchange = undefined;
    try {
      end();
    } catch (cause) {
      reject(cause);
      this.fail(cause);
      return;
    }
    if (!response.reusable) this.fail(new ConnectionLostError('the connection was for one answer'));
  }
}

function connect({ host, port, tls, buffer }: SocketOptions, read: (length: number) => void): Socket {
  const tcp: TcpNetConnectOpts = {
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: tcpKeepAliveMs,
    onread: {
      buffer,
      callback: (length) => {
        read(length);
        return true;
      },
    },
  };
  if (tls === undefined) return connectTcp(tcp);
  return connectTls({ ...tcp, ...tls, ALPNProtocols: ['http/1.1'] });
}
