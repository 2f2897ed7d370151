/** One TCP or TLS connection, read without streams into a shared buffer. */
import { connect as connectTcp, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type ConnectionOptions as TlsOptions, TLSSocket } from 'node:tls';
import type { VerifyPeer } from '../../client/connector.ts';
import type { Resolve } from '../../dns/address.ts';
import { Lookups } from '../../dns/lookup.ts';
import { guardServer } from '../../tls/handshakeguard.ts';
import { type HeadCache, ResponseReader, type ResponseSink } from './http1.ts';
import { type PausedReading, readingBudget, readingLimitMs, ReadingTooLongError } from './readingbudget.ts';
import { connectError, ConnectTimeoutError, type RequestDeadline } from './requestdeadline.ts';
import { HttpError } from './responsehead.ts';

export interface SocketOptions {
  /** Name or address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Undefined: plain TCP. */
  readonly tls: TlsOptions | undefined;
  /** Beside Node's own verification; only with TLS. */
  readonly verifyPeer?: VerifyPeer | undefined;
  readonly connectTimeoutMs: number;
  readonly resolve: Resolve;
  /** Shared by a thread's connections, which keep nothing in it. */
  readonly buffer: Buffer;
  readonly heads?: HeadCache | undefined;
}

/** The peer closed the connection before its response was complete. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
}

/** More than a TLS record holds. */
export const readBufferBytes = 64 * 1024;

/** All kubelets share the turns of one server: kube-apiserver does not wait for each of them. */
export const handshakeOwner = 'kubelets';

/** As undici and Go: detects a vanished peer within minutes. */
const tcpKeepAliveMs = 60_000;

interface PendingResponse {
  readonly reader: ResponseReader;
  readonly end: () => void;
  readonly reject: (cause: unknown) => void;
  /** Earlier bytes are no response. */
  written: boolean;
  spentMs: number;
}

/** Carries one request at a time. */
export class KubeletSocket implements PausedReading {
  closed = false;
  responded = false;
  readonly #options: SocketOptions;
  readonly #socket: Socket;
  /** Undefined if the host is an address. */
  readonly #lookups: Lookups | undefined;
  readonly #opened = Promise.withResolvers<void>();
  #failure: unknown;
  #pending: PendingResponse | undefined;
  #left: Buffer | undefined;
  #hasEnded = false;
  readonly #fail = (cause: unknown) => this.fail(cause);

