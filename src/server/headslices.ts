/**
 * Lets what strangers send over HTTP/1.1 be parsed in slices of the server's turns. Node parses all that it has read of a connection at once: 16 KiB may hold
 * 600 pipelined requests, and a thousand connections may send them at the same moment.
 */
import type { Http2SecureServer } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { InTurn, Turns } from './strangerbudget.ts';

/** Bytes that are parsed at once; requests of 27 bytes each take 2 ms. */
export const sliceBytes = 4 * 1024;

/** What Node's HTTP/1.1 server keeps on a socket. */
interface HttpSocket extends TLSSocket {
  /** Null once the parser belongs to another connection. */
  readonly parser?: object | null;
  /** Whether answers wait in such a number that nothing may be parsed. */
  readonly _paused?: boolean;
}

/** @param isKnown reports whether an authenticated request has come by a connection; then Node reads it by itself. */
export function parseInSlices(
  server: Http2SecureServer,
  { inTurn, atOnce }: Turns,
  isKnown: (socket: TLSSocket) => boolean,
): void {
  // After Node's own listener.
  server.on('secureConnection', (socket: HttpSocket) => {
    const { parser } = socket;
    const [parse] = socket.listeners('data');
    if (parser === undefined || parser === null || parse === undefined) return;
    /** What has been read and is not parsed yet. */
    let left = Buffer.alloc(0);
    let isScheduled = false;
    socket.removeListener('data', parse as (chunk: Buffer) => void);
    socket.on('data', take);
    socket.on('resume', goOn);

    function take(chunk: Buffer): void {
      left = left.length === 0 ? (chunk as Buffer<ArrayBuffer>) : Buffer.concat([left, chunk]);
      // A client may end with its request: then its answer has to be written before Node sees the end.
      schedule(atOnce);
    }

    /** The HTTP server itself resumes the socket for reasons of its own. */
    function goOn(): void {
      if (left.length > 0) schedule(inTurn);
    }

    function schedule(run: InTurn): void {
      socket.pause();
      if (isScheduled) return;
      isScheduled = true;
      run(next);
    }

    function next(): void {
      isScheduled = false;
      if (socket.destroyed || socket.parser !== parser) {
        left = Buffer.alloc(0);
        return;
      }
      if (waits(socket)) return;
      const known = isKnown(socket);
      const slice = known ? left : left.subarray(0, sliceBytes);
      left = left.subarray(slice.length);
      if (known) {
        socket.removeListener('data', take);
        socket.removeListener('resume', goOn);
        socket.on('data', parse as (chunk: Buffer) => void);
      }
      parse?.call(socket, slice);
      if (left.length > 0) schedule(inTurn);
      else if (!waits(socket)) socket.resume();
    }
  });
}

/** Reports whether nothing may be parsed until answers have left; then the HTTP server resumes the socket. */
function waits(socket: HttpSocket): boolean {
  return socket._paused === true;
}
