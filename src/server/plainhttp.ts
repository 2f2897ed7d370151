/** Answers HTTP without TLS by a sentence; TLS would only close the connection. */
import type { Server, Socket } from 'node:net';

/** The text of Go's servers. */
const response = 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n';
/** Milliseconds after the response for a client that does not close. */
const lingerMs = 1_000;

export interface FirstBytesOptions {
  /** Milliseconds for a client's first byte. */
  readonly silenceMs: number;
  /** Runs a step of a connection soon. */
  readonly enqueue: (socket: Socket, step: () => void) => void;
  /** Continues with the bytes that were read; `start` runs the server's own listeners. */
  readonly startTls: (socket: Socket, first: Buffer, start: () => void) => void;
}

/** Reads the first bytes of each connection before the server's own listeners do. */
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
  // Closing with unread bytes would reset the connection, and the response would be lost.
  socket.resume();
  socket.end(response);
}

function ignore(): void {
  // The client disconnected before its first byte.
}
