/**
 * Stops reading HTTP/2 connections while requests of their group wait. In one poll Node reads up to 512 KiB of each
 * and creates the streams: 100 connections with 100 streams took 97 ms of CPU. libuv skips a stopped connection in the
 * same poll, so an iteration costs its budget and one read of 16 KiB.
 */
import type { Http2SecureServer } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** Node's private TLS handle; the socket's methods do not stop one that HTTP/2 reads. */
interface ReadHandle {
  readStart(): number;
  readStop(): number;
}

/** Connections that are stopped together. */
export type ReadGroup = string;

export interface ReadGate {
  /**
   * Stops reading the group. If it is stopped, stops this connection again: it is new, or Node resumed it after a
   * write. Returns whether the group was being read.
   */
  stop(group: ReadGroup, socket: Socket): boolean;
  resume(group: ReadGroup): void;
}

/** @param groupOf changes when the connection is authenticated. */
export function createReadGate(server: Http2SecureServer, groupOf: (socket: TLSSocket) => ReadGroup): ReadGate {
  const sockets = new Set<TLSSocket>();
  const stopped = new Map<ReadGroup, Set<ReadHandle>>();
  server.on('secureConnection', (socket) => {
    if (socket.alpnProtocol !== 'h2') return;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return {
    stop(group, socket) {
      const known = stopped.get(group);
      const handles = known ?? new Set();
      stopped.set(group, handles);
      const stopOne = (handle: ReadHandle | null | undefined) => {
        if (handle === null || handle === undefined) return;
        handle.readStop();
        handles.add(handle);
      };
      stopOne(handleOf(socket));
      if (known === undefined) for (const each of sockets) if (groupOf(each) === group) stopOne(handleOf(each));
      return known === undefined;
    },
    resume(group) {
      const handles = stopped.get(group);
      stopped.delete(group);
      for (const handle of handles ?? []) handle.readStart();
    },
  };
}

/** Undefined or null once closed. */
function handleOf(socket: Socket): ReadHandle | null | undefined {
  return (socket as unknown as { readonly _handle?: ReadHandle | null })._handle;
}
