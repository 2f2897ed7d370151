/**
 * Ends connections after a maximum age: --max-connection-age. kube-apiserver sends the requests of all its clients over
 * one HTTP/2 connection, so only its next connection can reach another replica.
 */
import type { Http2SecureServer, Http2Session, ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { connectionKey, type FromConnection } from './connectionlookup.ts';
import { endSession } from './connections.ts';
import type { OpenConnection, OpenConnections } from './openconnections.ts';

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
  /** Reports whether an HTTP/1.1 connection is beyond its age. HTTP/2 connections end by themselves. */
  isDue(request: FromConnection): boolean;
}

export interface ConnectionAgeOptions {
  /** Milliseconds; 0 for no limit. */
  readonly maxAgeMs: number;
  readonly connections: Pick<OpenConnections, 'find'>;
  /** Returns a number from 0 up to 1. */
  readonly random?: () => number;
}

/** Limits the age of a server's connections, counted from the end of their handshake. */
export function limitConnectionAge(
  server: Pick<Http2SecureServer, 'on'>,
  { maxAgeMs, connections, random = Math.random }: ConnectionAgeOptions,
): ConnectionAges {
  /** Monotonic milliseconds by HTTP/1.1 socket. */
  const dueMs = new WeakMap<object, number>();
  if (maxAgeMs === 0) return { isDue: () => false };

  const lifetimeMs = () => maxAgeMs * (1 - ageJitter + 2 * ageJitter * random());
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol !== 'h2') dueMs.set(socket, performance.now() + lifetimeMs());
  });
  server.on('session', (session: ServerHttp2Session) => {
    const end = () => endQuietly(session, connections.find(session.socket), maxAgeMs * quietWait);
    const timer = setTimeout(end, lifetimeMs()).unref();
    session.once('close', () => clearTimeout(timer));
  });
  return { isDue: (request) => performance.now() >= (dueMs.get(connectionKey(request)) ?? Infinity) };
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
