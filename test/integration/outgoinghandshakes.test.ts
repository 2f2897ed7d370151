/** Handshakes with many servers run in several iterations of the event loop, however many answer at once. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { connect, createServer, type SecureContext, type TLSSocket } from 'node:tls';
import { iterationBudgetMs } from '../../src/eventloopqueue.ts';
import { guardServer } from '../../src/tls/handshakeguard.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { until } from '../fakes/until.ts';

const spinMs = 2;
const servers = 30;
/** Longer than the guard's longest pause: after it, each connection is looked at in the same iteration. */
const lookedAtMs = 300;
/** One begins at the end of the budget, and the count's own iteration may begin within that of the queue. */
const allowed = 2 * (iterationBudgetMs / spinMs + 1);

const authority = makeAuthority('servers');
const own = authority.issue({ cn: 'server', dns: ['server'], usages: ['server'] });

/** Starts a server that answers no ClientHello until `answer` is called. Then all answers have arrived when it returns. */
async function start(added: AsyncDisposableStack) {
  const held: (() => void)[] = [];
  const SNICallback = (_name: string, resume: (error: Error | null, context?: SecureContext) => void): void =>
    void held.push(() => resume(null));
  const server = createServer({ ...own, SNICallback }, (socket) => socket.on('error', () => undefined));
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1', 2 * servers);
  await once(server, 'listening');
  added.defer(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const answer = () => {
    for (const resume of held) resume();
    spin(lookedAtMs);
  };
  return { port, held, answer };
}

/** Opens a guarded connection. `onVerify` runs within the handshake, which takes `spinMs` longer. */
function open(port: number, added: AsyncDisposableStack, onVerify: () => void, owner = 'kubelets'): TLSSocket {
  const checkServerIdentity = () => {
    onVerify();
    spin(spinMs);
    return undefined;
  };
  const socket = connect({ host: '127.0.0.1', port, servername: 'server', ca: authority.cert, checkServerIdentity });
  guardServer(socket, owner);
  socket.on('error', () => undefined);
  added.defer(() => void socket.destroy());
  return socket;
}

/** Returns an event's count, and the highest of an iteration of the event loop. */
function countByIteration(added: AsyncDisposableStack) {
  const count = { all: 0, most: 0 };
  let inIteration = 0;
  const next = () => {
    inIteration = 0;
    immediate = setImmediate(next);
  };
  let immediate = setImmediate(next);
  added.defer(() => clearImmediate(immediate));
  const add = () => {
    count.all += 1;
    inIteration += 1;
    count.most = Math.max(count.most, inIteration);
  };
  return { count, add };
}

/** Holds the event loop. */
function spin(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

describe('many servers', () => {
  test('that answer at once are verified in several iterations of the event loop', async () => {
    await using added = new AsyncDisposableStack();
    const { port, held, answer } = await start(added);
    const { count, add } = countByIteration(added);
    const sockets = Array.from({ length: servers }, () => open(port, added, add));
    const connected = sockets.map((socket) => once(socket, 'secureConnect'));
    await until('all wait', () => held.length === servers);
    answer();
    await Promise.all(connected);
    assert.equal(count.all, servers);
    assert.ok(count.most <= allowed, `${count.most} handshakes in one iteration, ${allowed} allowed`);
  });

  test('get their ClientHellos in several iterations of the event loop', async () => {
    await using added = new AsyncDisposableStack();
    const { port, held } = await start(added);
    const { count, add } = countByIteration(added);
    added.defer(
      onHello(() => {
        add();
        spin(spinMs);
      }),
    );
    for (let each = 0; each < servers; each += 1) open(port, added, () => undefined);
    // The kernel accepts the connections meanwhile, so that all are reported in one iteration.
    spin(lookedAtMs);
    await until('all wait', () => held.length === servers);
    assert.equal(count.all, servers);
    assert.ok(count.most <= allowed, `${count.most} ClientHellos in one iteration, ${allowed} allowed`);
  });

  test('take turns by their owners', async () => {
    await using added = new AsyncDisposableStack();
    const { port, held, answer } = await start(added);
    const verified: string[] = [];
    const sockets: TLSSocket[] = [];
    for (const owner of ['one', 'two']) {
      const expected = held.length + servers;
      for (let each = 0; each < servers; each += 1) {
        sockets.push(open(port, added, () => verified.push(owner), owner));
      }
      await until('all of one owner wait', () => held.length === expected);
    }
    const connected = sockets.map((socket) => once(socket, 'secureConnect'));
    answer();
    await Promise.all(connected);
    const ofOne = verified.slice(0, servers).filter((owner) => owner === 'one').length;
    assert.ok(Math.abs(ofOne - servers / 2) <= 2, verified.join(' '));
  });

  test('lose no handshake to connections that end while they wait', async () => {
    await using added = new AsyncDisposableStack();
    const { port, held, answer } = await start(added);
    const { count, add } = countByIteration(added);
    const sockets = Array.from({ length: servers }, () => open(port, added, add));
    const connected = sockets.filter((_, at) => at % 2 === 0).map((socket) => once(socket, 'secureConnect'));
    await until('all wait', () => held.length === servers);
    answer();
    await until('some are verified', () => count.all > 0);
    assert.ok(count.all < servers / 2, `${count.all} are verified`);
    const before = count.all;
    const isVerified = sockets.map(({ authorized }) => authorized);
    for (const [at, socket] of sockets.entries()) if (at % 2 === 1) socket.destroy();
    await Promise.all(connected);
    const odd = isVerified.filter((verified, at) => verified && at % 2 === 1).length;
    assert.equal(count.all, servers / 2 + odd, `${before} were verified before`);
  });
});

/** Calls back before each ClientHello, until the returned function is called. */
function onHello(before: () => void): () => void {
  const socket = connect({ port: 1, host: '127.0.0.1' }).on('error', () => undefined);
  const { _handle: handle } = socket as unknown as { readonly _handle: object };
  socket.destroy();
  const prototype = Object.getPrototypeOf(handle) as { start(this: object): void };
  const { start: original } = prototype;
  prototype.start = function startSlowly() {
    before();
    original.call(this);
  };
  return () => void (prototype.start = original);
}
