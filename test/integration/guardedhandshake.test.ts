/** Certificates that would hold the process are refused before OpenSSL reads them; every other handshake is as it was. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect, type ConnectionOptions, type SecureVersion } from 'node:tls';
import { anonymous } from '../../src/auth/user.ts';
import { createRegistry } from '../../src/monitoring.ts';
import { createInFlightLimit } from '../../src/server/inflight.ts';
import { createOpenConnections } from '../../src/server/openconnections.ts';
import { createRequestMetrics } from '../../src/server/requestmetrics.ts';
import { createServer, type Server } from '../../src/server/server.ts';
import { intermediateLimit } from '../../src/tls/sentcertificates.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { slowCurveSpki } from '../fakes/hostilekeys.ts';
import { openConnection1 } from '../fakes/http1client.ts';
import { ask2, openSession } from '../fakes/http2client.ts';
import {
  extension,
  octets,
  basicConstraints,
  ecKeys,
  type KeyPair,
  pemOf,
  rawCertificate,
  rsaKeys,
  rsaSpki,
  spkiOf,
} from '../fakes/rawcertificates.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';
import { usualServerOptions } from '../fakes/serveroptions.ts';
import { until } from '../fakes/until.ts';
import { freePort } from '../fakes/wholecluster.ts';

const own = makeAuthority('server').issue({ cn: 'server', ips: ['127.0.0.1'], usages: ['server'] });
const authority = makeAuthority('clients');
const versions: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
/** Subjects of the certificates that requests came with, the client's first. */
let shown: readonly string[] = [];
const recording = createRecordingLog();
let port = 0;
let server: Server;

before(async () => {
  port = await freePort();
  const inFlight = createInFlightLimit(0);
  server = await createServer({
    ...usualServerOptions,
    tlsCurves: 'P-256:P-384:P-521',
    port,
    tls: own,
    inFlight,
    connections: createOpenConnections({ limit: 100, limitPerAddress: 0, onClosed: () => undefined }),
    metrics: createRequestMetrics(createRegistry(), inFlight.count, []),
    authenticator: {
      async authenticate({ certificate }) {
        const subjects: string[] = [];
        for (let at = certificate; at !== undefined; at = at.issuerCertificate) subjects.push(at.subject);
        shown = subjects;
        return anonymous;
      },
    },
    router: {
      serve: () => ({ status: 200, contentType: 'text/plain', body: 'served' }),
      serveHealth: () => undefined,
    },
    log: recording.log,
  });
  await server.listen();
});

after(() => server.close());

/** Returns the answer to a client with these options; its certificates are in `shown`. */
async function ask(options: ConnectionOptions, at = port): Promise<string> {
  shown = [];
  using connection = await openConnection1(at, options);
  return (await connection.ask('GET / HTTP/1.1\r\nHost: x\r\n\r\n')).text;
}

/** A client's own certificate with others behind it. */
function clientOf(others: readonly Buffer[], keys: KeyPair = ecKeys()): ConnectionOptions {
  const leaf = rawCertificate({ subject: 'leaf', issuer: 'ca', spki: spkiOf(keys), signer: ca.privateKey });
  return {
    cert: [leaf, ...others].map(pemOf).join(''),
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

const ca = ecKeys();
const other = (spki: Buffer, extensions: readonly Buffer[] = []) =>
  rawCertificate({
    subject: 'ca',
    issuer: 'ca',
    spki,
    extensions: [basicConstraints(true), ...extensions],
    signer: ca.privateKey,
  });

/** Reports whether the server hangs up on a client before it has asked anything. */
async function isRefused(options: ConnectionOptions): Promise<boolean> {
  shown = [];
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }).on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  let received = '';
  socket.on('data', (chunk) => (received += String(chunk)));
  await new Promise((resolve) => socket.once('close', resolve));
  return received === '' && shown.length === 0;
}

