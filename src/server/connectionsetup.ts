/** Guards connections before their requests: limits, the TLS guard, shares of the event loop. */
import type { Http2SecureServer } from 'node:http2';
import type { Socket } from 'node:net';
import { networkOf } from '../auth/clientnetwork.ts';
import { createEventLoopQueue, type EventLoopQueue, type QueueShare } from '../eventloopqueue.ts';
import { createLineLimit, type Logger } from '../logging.ts';
import { handshakeTimeoutMs } from './app.ts';
import { type ConnectionAges, limitConnectionAge } from './connectionage.ts';
import { type ConnectionLookup, createConnectionLookup, type FromConnection } from './connectionlookup.ts';
import {
  answerHalfClosed,
  endIdleSessions,
  refuseExpectations,
  refuseTunnels,
  watchConnections,
} from './connections.ts';
import { startGuarded } from './guardedhandshake.ts';
import { parseInSlices } from './headslices.ts';
import { refusePlainHttp } from './plainhttp.ts';
import { createReadGate } from './readgate.ts';
import { queueRequests } from './requestqueue.ts';
import type { ServerOptions } from './serveroptions.ts';

export interface ConnectionSetup {
  readonly ages: ConnectionAges;
  readonly connectionOf: ConnectionLookup;
  readonly users: EventLoopQueue;
  /** Returns the share of the request's connection. */
  readonly shareOf: (request: FromConnection) => QueueShare;
}

export function setUpConnections(
  server: Http2SecureServer,
  { connections, maxConnectionAgeMs, log }: Pick<ServerOptions, 'connections' | 'maxConnectionAgeMs' | 'log'>,
): ConnectionSetup {
  const connectionOf = createConnectionLookup(connections);
  const strangers = createEventLoopQueue();
  const users = createEventLoopQueue();
  const strangerShareOf = ({ remoteAddress = '' }: Socket) => strangers.shareOf(networkOf(remoteAddress));
  const shareOf = (request: FromConnection): QueueShare => {
    const connection = connectionOf(request);
    if (connection === undefined) return strangerShareOf(request.socket);
    return (connection.isAuthenticated() ? users : strangers).shareOf(connection.network, connection);
  };
  const onRefused = createHandshakeLog(log);

  const groupOf = (request: FromConnection) => {
    const connection = connectionOf(request);
    return connection?.isAuthenticated() === true ? connection.network : strangerGroup;
  };
  const gate = createReadGate(server, (socket) => groupOf({ socket }));

  const ages = limitConnectionAge(server, maxConnectionAgeMs);
  endIdleSessions(server, connections);
  refuseTunnels(server, connectionOf);
  refuseExpectations(server, connectionOf);
  answerHalfClosed(server);
  refusePlainHttp(server, {
    silenceMs: handshakeTimeoutMs,
    enqueue: (socket, step) => strangerShareOf(socket).enqueue(step),
    startTls: (socket, first, start) =>
      startGuarded(first, start, { enqueue: strangerShareOf(socket).enqueue, onRefused }),
  });
  watchConnections(server, connections);
  parseInSlices(server, (socket) => shareOf({ socket }));
  queueRequests(server, {
    shareOf,
    isKnown: (request) => connectionOf(request)?.isAuthenticated() === true,
    onWaiting(request) {
      const group = groupOf(request);
      if (!gate.stop(group, request.socket)) return;
      const resume = () => gate.resume(group);
      // Strangers are read again when all their requests have begun, so that few wait. The gate has a share of its
      // own: in the connection's, all strangers would wait for a turn of each connection of its network. Several users
      // may share a network: its other connections are read after one step of this one.
      (group === strangerGroup ? strangers : users).shareOf(group, gate).enqueue(resume);
    },
    close: (request) => connectionOf(request)?.close('pipelining'),
  });
  return { ages, connectionOf, users, shareOf };
}

/** All strangers are stopped together. No network has this name. */
const strangerGroup = 'strangers';

function createHandshakeLog(log: Logger): (error: Error) => void {
  const mayLog = createLineLimit(() => performance.now());
  return ({ message }) => {
    // The client chooses the numbers.
    if (mayLog(message.replace(/\d+/g, ''))) {
      log.warn({ code: 'HandshakeEnded', reason: message }, 'ended a TLS handshake: its certificates are not read');
    }
  };
}
