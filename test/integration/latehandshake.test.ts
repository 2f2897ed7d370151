/** A handshake that is not over in time is ended without an answer: one that waits in the TLS socket would abort the process once HTTP/2 begins. */
import assert from 'node:assert/strict';
import { createSecureServer } from 'node:http2';
import { test } from 'node:test';
import type { SecureVersion } from 'node:tls';
import { refuseUnreadable } from '../../src/server/connections.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { connectLateClient } from '../fakes/lateclient.ts';
import { listen } from '../fakes/listen.ts';
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
    const { tcp, secure } = connectLateClient(await listen(server, 0), version);
    let isClosed = false;
    tcp.once('close', () => (isClosed = true));
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
