import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { type CloseReason, createOpenConnections } from '../../../src/server/openconnections.ts';

let port = 1024;

/** A socket whose peer has this address. */
function socketFrom(remoteAddress: string): Socket {
  return Object.defineProperties(new Socket(), {
    remoteAddress: { value: remoteAddress },
    remotePort: { value: (port += 1) },
  });
}

function opened(addresses: readonly string[]): { closed: readonly CloseReason[]; open: readonly string[] } {
  const closed: CloseReason[] = [];
  const connections = createOpenConnections({ limit: 100, limitPerAddress: 2, onClosed: (why) => closed.push(why) });
  const sockets = addresses.map(socketFrom);
  for (const socket of sockets) connections.opened(socket);
  return { closed, open: sockets.flatMap(({ destroyed, remoteAddress = '' }) => (destroyed ? [] : [remoteAddress])) };
}

test('the limit per address counts the addresses of an IPv6 /64 as one client', () => {
  assert.deepEqual(opened(['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8:0:1::1', '2001:db8:0:0:ffff::4']), {
    closed: ['address', 'address'],
    open: ['2001:db8::3', '2001:db8:0:1::1', '2001:db8:0:0:ffff::4'],
  });
});

test('the limit per address counts an IPv4-mapped address as the IPv4 address', () => {
  assert.deepEqual(opened(['::ffff:10.0.0.1', '10.0.0.1', '::ffff:10.0.0.2', '10.0.0.1']), {
    closed: ['address'],
    open: ['10.0.0.1', '::ffff:10.0.0.2', '10.0.0.1'],
  });
});

test('a connection calls back once, when the last of its pending requests is answered or ends', () => {
  const connections = createOpenConnections({ limit: 100, limitPerAddress: 0, onClosed: () => undefined });
  const socket = socketFrom('10.0.0.1');
  connections.opened(socket);
  const connection = connections.find(socket);
  assert.ok(connection);
  const calls: string[] = [];
  const begin = () => connection.beginRequest(0, () => undefined);

  connection.onceIdle(() => calls.push('at once'));
  assert.deepEqual(calls.splice(0), ['at once']);

  const [first, second] = [begin(), begin()];
  connection.onceIdle(() => calls.push('answered'));
  first.answered();
  first.end();
  assert.equal(calls.length, 0);
  second.answered();
  assert.deepEqual(calls.splice(0), ['answered']);
  second.end();

  const aborted = begin();
  connection.onceIdle(() => calls.push('aborted'));
  aborted.end();
  aborted.answered();
  assert.deepEqual(calls.splice(0), ['aborted']);

  begin();
  connection.onceIdle(() => calls.push('closed'));
  connection.close(undefined);
  assert.deepEqual(calls, ['closed']);
});
