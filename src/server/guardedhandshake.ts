/** Starts TLS on the server's connections, guarded: see `tls/handshakeguard.ts`. */
import { TLSSocket } from 'node:tls';
import { guardHandshake } from '../tls/handshakeguard.ts';
import type { InTurn } from './strangerbudget.ts';

export interface StartOptions {
  readonly inTurn: InTurn;
  /** Called with the reason when a client is hung up on, in words without anything that it sent but numbers. */
  readonly onRefused: (error: Error) => void;
}

/**
 * Starts TLS on a connection.
 * @param first what has been read of it.
 * @param start what Node does with a new connection.
 */
export function startGuarded(first: Buffer, start: () => void, { inTurn, onRefused }: StartOptions): void {
  const secure = tlsSocketMadeBy(start);
  guardHandshake(secure, {
    peer: 'client',
    first,
    inTurn,
    onRefused: (error) => {
      onRefused(error);
      secure.destroy();
    },
  });
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
