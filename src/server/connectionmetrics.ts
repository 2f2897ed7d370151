/** Creates the register of open connections with its metrics and log. */
import { Counter, Gauge } from 'prom-client';
import { createLineLimit, type Logger } from '../logging.ts';
import type { CodedText } from '../messagecodes.ts';
import type { Registry } from '../monitoring.ts';
import { type CloseReason, createOpenConnections, type OpenConnections } from './openconnections.ts';
import { connectionLimit } from './waitinglimits.ts';

const explanations: Readonly<Record<CloseReason, CodedText>> = {
  connections: {
    code: 'ConnectionLimit',
    text: `there are ${connectionLimit} connections: the oldest one without an authenticated request is closed`,
  },
  address: {
    code: 'AddressConnectionLimit',
    text: 'an address has as many connections as --max-connections-per-address allows: its oldest one is closed',
  },
  bytes: { code: 'ClientMemoryLimit', text: 'a client holds more memory than it may: its connection is closed' },
  pipelining: {
    code: 'ClientNotReading',
    text: 'a client sends requests and does not read the answers: its connection is closed',
  },
  unread: { code: 'ClientNotReading', text: 'a client does not take its answer: its connection is closed' },
};

/** @param limitPerAddress 0 for no limit. */
export function createConnections(registry: Registry, limitPerAddress: number, log: Logger): OpenConnections {
  const closed = new Counter({
    name: 'kubegauge_connections_closed_total',
    help: 'Number of client connections that the server closed at a limit, by the limit.',
    labelNames: ['reason'],
    registers: [registry],
  });
  const mayLog = createLineLimit(() => performance.now());
  const connections = createOpenConnections({
    limit: connectionLimit,
    limitPerAddress,
    onClosed(reason) {
      closed.inc({ reason });
      const { code, text } = explanations[reason];
      if (mayLog(reason)) log.warn({ code, reason }, text);
    },
  });
  new Gauge({
    name: 'kubegauge_connections',
    help: 'Number of open client connections, by whether an authenticated request has come by them.',
    labelNames: ['authenticated'],
    registers: [registry],
    collect() {
      const { known, strangers } = connections.count();
      this.set({ authenticated: 'true' }, known);
      this.set({ authenticated: 'false' }, strangers);
    },
  });
  return connections;
}
