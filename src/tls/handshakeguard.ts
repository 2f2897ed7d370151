/**
 * Passes a TLS handshake to OpenSSL after `peerflight.ts` has checked it: certificates could hold the process for
 * minutes. Node has no event: the guard polls the socket, and gives TLS the bytes as Node gives early ones.
 */
import { constants } from 'node:crypto';
import { readSync } from 'node:fs';
import { DEFAULT_CIPHERS, type TLSSocket } from 'node:tls';
import { createEventLoopQueue } from '../eventloopqueue.ts';
import { handshakeSecret, recordDecrypter } from './handshakekeys.ts';
import { notTls, PeerFlight, PeerFlightError } from './peerflight.ts';

/** Private in Node. */
interface TlsHandle {
  /** The TCP socket's descriptor; negative once closed. */
  readonly fd: number;
  receive(bytes: Buffer): void;
  /** Sends a ClientHello. */
  start(): void;
  readStart(): number;
  readStop(): number;
}

/** Milliseconds. A peer waits at most 1.5 times its own delay; a silent one costs four polls a second. */
const firstPauseMs = 1;
const pauseGrowth = 1.5;
const longestPauseMs = 250;
/** Per step: in one-byte records they take OpenSSL 2 ms. */
const stepBytes = 16 * 1024;
/** Shared by all connections: nothing may keep a reference to it. */
const buffer = Buffer.alloc(stepBytes);

/** Bytes that libuv offers a read, and so Node's first input buffer of a connection without a guard. */
const libuvBufferBytes = 64 * 1024;
/** Whole HelloRequests of 4 bytes: none reaches into the peer's first message. */
const helloRequestsBytes = 16_380;

/**
 * Node sizes a connection's first input buffer by the first bytes that it gets, for the connection's life: after a
 * ServerHello of 127 bytes, a kubelet's response of 357 KB takes 35 reads instead of 9. So TLS gets these records
 * first. They hold HelloRequests, which a client ignores while it negotiates, and which the handshake's hash leaves out
 * (RFC 5246, 7.4.1.1). OpenSSL does so for TLS 1.2 and 1.3, and takes 0.28 ms.
 * `inputbuffer.test.ts` fails if a new version of Node rejects them or sizes its buffers otherwise.
 */
const sizingRecords = makeSizingRecords();

function makeSizingRecords(): Buffer {
  // Handshake, TLS 1.2. A HelloRequest is 4 zeros.
  const header = Buffer.from([22, 3, 3, helloRequestsBytes >>> 8, helloRequestsBytes & 0xff]);
  const record = Buffer.concat([header], header.length + helloRequestsBytes);
  return Buffer.concat(Array.from({ length: Math.ceil(libuvBufferBytes / record.length) }, () => record));
}

export interface GuardOptions {
  readonly peer: 'client' | 'server';
  /** Already read. Empty of a server. */
  readonly first: Buffer;
  /** Runs a step soon, once: one handshake takes OpenSSL milliseconds. */
  readonly inTurn: (step: () => void) => void;
  /** Must end the connection. The reason has no text of the peer. */
  readonly onRefused: (error: Error) => void;
}

export class RefusedPeerError extends Error {
  override readonly name = 'RefusedPeerError';
  readonly code: 'ERR_PEER_NOT_TLS' | 'ERR_PEER_HANDSHAKE' | 'ERR_PEER_CERTIFICATE';

  constructor(cause: Error) {
    const isOfCertificate = !(cause instanceof PeerFlightError);
    super(`the ${isOfCertificate ? 'certificate' : 'peer'} ${cause.message}`, { cause });
    if (isOfCertificate) this.code = 'ERR_PEER_CERTIFICATE';
    else this.code = cause.message === notTls ? 'ERR_PEER_NOT_TLS' : 'ERR_PEER_HANDSHAKE';
  }
}

/**
 * TLS options of guarded connections to servers. As in Go, a server chooses no Diffie-Hellman parameters, which cost up
 * to a second, and shows no certificate in a renegotiation, which the guard would not see.
 */
export const guardedClientTls = {
  ciphers: `${DEFAULT_CIPHERS}:!kDHE`,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
};

/**
 * Handshakes with servers have their own share of an iteration, beside clients: all kubelets may answer at once. One
 * for the thread. The step of a connection that has ended does nothing.
 */
const serverHandshakes = createEventLoopQueue();

/**
 * Guards a connection to a server, and destroys it with the reason of a refusal.
 * @param owner of the share; owners take turns, then their connections.
 */
export function guardServer(secure: TLSSocket, owner: string): void {
  secure.prependOnceListener('connect', () => {
    guardHandshake(secure, {
      peer: 'server',
      first: Buffer.alloc(0),
      inTurn: serverHandshakes.shareOf(owner, secure).enqueue,
      onRefused: (error) => secure.destroy(error),
    });
  });
}

