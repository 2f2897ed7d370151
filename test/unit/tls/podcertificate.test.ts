import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { KeyPair } from '../../../src/tls/keypair.ts';
import { rootOwnerOf } from '../../../src/tls/podroot.ts';
import {
  createServingCertificate,
  type ServingCertificate,
  type ServingOptions,
} from '../../../src/tls/servingcertificate.ts';
import { createFakeClock, type FakeClock } from '../../fakes/clock.ts';
import { createRecordingLog, type RecordingLog } from '../../fakes/recordinglog.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const owner = { namespace: 'kube-system', pod: 'metrics-server-1', uid: '9b1c2f0e-4a57-4f3e-9d55-0b8f4a2f6c11' };
const name = 'metrics-server.kube-system.svc';

let folder: string;
let clock: FakeClock;
let recorded: RecordingLog;
let addresses: string[];
let opened: ServingCertificate[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pod-'));
  clock = createFakeClock();
  recorded = createRecordingLog();
  addresses = ['10.1.2.3'];
  opened = [];
});
afterEach(async () => {
  for (const serving of opened) serving[Symbol.dispose]();
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true });
});

async function open(lifeMs?: number, more: Partial<ServingOptions> = {}): Promise<ServingCertificate> {
  const pod = { owner, names: () => [name, ...addresses], ...(lifeMs === undefined ? {} : { lifeMs }) };
  const serving = await createServingCertificate({
    certDir: folder,
    names: [],
    log: recorded.log,
    clock,
    pod,
    ...more,
  });
  opened.push(serving);
  return serving;
}

const certificateIn = ({ cert }: KeyPair) => new X509Certificate(cert);
const warnings = () => recorded.lines.filter((line) => line.startsWith('warn'));
const rootFile = () => path.join(folder, 'kubegauge.crt');

describe('the serving certificate of a pod', () => {
  test('is a leaf of a root that names the pod', async () => {
    const serving = await open();
    const root = serving.root?.certificate;
    assert.ok(root !== undefined);
    assert.deepEqual(rootOwnerOf(root), owner);
    const leaf = certificateIn(serving.current());
    assert.equal(leaf.verify(root.publicKey), true);
    assert.equal(leaf.checkHost(name), name);
    assert.equal(leaf.checkIP('10.1.2.3'), '10.1.2.3');
  });

  test('leaves the certificate of its root in --cert-dir, and no key', async () => {
    const serving = await open();
    assert.deepEqual(await readdir(folder), ['kubegauge.crt']);
    assert.equal(await readFile(rootFile(), 'utf8'), serving.root?.pem);
    assert.equal((await stat(rootFile())).mode & 0o777, 0o600);
  });

  test('has another root after a restart of the container, which replaces the file', async () => {
    const [first, second] = [await open(), await open()];
    assert.notEqual(second.root?.pem, first.root?.pem);
    assert.equal(await readFile(rootFile(), 'utf8'), second.root?.pem);
  });

  test('with a life of two minutes is renewed in time, ten times, while the root stays and nothing is written', async () => {
    const serving = await open(2 * minuteMs);
    const { root } = serving;
    const received: KeyPair[] = [];
    serving.onChange((pair) => received.push(pair));
    // Any further write would change this file or add one.
    await writeFile(rootFile(), 'untouched');
    let shortestLeftMs = Infinity;
    for (let second = 0; second < 800; second += 1) {
      await clock.advance(1000);
      const leaf = certificateIn(serving.current());
      shortestLeftMs = Math.min(shortestLeftMs, leaf.validToDate.getTime() - clock.wallMs());
    }
    // Each leaf serves for 80 s and up to one look more, every 5 s.
    assert.ok(received.length >= 9 && received.length <= 10, `${received.length} renewals`);
    assert.ok(shortestLeftMs >= 34_000, `${shortestLeftMs} ms were left`);
    assert.equal(serving.root, root);
    for (const pair of received) assert.equal(certificateIn(pair).verify(root?.certificate.publicKey ?? fail()), true);
    assert.equal(new Set(received.map(({ key }) => key)).size, received.length);
    assert.deepEqual(await readdir(folder), ['kubegauge.crt']);
    assert.equal(await readFile(rootFile(), 'utf8'), 'untouched');
    assert.deepEqual(warnings(), []);
  });

  test('is renewed after 60 of its 90 days', async () => {
    const serving = await open();
    const first = serving.current();
    clock.jump(60 * dayMs - minuteMs);
    await clock.advance(minuteMs - 1000);
    assert.equal(serving.current(), first);
    await clock.advance(minuteMs);
    assert.notEqual(serving.current(), first);
  });

  test('is renewed within a minute after the clock was set, forward or back', async () => {
    let offsetMs = 0;
    const serving = await open(undefined, { clock: { ...clock, wallMs: () => clock.wallMs() + offsetMs } });
    for (const stepMs of [400 * dayMs, -800 * dayMs]) {
      const before = serving.current();
      offsetMs += stepMs;
      await clock.advance(minuteMs);
      assert.notEqual(serving.current(), before);
    }
  });

  test('has the addresses that the pod has when it is renewed', async () => {
    const serving = await open(2 * minuteMs);
    addresses = ['10.1.2.3', 'fd00::7'];
    await clock.advance(2 * minuteMs);
    assert.equal(certificateIn(serving.current()).checkIP('fd00::7'), 'fd00::7');
  });

  test('stays in memory, with one warning, if other users could replace the file', async () => {
    await chmod(folder, 0o777);
    const serving = await open();
    assert.deepEqual(await readdir(folder), []);
    assert.equal(certificateIn(serving.current()).checkHost(name), name);
    assert.deepEqual(warnings(), ['warn: --cert-dir cannot be used; kubegauge status cannot verify this server']);
  });

  test('stays in memory without a warning if --cert-dir is empty', async () => {
    const serving = await open(undefined, { certDir: '' });
    assert.ok(serving.root !== undefined);
    assert.deepEqual(warnings(), []);
  });

  test('gives way to one from files', async () => {
    await assert.rejects(
      open(undefined, { certFile: path.join(folder, 'a'), keyFile: 'b' }),
      /cannot read .*a; is the Secret/,
    );
  });
});

function fail(): never {
  assert.fail('there is no root');
}
