/** A handshake that is not over in time is ended without an answer: one that waits in the TLS socket would abort the process once HTTP/2 begins. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import { refuseUnreadable } from '../../src/server/connections.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { until } from '../fakes/until.ts';

const own = makeAuthority('server').issue({ cn: 'server', ips: ['127.0.0.1'], usages: ['server'] });

for (const version of ['TLSv1.2', 'TLSv1.3'] satisfies SecureVersion[]) {
  test(`a client that keeps the last flight of ${version} back is closed by the handshake timeout`, async () => {
    const server = createSecureServer({ key: own.key, cert: own.cert, allowHTTP1: true, handshakeTimeout: 50 });
    const seen: (string | undefined)[] = [];
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      seen.push(error.code);
      refuseUnreadable(error, socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const tcp = connectTcp({ host: '127.0.0.1', port });
    let isClosed = false;
    tcp.once('close', () => (isClosed = true)).on('error', () => undefined);
    let flights = 0;
    const wire = new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _encoding, done) {
        flights += 1;
        // The first flight is the ClientHello.
        if (flights === 1) tcp.write(chunk);
        done();
      },
    });
    tcp.on('data', (chunk) => wire.push(chunk));
    const secure = connectTls({
      socket: wire,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
      minVersion: version,
      maxVersion: version,
    });
    secure.on('error', () => undefined);
    try {
      await until('the server has closed the connection', () => isClosed);
      assert.deepEqual(seen, ['ERR_TLS_HANDSHAKE_TIMEOUT']);
    } finally {
      secure.destroy();
      tcp.destroy();
      server.close();
    }
  });
}
