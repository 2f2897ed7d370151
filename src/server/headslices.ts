/**
 * Parses HTTP/1.1 in slices that share the event loop. Node parses all it has read: 16 KiB may hold 600 pipelined
 * requests, on each of a thousand connections.
 */
import type { Http2SecureServer } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { QueueShare } from '../eventloopqueue.ts';

/** Bytes per step; requests of 27 bytes each take 2 ms. */
export const sliceBytes = 4 * 1024;

/** Private fields of Node. */
interface HttpSocket extends TLSSocket {
  /** Null once the parser belongs to another connection. */
  readonly parser?: object | null;
  readonly _paused?: boolean;
}

/** @param shareOf changes when the connection is authenticated. */
export function parseInSlices(server: Http2SecureServer, shareOf: (socket: TLSSocket) => QueueShare): void {
  // Runs after Node's own listener.
  server.on('secureConnection', (socket: HttpSocket) => {
    const { parser } = socket;
    const [parse] = socket.listeners('data');
    if (parser === undefined || parser === null || parse === undefined) return;
    let left = Buffer.alloc(0);
    let isScheduled = false;
    socket.removeListener('data', parse as (chunk: Buffer) => void);
    socket.on('data', take);
    // Node emits 'end' also for a paused socket. Its listeners wait for the rest.
    const endListeners = socket.listeners('end');
    let isEnded = false;
    socket.removeAllListeners('end');
    socket.on('end', () => {
      isEnded = true;
      endIfParsed();
    });
    socket.on('resume', () => {
      // Node's HTTP server resumes the socket, too.
      if (left.length > 0) enqueueRest();
    });

    function take(chunk: Buffer): void {
      left = left.length === 0 ? (chunk as Buffer<ArrayBuffer>) : Buffer.concat([left, chunk]);
      if (isScheduled) return;
      isScheduled = true;
      // Fast path: a request that fits into a slice does not pause the socket.
      if (!shareOf(socket).runOrEnqueue(parseSlice)) socket.pause();
    }

    function enqueueRest(): void {
      socket.pause();
      if (isScheduled) return;
      isScheduled = true;
      shareOf(socket).enqueue(parseSlice);
    }

    function parseSlice(): void {
      isScheduled = false;
      if (socket.destroyed || socket.parser !== parser) {
        left = Buffer.alloc(0);
        return;
      }
      if (isBlocked(socket)) return;
      const slice = left.subarray(0, sliceBytes);
      left = left.subarray(slice.length);
      parse?.call(socket, slice);
      if (left.length > 0) enqueueRest();
      else if (isEnded) endIfParsed();
      else if (socket.isPaused() && !isBlocked(socket)) socket.resume();
    }

    function endIfParsed(): void {
      if (left.length > 0 || isScheduled) return;
      // After CONNECT another connection may have the parser, which Node's listener would end.
      if (socket.parser !== parser) return;
      for (const listener of endListeners) listener.call(socket);
    }
  });
}

/** Reports whether responses must be sent first. */
function isBlocked(socket: HttpSocket): boolean {
  return socket._paused === true;
}
