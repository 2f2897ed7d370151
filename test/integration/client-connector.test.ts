/** The connections of kube-apiserver's client and of PromQL engines, as a hostile server sees them; over real TLS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { apiServerConnector } from '../../src/client/connector.ts';
import { createResolver } from '../../src/dns/resolver.ts';
import { Lookups } from '../../src/dns/lookup.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { listen, loopback } from '../fakes/listen.ts';

const timeoutMs = 60_000;
const authority = makeAuthority('servers');
const pair = authority.issue({ cn: 'server', ips: [loopback], usages: ['server'], rsaBits: 2048 });
const lookups = new Lookups(createResolver().resolve, timeoutMs);
const opened = new Set<Socket>();
let server: Server;

beforeEach(() => opened.clear());
afterEach(() => {
  for (const socket of opened) socket.destroy();
  server.close();
});

async function start(options: TlsOptions): Promise<number> {
  server = createServer({ ...pair, maxVersion: 'TLSv1.2', ...options });
  server.on('connection', (socket: Socket) => opened.add(socket));
  server.on('tlsClientError', () => undefined);
  return listen(server, 0);
}

function open(port: number): Promise<Socket> {
  const connect = apiServerConnector(
    { ca: authority.cert, rejectUnauthorized: true },
    { lookup: lookups.lookup, timeoutMs },
  );
  return new Promise((resolve, reject) => {
    connect(
      { hostname: loopback, host: loopback, protocol: 'https:', port: String(port), servername: '' },
      (failure, socket) => {
        if (failure === null) resolve(socket);
        else reject(failure);
      },
    );
  });
}

test('a server cannot show other certificates later, which the guard would not see', async () => {
  const port = await start({});
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = await open(port);
  opened.add(socket.on('error', () => undefined).resume());
  const [peer] = await accepted;
  const ended = new Promise((resolve) => {
    peer.once('error', resolve);
    peer.renegotiate({ rejectUnauthorized: false }, resolve);
  });
  assert.match(String(await ended), /no renegotiation/i);
});

test('a server cannot choose Diffie-Hellman parameters', async () => {
  const port = await start({ ciphers: 'DHE-RSA-AES128-GCM-SHA256', dhparam: 'auto' });
  await assert.rejects(open(port), /handshake failure/i);
});