  constructor(options: SocketOptions) {
    this.#options = options;
    const { host, connectTimeoutMs, resolve } = options;
    this.#lookups = isIP(host) === 0 ? new Lookups(resolve, connectTimeoutMs) : undefined;
    this.#socket = connect(options, this.#lookups, (length) => this.#read(length))
      .on('error', (cause) => this.fail(cause))
      .on('end', () => this.#end())
      .on('close', () => this.#close())
      // Write nothing before 'secureConnect': the certificate is not verified.
      .on(options.tls === undefined ? 'connect' : 'secureConnect', () => this.#verify())
      // Only requests' timers keep the process running.
      .unref();
  }

  /** Rejects with the socket's error, ConnectTimeoutError, or the deadline's reason. */
  async opened(deadline: RequestDeadline): Promise<void> {
    const failLate = (reason: unknown) => this.fail(connectError(reason, this.#lookups));
    const timer = setTimeout(() => failLate(new ConnectTimeoutError()), this.#options.connectTimeoutMs);
    deadline.onEnd(failLate);
    try {
      await this.#opened.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  send<T>(request: Buffer, sink: ResponseSink<T>, deadline: RequestDeadline): Promise<T> {
    this.responded = false;
    return new Promise((resolve, reject) => {
      if (deadline.ended || this.closed) {
        reject(deadline.ended ? deadline.reason : this.#failure);
        return;
      }
      const reader = new ResponseReader(sink, this.#options.heads);
      this.#pending = { reader, end: () => resolve(sink.onEnd()), reject, written: false, spentMs: 0 };
      deadline.onEnd(this.#fail);
      // Reads precede immediates, so earlier bytes or an end are handled by then.
      setImmediate(() => this.#write(request));
    });
  }

  fail(cause: unknown): void {
    if (this.closed) return;
    this.closed = true;
    this.#failure = cause;
    this.#lookups?.abort();
    this.#socket.destroy();
    this.#left = undefined;
    readingBudget.cancel(this);
    this.#opened.reject(cause);
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(cause);
  }

  /** Opens the connection once its peer is verified. */
  #verify(): void {
    const { verifyPeer } = this.#options;
    if (verifyPeer === undefined) this.#opened.resolve();
    else if (this.#socket instanceof TLSSocket) {
      verifyPeer(this.#socket).then((refusal) => {
        if (refusal === undefined) this.#opened.resolve();
        else this.fail(refusal);
      }, this.#fail);
    } else this.fail(new HttpError('a peer without TLS cannot be verified'));
  }

  #write(request: Buffer): void {
    if (this.#pending === undefined) return;
    this.#pending.written = true;
    this.#socket.write(request);
  }

  /** Must not throw: that would end the process. */
  #read(length: number): void {
    if (this.closed) return;
    const pending = this.#pending;
    if (pending?.written !== true) {
      this.fail(new HttpError('a response without a request'));
      return;
    }
    this.responded = true;
    const { buffer } = this.#options;
    if (this.#left !== undefined) {
      // Records decrypted together arrive during a pause, others while the response is queued.
      this.#left = Buffer.concat([this.#left, buffer.subarray(0, length)]);
      this.#socket.pause();
    } else if (readingBudget.mayBegin(pending.spentMs)) this.#advance(pending, buffer, length, false);
    else {
      // Most responses are whole: only those of which more arrives are paused.
      this.#left = Buffer.from(buffer.subarray(0, length));
      readingBudget.readLater(this);
    }
  }

  resume(): void {
    const pending = this.#pending;
    const left = this.#left;
    if (this.closed || pending === undefined || left === undefined) return;
    this.#left = undefined;
    this.#advance(pending, left, left.length, true);
    if (this.closed || this.#left !== undefined) return;
    if (this.#hasEnded) this.#end();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** At the slice's end, pauses the socket and keeps the rest for a later iteration. */
  #advance(pending: PendingResponse, bytes: Buffer, length: number, isResumed: boolean): void {
    const { reader } = pending;
    let at = 0;
    readingBudget.begin(pending.spentMs);
    try {
      if (!isResumed || reader.resume()) at = reader.read(bytes, length);
    } catch (cause) {
      this.fail(cause);
    } finally {
      pending.spentMs += readingBudget.end();
    }
    if (this.closed) return;
    if (pending.spentMs > readingLimitMs) {
      this.fail(new ReadingTooLongError(`reading it took more than ${readingLimitMs} ms`));
    } else if (reader.isPaused) {
      this.#left = Buffer.from(bytes.subarray(at, length));
      this.#socket.pause();
      readingBudget.resumeLater(this);
    } else if (reader.isComplete) this.#finish(pending);
  }

  /** During a pause, kept bytes are read first. */
  #close(): void {
    if (!this.#hasEnded || this.#left === undefined) this.fail(new ConnectionLostError('the connection is closed'));
  }

  #end(): void {
    this.#hasEnded = true;
    if (this.#left !== undefined) return;
    const pending = this.#pending;
    if (pending?.written === true && pending.reader.end()) this.#finish(pending);
    this.fail(new ConnectionLostError('the other side closed'));
  }

  #finish({ reader, end, reject }: PendingResponse): void {
    this.#pending = undefined;
    try {
      end();
    } catch (cause) {
      reject(cause);
      this.fail(cause);
      return;
    }
    if (!reader.reusable) this.fail(new ConnectionLostError('the connection was for one response'));
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
  guardServer(secure, handshakeOwner);
  return secure;
}
