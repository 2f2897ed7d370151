/** A guarded connection reads responses in as few pieces as Node's own connections do; over real TLS. */
import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { connect, type SecureVersion, type TLSSocket } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { guardServer } from '../../src/tls/handshakeguard.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import type { BurstServer } from '../fakes/burstworker.ts';

/** Fits into the kernel's buffers while we do not read. With Node's smallest buffers it takes five reads or more. */
const burstBytes = 60_000;
const bursts = 10;
const waitMs = 60_000;
/** Counts this thread's read calls; Linux only. */
const counters = '/proc/thread-self/io';

const authority = makeAuthority('servers');
const written = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
let worker: Worker;
let port = 0;

before(async () => {
  const tls = authority.issue({ cn: 'server', ips: ['127.0.0.1'], usages: ['server'] });
  const workerData: BurstServer = { tls, burstBytes, written: written.buffer };
  worker = new Worker(path.join(import.meta.dirname, '../fakes/burstworker.ts'), { workerData });
  [port] = (await once(worker, 'message')) as [number];
});

after(() => worker.terminate());

const guard = (socket: TLSSocket) => guardServer(socket, 'server');

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  describe(`over ${version}`, () => {
    test('a handshake is good although TLS gets HelloRequests before the first bytes of the server', async () => {
      const socket = await open(version, guard);
      assert.equal(socket.authorized, true);
      assert.equal(socket.getProtocol(), version);
      socket.destroy();
    });

    test('a guarded connection takes no more reads than one without a guard', {
      skip: !existsSync(counters),
    }, async () => {
      const guarded = await readsOf(await open(version, guard));
      const plain = await readsOf(await open(version, () => undefined));
      assert.ok(guarded < plain + bursts, `${guarded} reads of ${bursts} bursts, ${plain} without a guard`);
    });
  });
}

async function open(version: SecureVersion, guard: (socket: TLSSocket) => void): Promise<TLSSocket> {
  const only = { minVersion: version, maxVersion: version };
  const socket = connect({ host: '127.0.0.1', port, ca: authority.cert, ...only });
  guard(socket);
  await once(socket, 'secureConnect');
  return socket;
}

/** Returns the read calls for all bursts, each read once it has arrived. */
async function readsOf(socket: TLSSocket): Promise<number> {
  const before = readCalls();
  for (let burst = 0; burst < bursts; burst += 1) await readBurst(socket);
  const after = readCalls();
  socket.destroy();
  return after - before;
}

async function readBurst(socket: TLSSocket): Promise<void> {
  // Node writes nothing while it hands over what it has read.
  await setImmediate();
  const known = Atomics.load(written, 0);
  socket.write('x');
  assert.notEqual(Atomics.wait(written, 0, known, waitMs), 'timed-out');
  let bytes = 0;
  for await (const [chunk] of on(socket, 'data') as AsyncIterable<[Buffer]>) {
    bytes += chunk.length;
    if (bytes === burstBytes) break;
  }
}

function readCalls(): number {
  return Number(/^syscr: (\d+)$/m.exec(readFileSync(counters, 'latin1'))?.[1]);
}
