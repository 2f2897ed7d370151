/** Starts TLS on the server's connections under the guard of `tls/handshakeguard.ts`. */
import { TLSSocket } from 'node:tls';
import { guardHandshake } from '../tls/handshakeguard.ts';

export interface HandshakeOptions {
  /** Runs a step soon, in the share of the connection's network. */
  readonly enqueue: (step: () => void) => void;
  /** Called with the reason when a handshake is refused. The message contains no text of the client, only numbers. */
  readonly onRefused: (error: Error) => void;
}

/**
 * Starts TLS on a connection.
 * @param first bytes that were read before.
 * @param start hands the connection to Node's own listeners.
 */
export function startGuarded(first: Buffer, start: () => void, { enqueue, onRefused }: HandshakeOptions): void {
  const secure = tlsSocketMadeBy(start);
  guardHandshake(secure, {
    peer: 'client',
    first,
    inTurn: enqueue,
    onRefused: (error) => {
      onRefused(error);
      secure.destroy();
    },
  });
}

/** Returns the TLS socket that Node creates. Node's server does not expose it before the handshake is over. */
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
