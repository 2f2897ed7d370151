/** Finds the connection of a request. */
import type { Http2ServerRequest } from 'node:http2';
import type { OpenConnection, OpenConnections } from './openconnections.ts';

export type FromConnection = Pick<Http2ServerRequest, 'socket'>;

export type ConnectionLookup = (request: FromConnection) => OpenConnection | undefined;

/** Caches by session or socket: a search by peer builds a string. */
export function createConnectionLookup(connections: OpenConnections): ConnectionLookup {
  const cache = new WeakMap<object, OpenConnection>();
  return (request) => {
    const key = connectionKey(request);
    let connection = cache.get(key);
    if (connection === undefined) {
      connection = connections.find(request.socket);
      if (connection !== undefined) cache.set(key, connection);
    }
    return connection;
  };
}

/** Returns the same object for all requests of a connection. */
export function connectionKey(request: FromConnection): object {
  return (request as Partial<Http2ServerRequest>).stream?.session ?? request.socket;
}
