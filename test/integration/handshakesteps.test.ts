/** A TLS handshake runs in bounded steps of the server's queue, however its bytes arrive. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { connect, createServer, type Server } from 'node:tls';
import { startGuarded } from '../../src/server/guardedhandshake.ts';
import { refusePlainHttp } from '../../src/server/plainhttp.ts';
import { flightLimitBytes } from '../../src/tls/peerflight.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { until } from '../fakes/until.ts';

const silenceMs = 60_000;
/** Bytes of a step at most. */
const stepBytes = 16 * 1024;

let server: Server;
let port = 0;
let steps = 0;
let isStep = false;
/** For each ClientHello, whether OpenSSL read it in a step. */
const hellos: boolean[] = [];
const refused: string[] = [];
/** For each handshake, whether OpenSSL read its last message in a step. */
const established: boolean[] = [];
/** For each handshake, whether the guard had left Node's handle when Node's listeners ran. */
const released: boolean[] = [];

before(async () => {
  const own = makeAuthority('server').issue({ cn: 'server', ips: ['127.0.0.1'], usages: ['server'] });
  server = createServer({
    ...own,
    requestCert: true,
    rejectUnauthorized: false,
    ca: [],
    ALPNCallback: ({ protocols }) => {
      hellos.push(isStep);
      return protocols[0];
    },
  });
  server.on('secureConnection', (socket) => {
    established.push(isStep);
    const { _handle: handle } = socket as unknown as { readonly _handle: object };
    released.push(!Object.hasOwn(handle, 'readStart') && !Object.hasOwn(handle, 'readStop'));
    socket.on('error', () => undefined).end('served');
  });
  const enqueue = (step: () => void) =>
    void setImmediate(() => {
      steps += 1;
      isStep = true;
      step();
      isStep = false;
    });
  const guard = { enqueue, onRefused: ({ message }: Error) => void refused.push(message) };
  refusePlainHttp(server, {
    silenceMs,
    enqueue: (_socket, step) => enqueue(step),
    startTls: (_socket, first, start) => startGuarded(first, start, guard),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});

after(() => server.close());

test('OpenSSL reads the first message of a client in a step', async () => {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  let received = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
  await once(socket, 'close');
  assert.equal(received, 'served');
  assert.deepEqual(hellos, [true]);
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`OpenSSL reads every message of a client in a step, over ${version}, whenever it comes`, async () => {
    const relay = createTcpServer((client) => void relayRecords(client)).listen(0, '127.0.0.1');
    await once(relay, 'listening');
    const socket = connect({
      ...makeAuthority('clients').issue({ cn: 'client', usages: ['client'] }),
      port: (relay.address() as AddressInfo).port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      minVersion: version,
      maxVersion: version,
    });
    established.length = 0;
    released.length = 0;
    let received = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
    await once(socket, 'close');
    relay.close();
    assert.equal(received, 'served');
    assert.deepEqual(established, [true]);
    // A listener may stop reading, as the server does while its queue is full.
    assert.deepEqual(released, [true]);
  });
}

/** Passes on a client's TLS records one by one, each after the server has looked for more. */
async function relayRecords(client: Socket): Promise<void> {
  const upstream = connectTcp({ port, host: '127.0.0.1', noDelay: true }).on('error', () => client.destroy());
  upstream.pipe(client).on('error', () => upstream.destroy());
  let bytes: Buffer = Buffer.alloc(0);
  for await (const chunk of client as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt16BE(3)) {
      const end = 5 + bytes.readUInt16BE(3);
      upstream.write(bytes.subarray(0, end));
      bytes = bytes.subarray(end);
      const looksFrom = steps;
      await until('the server looks for more', () => steps > looksFrom + 2 || established.length > 0);
    }
  }
}

test('bytes that a client sends at once, in records of one byte, are read in several steps', async () => {
  const header = Buffer.from([22, 3, 1, 0, 1]);
  // A ClientHello that is longer than the flight may be.
  const hello = Buffer.concat([Buffer.from([1, 1, 0, 0]), Buffer.alloc(flightLimitBytes)]);
  const records = Buffer.alloc(hello.length * (header.length + 1));
  for (const [at, byte] of hello.entries()) {
    header.copy(records, at * (header.length + 1));
    records[at * (header.length + 1) + header.length] = byte;
  }
  steps = 0;
  const socket = connectTcp(port, '127.0.0.1').on('error', () => undefined);
  socket.write(records);
  await until('the client is refused', () => refused.length > 0);
  assert.match(refused[0] ?? '', /more than 65536 bytes/);
  // One that looks at the first bytes, and those that read them.
  assert.ok(steps > flightLimitBytes / stepBytes, `${steps} steps`);
  socket.destroy();
});