/** Starts the guard, before anything is read or in the same tick. */
export function guardHandshake(secure: TLSSocket, options: GuardOptions): void {
  new HandshakeGuard(secure, options).start();
}

class HandshakeGuard {
  readonly #secure: TLSSocket;
  readonly #options: GuardOptions;
  readonly #handle: TlsHandle;
  readonly #flight: PeerFlight;
  #secret: Buffer | undefined;
  #isOver = false;
  #isSized: boolean;
  #pauseMs = firstPauseMs;
  #timer: NodeJS.Timeout | undefined;
  readonly #keepSecret = (line: Buffer): void => {
    this.#secret ??= handshakeSecret(line.toString('latin1'), this.#options.peer);
  };
  readonly #look = (): void => this.#poll();
  readonly #onClose = (): void => {
    this.#secret = undefined;
    clearTimeout(this.#timer);
  };

  constructor(secure: TLSSocket, options: GuardOptions) {
    this.#secure = secure;
    this.#options = options;
    // A server must not get HelloRequests.
    this.#isSized = options.peer === 'client';
    this.#handle = (secure as unknown as { readonly _handle: TlsHandle })._handle;
    this.#flight = new PeerFlight(() => {
      if (this.#secret === undefined) return undefined;
      const decrypter = recordDecrypter(secure.getCipher().standardName, this.#secret);
      this.#secret = undefined;
      return decrypter;
    });
  }

  start(): void {
    const { first, inTurn } = this.#options;
    this.#secure.on('keylog', this.#keepSecret);
    // Before Node's own listener, which may stop reading.
    this.#secure.prependOnceListener('secure', () => this.#handOver());
    this.#secure.once('close', this.#onClose);
    // The TCP socket may read already, and TLS will.
    this.#handle.readStop();
    this.#handle.readStart = () => 0;
    if (this.#options.peer === 'server') this.#delayHello();
    // After Node's own next tick of a new socket.
    else process.nextTick(inTurn, () => this.#passFirst(first));
  }

  /** Its keys take OpenSSL 0.2 ms, and many connections may open in one poll. Node's own listener comes next. */
  #delayHello(): void {
    this.#handle.start = () => {
      this.#options.inTurn(() => {
        Reflect.deleteProperty(this.#handle, 'start');
        if (this.#secure.destroyed) return;
        this.#handle.start();
        this.#lookLater();
      });
    };
  }

  #passFirst(bytes: Buffer): void {
    const rest = bytes.subarray(stepBytes);
    if (!this.#pass(bytes.subarray(0, stepBytes), rest)) return;
    this.#options.inTurn(rest.length === 0 ? this.#look : () => this.#passFirst(rest));
  }

  /** Hands over a connection that has ended. */
  #poll(): void {
    if (this.#secure.destroyed) return;
    let length = 0;
    try {
      length = readSync(this.#handle.fd, buffer);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
        this.#lookLater();
        return;
      }
    }
    if (length === 0) this.#handOver();
    else if (this.#pass(buffer.subarray(0, length))) this.#options.inTurn(this.#look);
  }

  #lookLater(): void {
    this.#timer = setTimeout(this.#options.inTurn, this.#pauseMs, this.#look);
    this.#pauseMs = Math.min(this.#pauseMs * pauseGrowth, longestPauseMs);
  }

  /**
   * Returns whether the guard goes on.
   * @param rest given to TLS if it does not.
   */
  #pass(bytes: Buffer, rest?: Buffer): boolean {
    if (this.#secure.destroyed) return false;
    this.#pauseMs = firstPauseMs;
    try {
      this.#flight.read(bytes, (record) => this.#receive(record));
    } catch (error) {
      this.#options.onRefused(new RefusedPeerError(error as Error));
      return false;
    }
    // A server's messages after its certificates are cheap. A client's last one makes the server build a session.
    if (this.#flight.done && this.#options.peer === 'server') this.#handOver();
    if (!this.#isOver) return true;
    if (rest !== undefined && rest.length > 0) this.#receive(rest);
    return false;
  }

  /** Passes on bytes of the peer. The guard does not check its own. */
  #receive(bytes: Buffer): void {
    if (!this.#isSized) {
      this.#isSized = true;
      this.#give(sizingRecords);
    }
    this.#give(bytes);
  }

  #give(bytes: Buffer): void {
    if (!this.#secure.destroyed) this.#handle.receive(bytes);
  }

  /** Lets Node read, after what was already read. */
  #handOver(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Frees the guard and the peer's certificates.
    this.#secure.off('keylog', this.#keepSecret);
    this.#secure.off('close', this.#onClose);
    this.#onClose();
    Reflect.deleteProperty(this.#handle, 'readStart');
    if (!this.#secure.destroyed) this.#handle.readStart();
  }
}
