/**
 * Passes a TLS handshake to OpenSSL only after `peerflight.ts` has checked it: a peer's certificates could hold the
 * process for minutes. Node has no event for that, so the guard polls the socket, and gives TLS the bytes as Node does
 * with bytes that were read too early. After the handshake Node reads.
 */
import { readSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import { handshakeSecret, recordDecrypter } from './handshakekeys.ts';
import { notTls, PeerFlight, PeerFlightError } from './peerflight.ts';

/** The part of Node's handle that is used; it is not public. */
interface TlsHandle {
  /** Of the TCP socket below; negative after it is closed. */
  readonly fd: number;
  receive(bytes: Buffer): void;
  readStart(): number;
  readStop(): number;
}

/** Milliseconds to the next poll. A peer waits at most 1.5 times as long as it takes itself; a silent one costs four polls a second. */
const firstPauseMs = 1;
const pauseGrowth = 1.5;
const longestPauseMs = 250;
/** Bytes of one step: in records of one byte each they take OpenSSL 2 ms. */
const stepBytes = 16 * 1024;
/** Shared by all connections: nothing keeps a reference to it. */
const buffer = Buffer.alloc(stepBytes);

export interface GuardOptions {
  readonly peer: 'client' | 'server';
  /** Bytes that were already read. */
  readonly first: Buffer;
  /** Runs a step soon: the handshake of one connection takes OpenSSL some milliseconds. */
  readonly inTurn: (step: () => void) => void;
  /** Has to end the connection. The reason repeats nothing that the peer sent but numbers. */
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

/** Guards a connection to a server. Destroys it with the reason when the server is refused. */
export function guardServer(secure: TLSSocket): void {
  secure.prependOnceListener('connect', () => {
    guardHandshake(secure, {
      peer: 'server',
      first: Buffer.alloc(0),
      inTurn: (step) => void setImmediate(step),
      onRefused: (error) => secure.destroy(error),
    });
  });
}

/** Has to be called before anything is read, or in the same tick. */
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
    // Before Node's own listener: what it starts may stop reading.
    this.#secure.prependOnceListener('secure', () => this.#handOver());
    this.#secure.once('close', this.#onClose);
    // The TCP socket may read already, and TLS will want to.
    this.#handle.readStop();
    this.#handle.readStart = () => 0;
    // After what Node does in the next tick with a new socket.
    process.nextTick(inTurn, () => this.#passFirst(first));
  }

  #passFirst(bytes: Buffer): void {
    const rest = bytes.subarray(stepBytes);
    if (!this.#pass(bytes.subarray(0, stepBytes), rest)) return;
    this.#options.inTurn(rest.length === 0 ? this.#look : () => this.#passFirst(rest));
  }

  /** Hands over to Node when the connection has ended. */
  #poll(): void {
    if (this.#secure.destroyed) return;
    const { inTurn } = this.#options;
    let length = 0;
    try {
      length = readSync(this.#handle.fd, buffer);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
        this.#timer = setTimeout(inTurn, this.#pauseMs, this.#look);
        this.#pauseMs = Math.min(this.#pauseMs * pauseGrowth, longestPauseMs);
        return;
      }
    }
    if (length === 0) this.#handOver();
    else if (this.#pass(buffer.subarray(0, length))) inTurn(this.#look);
  }

  /**
   * Returns whether the guard goes on.
   * @param rest what else was read; given to TLS as well if it does not.
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
    // What follows a server's certificates is cheap. A client's last message makes the server build a session.
    if (this.#flight.done && this.#options.peer === 'server') this.#handOver();
    if (!this.#isOver) return true;
    if (rest !== undefined && rest.length > 0) this.#receive(rest);
    return false;
  }

  #receive(bytes: Buffer): void {
    if (!this.#secure.destroyed) this.#handle.receive(bytes);
  }

  /** Lets Node read. What was already read still goes before it. */
  #handOver(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Frees the guard, which has kept the peer's certificates.
    this.#secure.off('keylog', this.#keepSecret);
    this.#secure.off('close', this.#onClose);
    this.#onClose();
    Reflect.deleteProperty(this.#handle, 'readStart');
    if (!this.#secure.destroyed) this.#handle.readStart();
  }
}