for (const version of versions) {
  const only = { minVersion: version, maxVersion: version };

  describe(`over ${version}`, () => {
    const usual = authority.subordinate('intermediate').issue({ cn: 'client', usages: ['client'] });
    const others = Array.from({ length: intermediateLimit }, () => other(spkiOf(ca)));

    test('a client without a certificate is served', async () => assert.equal(await ask(only), 'served'));

    test('a client is known by its certificate', async () => {
      assert.equal(await ask({ ...only, ...usual }), 'served');
      assert.deepEqual(shown, ['CN=client']);
    });

    test('a certificate may come with intermediates, and with keys of every kind that Go knows', async () => {
      const rsa = rsaKeys(4096);
      assert.equal(await ask({ ...only, ...clientOf([other(rsaSpki(8192))], rsa) }), 'served');
      assert.equal(shown[0], 'CN=leaf');
      for (const curve of ['P-256', 'P-384', 'P-521']) {
        assert.equal(await ask({ ...only, ...clientOf(others, ecKeys(curve)) }), 'served', curve);
      }
      const ed25519 = generateKeyPairSync('ed25519');
      assert.equal(await ask({ ...only, ...clientOf([], ed25519) }), 'served');
    });

    const hostile: ReadonlyMap<string, () => ConnectionOptions> = new Map([
      ['a curve of its own', () => clientOf([other(slowCurveSpki())])],
      ['such a curve behind eight good ones', () => clientOf([...others.slice(1), other(slowCurveSpki())])],
      ['RSA of 16,384 bits', () => clientOf([other(rsaSpki(16_384))])],
      ['RSA with an exponent as long as its modulus', () => clientOf([other(rsaSpki(3072, Buffer.alloc(383, 0x7f)))])],
      ['a curve that Go does not know', () => clientOf([other(spkiOf(ecKeys('sect571r1')))])],
      // In TLS 1.3 the client itself leaves such a certificate out.
      ...(version === 'TLSv1.2'
        ? ([['such a curve as its own', () => clientOf([], ecKeys('secp256k1'))]] as const)
        : []),
      ['nine intermediates', () => clientOf([...others, other(spkiOf(ca))])],
      ['more bytes than intermediates have', () => clientOf(['1.2.3', '1.2.4', '1.2.5'].map(large))],
    ]);
    const large = (id: string) => other(spkiOf(ecKeys()), [extension(id, octets(Buffer.alloc(12_000)))]);
    for (const [what, options] of hostile) {
      test(`a chain with ${what} ends the connection, unread`, async () => {
        assert.ok(await isRefused({ ...only, ...options() }));
      });
    }

    test('a handshake that comes byte by byte is served', async () => {
      const dribble = createTcpServer((client) => relay(client)).listen(0, '127.0.0.1');
      await once(dribble, 'listening');
      assert.equal(await ask({ ...only, ...usual }, (dribble.address() as AddressInfo).port), 'served');
      assert.deepEqual(shown, ['CN=client']);
      dribble.close();
    });

    test('a connection that ends in its handshake is closed', async () => {
      const socket = connectTcp(port, '127.0.0.1');
      socket.end(Buffer.from('1603010005010000', 'hex'));
      await once(socket.resume(), 'close');
    });
  });
}

/** Sends each byte of a client on its own. */
function relay(client: Socket): void {
  const upstream = connectTcp({ port, host: '127.0.0.1', noDelay: true });
  upstream.pipe(client).on('error', () => {});
  client.on('data', (chunk: Buffer) => {
    for (const byte of chunk) upstream.write(Buffer.from([byte]));
  });
  client.on('close', () => upstream.destroy());
}

describe('over TLS 1.3', () => {
  const usual = authority.issue({ cn: 'client', usages: ['client'] });

  for (const suite of ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']) {
    test(`a certificate is read with ${suite}`, async () => {
      assert.equal(await ask({ ...usual, ciphers: suite, minVersion: 'TLSv1.3' }), 'served');
      assert.deepEqual(shown, ['CN=client']);
      assert.ok(await isRefused({ ...clientOf([other(rsaSpki(16_384))]), ciphers: suite, minVersion: 'TLSv1.3' }));
    });
  }

  test('a certificate is read after a second ClientHello', async () => {
    // Its key share is for a curve that the server does not take.
    const options: ConnectionOptions = { ecdhCurve: 'X25519:P-384', minVersion: 'TLSv1.3' };
    assert.equal(await ask({ ...usual, ...options }), 'served');
    assert.deepEqual(shown, ['CN=client']);
    assert.ok(await isRefused({ ...clientOf([other(rsaSpki(16_384))]), ...options }));
  });
});

test('a handshake that is refused is logged, once for each cause', async () => {
  assert.ok(await isRefused(clientOf([other(rsaSpki(16_384))])));
  await until('it is logged', () => recording.lines.length > 0);
  const logged = recording.lines.length;
  assert.ok(await isRefused(clientOf([other(rsaSpki(16_384))])));
  assert.equal(recording.lines.length, logged);
  assert.equal(recording.lines[0], 'warn: ended a TLS handshake: its certificates are not read');
});

test('a client that ends with its request is served', async () => {
  const halfOpen = { allowHalfOpen: true };
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...halfOpen });
  let received = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
  socket.once('secureConnect', () => socket.end('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
  await once(socket, 'close');
  assert.match(received, /served$/);
});

test('HTTP/2 is served', async () => {
  const session = await openSession(port, authority.issue({ cn: 'client', usages: ['client'] }));
  assert.equal((await ask2(session, '/')).text, 'served');
  assert.deepEqual(shown, ['CN=client']);
  session.destroy();
});

test('over TLS 1.2 a client cannot show other certificates later', async () => {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  await once(socket, 'secureConnect');
  const failed = once(socket, 'error') as Promise<[Error]>;
  socket.renegotiate({ rejectUnauthorized: false }, () => undefined);
  assert.match(String(await failed), /no renegotiation/i);
  socket.destroy();
});
