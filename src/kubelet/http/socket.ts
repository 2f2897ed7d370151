/** One TCP or TLS connection that is read without streams: what comes is handed on before the next read, in a buffer that all connections share. */
import { connect as connectTcp, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls';
import type { Resolve } from '../../dns/address.ts';
import { Lookups } from '../../dns/lookup.ts';
import { systemResolver } from '../../dns/resolver.ts';
import { guardServer } from '../../tls/handshakeguard.ts';
import { HttpError, ResponseReader, type ResponseSink } from './http1.ts';
import { readingLimitMs, ReadingTooLongError, readingBudget, type PausedReading } from './readingbudget.ts';
import { ConnectTimeoutError, type RequestDeadline, connectError } from './requestdeadline.ts';

export interface SocketOptions {
  /** Name or address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Undefined: plain TCP. */
  readonly tls: TlsOptions | undefined;
  readonly connectTimeoutMs: number;
  /** Finds the addresses of a host that is a name. Unset: with the system's configuration. */
  readonly resolve?: Resolve;
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
  /** Milliseconds that reading has cost. */
  spentMs: number;
}

/** Carries one question at a time, as soon as it is open. */
export class KubeletSocket implements PausedReading {
  closed = false;
  /** Whether anything came since the question was written. */
  answered = false;
  readonly #options: SocketOptions;
  readonly #socket: Socket;
  /** Undefined where the host is an address. */
  readonly #lookups: Lookups | undefined;
  readonly #opened = Promise.withResolvers<void>();
  #why: unknown;
  #exchange: Exchange | undefined;
  /** A copy of what has come and there was no time for; undefined while nothing waits. */
  #left: Buffer | undefined;
  /** Whether the other side has ended. */
  #hasEnded = false;
  readonly #fail = (cause: unknown) => this.fail(cause);

  constructor(options: SocketOptions) {
    this.#options = options;
    const { host, connectTimeoutMs, resolve = systemResolver().resolve } = options;
    this.#lookups = isIP(host) === 0 ? new Lookups(resolve, connectTimeoutMs) : undefined;
    this.#socket = connect(options, this.#lookups, (length) => this.#read(length))
      .on('error', (cause) => this.fail(cause))
      .on('end', () => this.#end())
      .on('close', () => this.#close())
      // Before 'secureConnect' nothing may be written: the certificate is not verified yet.
      .on(options.tls === undefined ? 'connect' : 'secureConnect', this.#opened.resolve)
      // No connection keeps the process: whoever waits for an answer has a timer.
      .unref();
  }

  /** To be awaited before the first question. Throws what the socket says, a ConnectTimeoutError, and the limit's reason. */
  async opened(limit: RequestDeadline): Promise<void> {
    const failLate = (reason: unknown) => this.fail(connectError(reason, this.#lookups));
    const timer = setTimeout(() => failLate(new ConnectTimeoutError()), this.#options.connectTimeoutMs);
    limit.onEnd(failLate);
    try {
      await this.#opened.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Writes the question, and resolves to what the sink has made of the whole response. Throws whatever ended the connection before that. */
  ask<T>(question: Buffer, sink: ResponseSink<T>, limit: RequestDeadline): Promise<T> {
    this.answered = false;
    return new Promise((resolve, reject) => {
      if (limit.ended || this.closed) {
        reject(limit.ended ? limit.reason : this.#why);
        return;
      }
      const response = new ResponseReader(sink);
      this.#exchange = { response, end: () => resolve(sink.onEnd()), reject, written: false, spentMs: 0 };
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
    this.#lookups?.abort();
    this.#socket.destroy();
    this.#left = undefined;
    readingBudget.forget(this);
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
    const { buffer } = this.#options;
    // Records that were decrypted together come although no more are wanted.
    if (this.#left === undefined) this.#advance(exchange, buffer, length, false);
    else this.#left = Buffer.concat([this.#left, buffer.subarray(0, length)]);
  }

  /** Goes on with what waits. */
  resume(): void {
    const exchange = this.#exchange;
    const left = this.#left;
    if (this.closed || exchange === undefined || left === undefined) return;
    this.#left = undefined;
    this.#advance(exchange, left, left.length, true);
    if (this.closed || this.#left !== undefined) return;
    if (this.#hasEnded) this.#end();
    else this.#socket.resume();
  }

  /** Reads as long as there is time. What is left waits for a later turn, and until then no more is taken off the connection. */
  #advance(exchange: Exchange, bytes: Buffer, length: number, isResumed: boolean): void {
    const { response } = exchange;
    let at = 0;
    readingBudget.begin(exchange.spentMs);
    try {
      if (!isResumed || response.resume()) at = response.read(bytes, length);
    } catch (cause) {
      this.fail(cause);
    } finally {
      exchange.spentMs += readingBudget.end();
    }
    if (this.closed) return;
    if (exchange.spentMs > readingLimitMs) {
      this.fail(new ReadingTooLongError(`reading it took more than ${readingLimitMs} ms`));
    } else if (response.isWaiting) {
      this.#left = Buffer.from(bytes.subarray(at, length));
      this.#socket.pause();
      readingBudget.wait(this);
    } else if (response.whole) this.#finish(exchange);
  }

  /** May come while something waits: then it is looked at afterwards. */
  #close(): void {
    if (!this.#hasEnded || this.#left === undefined) this.fail(new ConnectionLostError('the connection is closed'));
  }

  #end(): void {
    this.#hasEnded = true;
    if (this.#left !== undefined) return;
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

function connect(
  { host, port, tls, buffer }: SocketOptions,
  lookups: Lookups | undefined,
  read: (length: number) => void,
): Socket {
  const tcp: TcpNetConnectOpts = {
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: tcpKeepAliveMs,
    ...(lookups === undefined ? {} : { lookup: lookups.lookup }),
    onread: {
      buffer,
      callback: (length) => {
        read(length);
        return true;
      },
    },
  };
  if (tls === undefined) return connectTcp(tcp);
  const secure = connectTls({ ...tcp, ...tls, ALPNProtocols: ['http/1.1'] });
  guardServer(secure);
  return secure;
}
