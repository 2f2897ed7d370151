/**
 * Lets OpenSSL see what a stranger sends only after `tls/clientflight.ts` has: its certificates could hold the process for minutes. Node has neither an
 * option nor an event for that. So until the certificates have come, the connection is read by polling, and what was read is given to TLS by the method that
 * Node itself uses for bytes that were read too early; from then on TLS reads by itself, and nothing costs more.
 */
import { readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ClientFlight } from '../tls/clientflight.ts';
import type { InTurn } from './turns.ts';
import { clientHandshakeSecret, recordDecrypter } from '../tls/clientkeys.ts';

/** What is used of Node's handle of a TLS connection, which is not public. */
interface TlsHandle {
  /** Of the TCP socket below; negative once it is closed. */
  readonly fd: number;
  receive(bytes: Buffer): void;
  readStart(): number;
  readStop(): number;
}

/** Milliseconds to the next look: a client is waited for at most 1.5 times as long as it takes, and one that is silent costs four looks a second. */
const firstPauseMs = 1;
const pauseGrowth = 1.5;
const longestPauseMs = 250;
/** Read at once; shared, since nothing keeps what is in it. */
const buffer = Buffer.alloc(16 * 1024);

export interface GuardOptions {
  /** One connection's handshake takes OpenSSL some milliseconds. */
  readonly inTurn: InTurn;
  /** Called with the reason when a client is hung up on, in words without anything that it sent but numbers. */
  readonly onRefused: (error: Error) => void;
}

/**
 * Starts TLS on a connection.
 * @param first what has been read of it.
 * @param start what Node does with a new connection.
 */
export function startGuarded(
  socket: Socket,
  first: Buffer,
  start: () => void,
  { inTurn, onRefused }: GuardOptions,
): void {
  const secure = tlsSocketMadeBy(start);
  const handle = (secure as unknown as { readonly _handle: TlsHandle })._handle;
  let secret: Buffer | undefined;
  secure.once('close', () => (secret = undefined));
  secure.on('keylog', keepSecret);
  const flight = new ClientFlight(() => {
    if (secret === undefined) return undefined;
    const decrypter = recordDecrypter(secure.getCipher().standardName, secret);
    secret = undefined;
    return decrypter;
  });
  let pauseMs = firstPauseMs;
  let timer: NodeJS.Timeout | undefined;
  secure.once('close', () => clearTimeout(timer));
  // The TCP socket reads already, and TLS will want to.
  handle.readStop();
  handle.readStart = () => 0;
  // After what Node does in the next tick with a new socket.
  process.nextTick(() => {
    if (pass(first)) inTurn(look);
  });

  function keepSecret(line: Buffer): void {
    secret ??= clientHandshakeSecret(line.toString('latin1'));
  }

  /** Reads what has come. Hands over to Node when nothing costly can come any more, and where the connection has ended. */
  function look(): void {
    if (secure.destroyed || socket.destroyed) return;
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

  /** Gives bytes to TLS. Returns whether there is more to look at. */
  function pass(bytes: Buffer): boolean {
    if (secure.destroyed || socket.destroyed) return false;
    try {
      flight.read(bytes);
    } catch (error) {
      onRefused(error as Error);
      secure.destroy();
      return false;
    }
    handle.receive(bytes);
    pauseMs = firstPauseMs;
    if (flight.done) handOver();
    return !flight.done;
  }

  function handOver(): void {
    secure.off('keylog', keepSecret);
    secret = undefined;
    Reflect.deleteProperty(handle, 'readStart');
    if (!secure.destroyed) handle.readStart();
  }
}

/** Node's server keeps the sockets that it makes to itself until their handshake is over. */
function tlsSocketMadeBy(start: () => void): TLSSocket {
  const prototype = TLSSocket.prototype as unknown as { _init(this: TLSSocket, ...rest: unknown[]): void };
  const original = prototype._init;
  let made: TLSSocket | undefined;
  const keep = (socket: TLSSocket) => (made = socket);
  prototype._init = function init(...rest) {
    keep(this);
    original.apply(this, rest);
  };
  try {
    start();
  } finally {
    prototype._init = original;
  }
  if (made === undefined) throw new Error('this version of Node starts TLS in another way');
  return made;
}
