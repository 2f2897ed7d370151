/** Two processes of one pod: the claim by a real socket, what the second server leaves alone, and other processes that hold the name. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { createConnection } from 'node:net';
import { describe, test } from 'node:test';
import { claimIntervalMs, claimPod } from '../../src/command/podclaim.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';
import { until } from '../fakes/until.ts';

const skip = process.platform !== 'linux' && 'only Linux has sockets without files, and pods of ours';
const cluster = 'https://10.96.0.1:443';
const secret = () => 'Bearer the-token-of-the-pod-of-these-tests';

function options(uid: string) {
  const recorded = createRecordingLog();
  return { recorded, claim: { uid, cluster, secret, clock: createFakeClock(), log: recorded.log } };
}

/** Starts a program that prints a line once it is ready. Resolves with it and the line. */
async function started(script: string): Promise<{ readonly child: ChildProcess; readonly line: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, line: said.toString().trim() };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'close');
}

/** Starts a process that is no server of the pod and holds its name. @param onConnection its handler, as source. */
function startSquatter(uid: string, onConnection: string) {
  return started(`import { createServer } from 'node:net';
    createServer(${onConnection}).listen({ path: ${JSON.stringify(`\0kubegauge/${uid}/${cluster}`)} }, () => console.log('holds it'));`);
}

