/** Behaviour that takes minutes to see: `npm run test:slow`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { ask2, openSession } from '../fakes/http2client.ts';
import { until } from '../fakes/until.ts';
import { startWholeCluster } from '../fakes/wholecluster.ts';

/** As long as Go's clients keep a connection without using it. */
const idleMs = 90_000;
/** When we have hung up ourselves, in good order or not: 95 s of idleness, and time for a goodbye. */
const goneMs = 15_000;

test('a connection that is idle for 90 s still works, over both protocols, and later is closed; one that never asked is not kept', async () => {
  await using cluster = await startWholeCluster();
  // It asks for nothing before it listens.
  await until('it listens', () => cluster.apiServer.requests.length > 0);
  const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
  const frontProxy = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
  const session = await openSession(cluster.port, frontProxy);
  const socket = connect({ port: cluster.port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk));
  const ask1 = async () => {
    const before = received.length;
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('it is answered', () => received.slice(before).endsWith('ok'));
  };
  // Neither a request that does not end nor one that does not begin may keep a connection for long.
  const idlers = await Promise.all(
    ['GET /livez HTTP/1.1\r\nHost: x\r\n', ''].map(async (beginning) => {
      const idler = connect({ port: cluster.port, host: '127.0.0.1', rejectUnauthorized: false });
      await once(idler, 'secureConnect');
      idler.resume().write(beginning);
      return idler;
    }),
  );
  await ask1();
  assert.equal((await ask2(session, '/livez', admin)).status, 200);
  await sleep(idleMs);
  assert.deepEqual(
    idlers.map(({ destroyed }) => destroyed),
    [true, true],
  );
  await ask1();
  assert.equal((await ask2(session, '/livez', admin)).status, 200);
  await sleep(idleMs + goneMs);
  assert.equal(socket.destroyed, true);
  assert.equal(session.destroyed, true);
});
