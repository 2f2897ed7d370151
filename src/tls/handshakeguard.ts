/**
 * Lets OpenSSL see what a peer sends only after `peerflight.ts` has: its certificates could hold the process for minutes. Node has neither an option nor an
 * event for that. So until the certificates have come, the connection is read by polling, and what was read is given to TLS by the method that Node itself
 * uses for bytes that were read too early; from then on TLS reads by itself, and nothing costs more.
 */
import { readSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import { handshakeSecret, recordDecrypter } from './handshakekeys.ts';
import { notTls, PeerFlight, PeerFlightError } from './peerflight.ts';

/** What is used of Node's handle of a TLS connection, which is not public. */
interface TlsHandle {
  /** Of the TCP socket below; negative once it is closed. */
  readonly fd: number;
  receive(bytes: Buffer): void;
  readStart(): number;
  readStop(): number;
}

/** Milliseconds to the next look: a peer is waited for at most 1.5 times as long as it takes, and one that is silent costs four looks a second. */
const firstPauseMs = 1;
const pauseGrowth = 1.5;
const longestPauseMs = 250;
/** Bytes of one step: in records of one byte each they take OpenSSL 2 ms. */
const stepBytes = 16 * 1024;
/** Shared, since nothing keeps what is in it. */
const buffer = Buffer.alloc(stepBytes);

export interface GuardOptions {
  readonly peer: 'client' | 'server';
  /** What has been read of it. */
  readonly first: Buffer;
  /** Runs a step soon: one connection's handshake takes OpenSSL some milliseconds. */
  readonly inTurn: (step: () => void) => void;
  /** Called with the reason when a peer is refused, in words without anything that it sent but numbers. It has to end the connection. */
  readonly onRefused: (error: Error) => void;
}

/** The peer's handshake was ended by this program. */
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

/** Guards a connection of ours to a server, from the moment it is open; a server that is refused is disconnected with the reason. */
export function guardServer(secure: TLSSocket): void {
  // Before Node reads from it.
  secure.prependOnceListener('connect', () => {
    guardHandshake(secure, {
      peer: 'server',
      first: Buffer.alloc(0),
      inTurn: (step) => void setImmediate(step),
      onRefused: (error) => secure.destroy(error),
    });
  });
}

/** Reads a connection until the peer's certificates have come. To be called before anything is read of it, or in the same turn. */
export function guardHandshake(secure: TLSSocket, { peer, first, inTurn, onRefused }: GuardOptions): void {
  const handle = (secure as unknown as { readonly _handle: TlsHandle })._handle;
  let secret: Buffer | undefined;
  secure.on('keylog', keepSecret);
  const flight = new PeerFlight(() => {
    if (secret === undefined) return undefined;
    const decrypter = recordDecrypter(secure.getCipher().standardName, secret);
    secret = undefined;
    return decrypter;
  });
  let pauseMs = firstPauseMs;
  let timer: NodeJS.Timeout | undefined;
  secure.once('close', () => {
    secret = undefined;
    clearTimeout(timer);
  });
  // The TCP socket may read already, and TLS will want to.
  handle.readStop();
  handle.readStart = () => 0;
  // After what Node does in the next tick with a new socket.
  process.nextTick(inTurn, () => passFirst(first));

  function keepSecret(line: Buffer): void {
    secret ??= handshakeSecret(line.toString('latin1'), peer);
  }

  /** Gives TLS what was read before, in steps: it may be more than one step's bytes, and what OpenSSL makes of a ClientHello takes the most time. */
  function passFirst(bytes: Buffer): void {
    const rest = bytes.subarray(stepBytes);
    if (pass(bytes.subarray(0, stepBytes), rest)) inTurn(rest.length === 0 ? look : () => passFirst(rest));
  }

  /** Reads what has come. Hands over to Node when nothing costly can come any more, and where the connection has ended. */
  function look(): void {
    if (secure.destroyed) return;
    let length = 0;
    try {
      length = readSync(handle.fd, buffer);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
        timer = setTimeout(inTurn, pauseMs, look);
        pauseMs = Math.min(pauseMs * pauseGrowth, longestPauseMs);
        return;
      }
    }
    if (length === 0) handOver();
    else if (pass(buffer.subarray(0, length))) inTurn(look);
  }

  /**
   * Gives bytes to TLS. Returns whether there is more to look at.
   * @param rest what else was read; given to TLS, too, where there is not.
   */
  function pass(bytes: Buffer, rest?: Buffer): boolean {
    if (secure.destroyed) return false;
    pauseMs = firstPauseMs;
    try {
      flight.read(bytes, (record) => {
        if (!secure.destroyed) handle.receive(record);
      });
    } catch (error) {
      onRefused(new RefusedPeerError(error as Error));
      return false;
    }
    if (!flight.done) return true;
    if (rest !== undefined && rest.length > 0 && !secure.destroyed) handle.receive(rest);
    handOver();
    return false;
  }

  function handOver(): void {
    secure.off('keylog', keepSecret);
    secret = undefined;
    Reflect.deleteProperty(handle, 'readStart');
    if (!secure.destroyed) handle.readStart();
  }
}
