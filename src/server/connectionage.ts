/**
 * Ends connections after a maximum age: --max-connection-age. kube-apiserver sends the requests of all its clients over
 * one HTTP/2 connection, so only its next connection can reach another replica.
 */
import type { Http2SecureServer, Http2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { connectionKey, type FromConnection } from './connectionlookup.ts';
import { endSession } from './connections.ts';
import type { OpenConnection } from './openconnections.ts';

/**
 * Part of the maximum age by which each connection's age varies in both directions: connections that began together
 * must not end together.
 */
export const ageJitter = 0.2;

/**
 * Part of the maximum age that a connection beyond its age waits for a moment without a pending request. GOAWAY loses
 * no request of clients that repeat what the server has not accepted, as Go's do; in such a moment it loses hardly any
 * of other clients.
 */
export const quietWait = 0.1;

export interface ConnectionAges {
  /** Reports whether the request's connection is beyond its age, so that it ends with this request or soon after. */
  isDue(request: FromConnection): boolean;
  /** Milliseconds that an HTTP/2 connection beyond its age waits for a moment without a pending request. */
  readonly quietWaitMs: number;
}

/**
 * Measures the age of a server's connections from the end of their handshake. Idle connections stay: a request may be on
 * its way, and metrics-server keeps them for 90 s.
 * @param maxAgeMs 0 for no limit.
 * @param random returns a number from 0 up to 1.
 */
export function limitConnectionAge(
  server: Pick<Http2SecureServer, 'on'>,
  maxAgeMs: number,
  random: () => number = Math.random,
): ConnectionAges {
  const quietWaitMs = maxAgeMs * quietWait;
  if (maxAgeMs === 0) return { isDue: () => false, quietWaitMs };
  /** Monotonic milliseconds by HTTP/2 session or HTTP/1.1 socket. */
  const dueMs = new WeakMap<object, number>();
  const begin = (connection: object) =>
    dueMs.set(connection, performance.now() + maxAgeMs * (1 - ageJitter + 2 * ageJitter * random()));
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol !== 'h2') begin(socket);
  });
  server.on('session', begin);
  return { isDue: (request) => performance.now() >= (dueMs.get(connectionKey(request)) ?? Infinity), quietWaitMs };
}

/**
 * Ends an HTTP/2 connection in a moment without a pending request, at the latest after `waitMs`. GOAWAY then follows
 * the last response at once. A late end follows a read of the connection, so that requests that have arrived are
 * accepted. Go's clients repeat others at once only the first time, then after 1, 2, 4 and 8 s.
 */
export function endQuietly(session: Http2Session, connection: OpenConnection | undefined, waitMs: number): void {
  if (session.destroyed || ending.has(session)) return;
  ending.add(session);
  const end = () => endSession(session);
  if (connection === undefined) {
    end();
    return;
  }
  const timer = setTimeout(setImmediate, waitMs, end).unref();
  session.once('close', () => clearTimeout(timer));
  connection.onceIdle(end);
}

/** Sessions that wait for their end. */
const ending = new WeakSet<Http2Session>();