describe('the claim of a pod', { skip }, () => {
  test('is held by one process, and other pods and clusters have their own', async () => {
    const uid = randomUUID();
    const { recorded, claim } = options(uid);
    await using first = await claimPod(claim);
    await using second = await claimPod(claim);
    await using otherPod = await claimPod({ ...claim, uid: randomUUID() });
    await using otherCluster = await claimPod({ ...claim, cluster: 'https://10.96.0.1:6443' });
    assert.deepEqual(
      [first, second, otherPod, otherCluster].map((each) => each.isHeld()),
      [true, false, true, true],
    );
    const lines = recorded.lines.filter((line) => line.includes('another process of this pod'));
    assert.equal(lines.length, 1);
    assert.ok(lines[0]?.includes(`process ${process.pid} of user ${process.getuid?.()}`), lines[0]);
  });

  test('ends with its process, also by SIGKILL', async () => {
    const uid = randomUUID();
    const { claim } = options(uid);
    const module = new URL('../../src/command/podclaim.ts', import.meta.url).href;
    const { child, line } = await started(`import { claimPod } from ${JSON.stringify(module)};
      const log = { error() {}, warn() {}, info() {} };
      const secret = () => '${secret()}';
      const claim = await claimPod({ uid: '${uid}', cluster: '${cluster}', secret, clock: undefined, log });
      console.log(claim.isHeld());
      setInterval(() => undefined, 1_000);`);
    try {
      assert.equal(line, 'true');
      await using during = await claimPod(claim);
      assert.equal(during.isHeld(), false);
    } finally {
      await kill(child);
    }
    await using later = await claimPod(claim);
    assert.equal(later.isHeld(), true);
  });

  test('is proved by the token as it is in its file now', async () => {
    const { claim } = options(randomUUID());
    const tokens = ['Bearer the-token-before-its-renewal', 'Bearer the-token-after-its-renewal'];
    let current = tokens[0];
    await using first = await claimPod({ ...claim, secret: async () => current });
    current = tokens[1];
    await using second = await claimPod({ ...claim, secret: () => tokens[1] });
    assert.deepEqual([first.isHeld(), second.isHeld()], [true, false]);
  });

  const squatters: readonly (readonly [string, string])[] = [
    ['closes connections', '(socket) => socket.destroy()'],
    ['repeats what it gets', '(socket) => socket.on("error", () => 0).pipe(socket)'],
    [
      'sends without end',
      '(socket) => { const more = () => { while (socket.write("x".repeat(4096))); }; socket.on("error", () => 0).on("drain", more); more(); }',
    ],
    ['answers under another token', answerUnder('Bearer the-token-of-another-pod-of-the-node')],
  ];
  for (const [what, handler] of squatters) {
    test(`is not given up for a process that holds the name and ${what}: the server publishes, and names the process`, async () => {
      const uid = randomUUID();
      const { recorded, claim } = options(uid);
      const { child } = await startSquatter(uid, handler);
      try {
        await using server = await claimPod(claim);
        assert.equal(server.isHeld(), true);
        const [line = '', ...others] = recorded.lines;
        assert.equal(others.length, 0);
        assert.ok(line.includes(`@kubegauge/${uid}/${cluster}`), line);
        assert.ok(line.includes(`held by process ${child.pid} of user ${process.getuid?.()}`), line);
      } finally {
        await kill(child);
      }
    });
  }

  test('is not given up for a process that holds the name and does not answer within 10 s', async (t) => {
    const uid = randomUUID();
    const { recorded, claim } = options(uid);
    const silent = '(socket) => socket.on("error", () => 0).once("data", () => console.log("challenged"))';
    const { child } = await startSquatter(uid, silent);
    const timeout = new AbortController();
    const limit = t.mock.method(AbortSignal, 'timeout', () => timeout.signal);
    try {
      const challenged = once(child.stdout ?? assert.fail(), 'data');
      const claiming = claimPod(claim);
      await challenged;
      assert.deepEqual(
        limit.mock.calls.map(({ arguments: given }) => given),
        [[10_000]],
      );
      timeout.abort();
      await using server = await claiming;
      assert.equal(server.isHeld(), true);
      assert.ok(recorded.lines[0]?.includes(`held by process ${child.pid} of user`), recorded.lines[0]);
    } finally {
      await kill(child);
    }
  });

  test('is taken once the other process has left, so that a second server is found again', async () => {
    const uid = randomUUID();
    const { claim } = options(uid);
    const { child } = await startSquatter(uid, '(socket) => socket.destroy()');
    await using server = await claimPod(claim);
    await kill(child);
    const stop = new AbortController();
    const changes: boolean[] = [];
    const running = server.run(stop.signal, () => changes.push(server.isHeld()));
    await claim.clock.advance(claimIntervalMs);
    await running;
    assert.deepEqual(changes, []);
    await using second = await claimPod(claim);
    assert.equal(second.isHeld(), false);
  });

  test('passes to a second server that took the name first when the other process left', async () => {
    const uid = randomUUID();
    const { recorded, claim } = options(uid);
    const { child } = await startSquatter(uid, '(socket) => socket.destroy()');
    await using server = await claimPod(claim);
    await kill(child);
    await using second = await claimPod(claim);
    assert.deepEqual([server.isHeld(), second.isHeld()], [true, true]);
    const stop = new AbortController();
    const changes: boolean[] = [];
    const running = server.run(stop.signal, () => changes.push(server.isHeld()));
    await claim.clock.advance(claimIntervalMs);
    await until('the first has seen it', () => changes.length > 0);
    assert.deepEqual([server.isHeld(), second.isHeld()], [false, true]);
    assert.ok(recorded.lines.some((line) => line.includes('another process of this pod serves')));
    stop.abort();
    await running;
  });

  test('ends although a client keeps its connection open', async () => {
    const uid = randomUUID();
    const server = await claimPod(options(uid).claim);
    const client = createConnection({ path: `\0kubegauge/${uid}/${cluster}` });
    await once(client, 'connect');
    const closed = once(client, 'close');
    await server[Symbol.asyncDispose]();
    await closed;
  });

  test('is not needed on other systems', async () => {
    const uid = randomUUID();
    const { claim } = options(uid);
    await using first = await claimPod({ ...claim, platform: 'darwin' });
    await using second = await claimPod({ ...claim, platform: 'darwin' });
    assert.deepEqual([first.isHeld(), second.isHeld()], [true, true]);
  });
});

/** Returns the source of a handler that answers as a server with another token does. */
function answerUnder(token: string): string {
  const module = new URL('../../src/command/podproof.ts', import.meta.url).href;
  return `async (socket) => (await import(${JSON.stringify(module)})).answerChallenge(socket, 'any', () => ${JSON.stringify(token)})`;
}
