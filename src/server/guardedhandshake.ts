/** Starts TLS under the guard of `tls/handshakeguard.ts`. */
import { TLSSocket } from 'node:tls';
import { guardHandshake } from '../tls/handshakeguard.ts';

export interface HandshakeOptions {
  readonly enqueue: (step: () => void) => void;
  /** The message has numbers but no text of the client. */
  readonly onRefused: (error: Error) => void;
}

/**
 * @param first bytes that were read before.
 * @param start runs Node's own listeners.
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

/** Returns the TLS socket, which Node exposes only after the handshake. */
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
