/** Answers plain HTTP by a sentence instead of a close. */
import type { Server, Socket } from 'node:net';

/** As Go's servers. */
const response = 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n';
/** Milliseconds for a client that does not close. */
const lingerMs = 1_000;

export interface FirstBytesOptions {
  readonly silenceMs: number;
  readonly enqueue: (socket: Socket, step: () => void) => void;
  /** `start` runs the server's own listeners. */
  readonly startTls: (socket: Socket, first: Buffer, start: () => void) => void;
}

/** Reads the first bytes before the server's own listeners. */
export function refusePlainHttp(server: Server, { silenceMs, enqueue, startTls }: FirstBytesOptions): void {
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    socket.on('error', ignore);
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.once('readable', () => enqueue(socket, () => readFirst(socket)));
  });

  function readFirst(socket: Socket): void {
    if (socket.destroyed) return;
    const first = socket.read() as Buffer | null;
    if (first !== null && plainRequest.test(first.toString('latin1', 0, 8))) {
      refuse(socket);
      return;
    }
    socket.off('error', ignore);
    socket.setTimeout(0);
    socket.removeAllListeners('timeout');
    startTls(socket, first ?? noBytes, () => {
      for (const listener of listeners) listener.call(server, socket);
    });
  }
}

const noBytes = Buffer.alloc(0);

/** TLS begins with a record type, which is not a letter. */
const plainRequest = /^(?:GET \/|HEAD |POST |PUT \/|OPTIO)/;

function refuse(socket: Socket): void {
  socket.setTimeout(lingerMs, () => socket.destroy());
  // Closing with unread bytes would reset the connection and lose the response.
  socket.resume();
  socket.end(response);
}

function ignore(): void {
  // The client disconnected before its first byte.
}
