/** Tells clients that speak HTTP without TLS to a port for HTTPS what is wrong, where TLS would only hang up. */
import type { Server, Socket } from 'node:net';
import type { InTurn } from './strangerbudget.ts';

/** In the words of Go's servers. */
const answer = 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n';
/** For a client that does not hang up when it was told. */
const goodbyeMs = 1_000;

/**
 * Looks at the first bytes of each connection before the server's own listeners do.
 * @param silenceMs how long a client may take for its first byte.
 * @param startTls takes over with what has been read; `start` is what the server's own listeners do.
 */
export function refusePlainHttp(
  server: Server,
  silenceMs: number,
  inTurn: InTurn,
  startTls: (first: Buffer, start: () => void) => void,
): void {
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    socket.on('error', ignore);
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.once('readable', () => inTurn(() => look(socket)));
  });

  function look(socket: Socket): void {
    if (socket.destroyed) return;
    const first = socket.read() as Buffer | null;
    if (first !== null && looksLikeHttp.test(first.toString('latin1', 0, 8))) {
      refuse(socket);
      return;
    }
    socket.off('error', ignore);
    socket.setTimeout(0);
    socket.removeAllListeners('timeout');
    startTls(first ?? nothing, () => {
      for (const listener of listeners) listener.call(server, socket);
    });
  }
}

const nothing = Buffer.alloc(0);

/** TLS begins with a record type, which is no letter. */
const looksLikeHttp = /^(?:GET \/|HEAD |POST |PUT \/|OPTIO)/;

function refuse(socket: Socket): void {
  socket.setTimeout(goodbyeMs, () => socket.destroy());
  // With unread bytes left, closing would take the answer back.
  socket.resume();
  socket.end(answer);
}

function ignore(): void {
  // The client left before it said anything.
}
