/** The certificate that a connection shows is read once; by real TLS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { connect, createServer, type SecureVersion, type Server, type TLSSocket } from 'node:tls';
import { createPeerCertificate } from '../../src/server/peercertificate.ts';
import { makeAuthority } from '../fakes/certificates.ts';

const authority = makeAuthority();
const shown = authority.issue({ cn: 'front-proxy', usages: ['client'] });
let server: Server;

before(async () => {
  const own = authority.issue({ cn: 'server', dns: ['localhost'] });
  server = createServer({ ...own, ca: authority.cert, requestCert: true, rejectUnauthorized: false });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});

after(() => server.close());

/** The server's side of a new connection. */
async function accept(version: SecureVersion, options: object): Promise<TLSSocket> {
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const client = connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ca: authority.cert,
    minVersion: version,
    maxVersion: version,
    ...options,
  });
  client.on('error', () => {});
  const [socket] = await accepted;
  socket.once('close', () => client.destroy());
  return socket;
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`over ${version} it is read once for a connection, also that there is none`, async () => {
    const peerCertificate = createPeerCertificate();
    const [one, two, bare] = [await accept(version, shown), await accept(version, shown), await accept(version, {})];
    const certificate = peerCertificate(one, one);
    assert.equal(certificate?.subject, 'CN=front-proxy');
    assert.equal(peerCertificate(one, one), certificate);
    assert.notEqual(peerCertificate(two, two), certificate);
    assert.deepEqual([peerCertificate(bare, bare), peerCertificate(bare, bare)], [undefined, undefined]);
    for (const socket of [one, two, bare]) socket.destroy();
  });
}
