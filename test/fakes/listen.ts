/** Opens a server's port on loopback. */
import { once } from 'node:events';
import type { Server } from 'node:net';

export const loopback = '127.0.0.1';

/**
 * Listens, and returns the port: the wanted one, or a free one for 0.
 * @throws Error with the code EADDRINUSE when the port is taken.
 */
export async function listen(server: Server, port: number, host = loopback): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a fake does not listen on a TCP port');
  return address.port;
}
