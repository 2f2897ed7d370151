/** Who a client says it is by its TLS certificate. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** CN of the client's certificate; undefined without one, and where no CA of the server signed it. */
export function clientNameOf(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  return typeof name === 'string' ? name : undefined;
}
