/** One TCP or TLS connection that is read without streams: what comes is handed on before the next read, in a buffer that all connections share. */
import { connect as connectTcp, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls';
import { HttpError, ResponseReader, type ResponseSink } from './http1.ts';

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

/** No connection, or none that is secure, within the time for it. */
export class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError';
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
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
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

  /** To be awaited before the first question. Throws what the socket says, a ConnectTimeoutError, and the signal's reason. */
  async opened(signal: AbortSignal): Promise<void> {
    const timer = setTimeout(() => this.fail(noConnection()), this.#options.connectTimeoutMs);
    const abort = () => {
      const reason = signal.reason as Error;
      // Both times may be over at once.
      this.fail(reason.name === 'TimeoutError' ? noConnection() : reason);
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    try {
      await this.#opened.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  /** Writes the question, and resolves once the whole response was given to the sink. Throws whatever ended the connection before that. */
  async ask(question: Buffer, sink: ResponseSink, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.answered = false;
    const abort = () => this.fail(signal.reason);
    signal.addEventListener('abort', abort);
    try {
      // What came before the question is no answer to it, and an end that came is known by then: reads come before immediates.
      await new Promise(setImmediate);
      if (this.closed) throw this.#why;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#exchange = { response: new ResponseReader(sink), resolve, reject };
      this.#socket.write(question);
      await promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
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

  /** Nothing may be thrown here: it would end the process. */
  #read(length: number): void {
    if (this.closed) return;
    const exchange = this.#exchange;
    if (exchange === undefined) {
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
    if (exchange?.response.end() === true) this.#finish(exchange);
    this.fail(new ConnectionLostError('the other side closed'));
  }

  #finish({ response, resolve }: Exchange): void {
    this.#exchange = undefined;
    resolve();
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

function noConnection(): ConnectTimeoutError {
  return new ConnectTimeoutError('no connection in time');
}
