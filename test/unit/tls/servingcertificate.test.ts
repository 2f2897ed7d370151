import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { pino } from 'pino';
import type { KeyPair } from '../../../src/tls/keypair.ts';
import { describeError } from '../../../src/logging.ts';
import {
  createServingCertificate,
  type ServingCertificate,
  type ServingOptions,
} from '../../../src/tls/servingcertificate.ts';
import { makeAuthority } from '../../fakes/certificates.ts';
import { createFakeClock, type FakeClock } from '../../fakes/clock.ts';
import { until } from '../../fakes/until.ts';

const dayMs = 24 * 60 * 60_000;
const authority = makeAuthority('serving');

let folder: string;
let clock: FakeClock;
let warnings: string[];
let opened: ServingCertificate[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'serving-'));
  clock = createFakeClock(Date.now());
  warnings = [];
  opened = [];
});
afterEach(async () => {
  for (const serving of opened) serving[Symbol.dispose]();
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true });
});

async function open(options: Partial<ServingOptions>): Promise<ServingCertificate> {
  const log = pino({ level: 'warn' }, { write: (line) => void warnings.push(line) });
  const serving = await createServingCertificate({ certDir: '', names: [], log, clock, ...options });
  opened.push(serving);
  return serving;
}

const certificateOf = ({ cert }: KeyPair) => new X509Certificate(cert);

describe('a self-signed serving certificate', () => {
  const certDir = () => path.join(folder, 'certs', 'own');
  const crt = () => path.join(certDir(), 'kubegauge.crt');
  const key = () => path.join(certDir(), 'kubegauge.key');

  test('has the names of the Service, of this machine and those given, for one year', async () => {
    const certificate = certificateOf(
      (await open({ names: ['metrics.example.org', '10.0.0.7', 'fd00::7'] })).current(),
    );
    for (const name of [
      'localhost',
      'metrics-server.kube-system.svc',
      'metrics-server.kube-system.svc.cluster.local',
      'metrics.example.org',
    ]) {
      assert.equal(certificate.checkHost(name), name);
    }
    for (const address of ['127.0.0.1', '::1', '10.0.0.7', 'fd00::7'])
      assert.equal(certificate.checkIP(address), address);
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
    assert.equal(certificate.verify(certificate.publicKey), true);
    assert.match(certificate.serialNumber, /^[4-7]/);
    const ageMs = clock.wallMs() - certificate.validFromDate.getTime();
    assert.ok(ageMs >= 5 * 60_000 && ageMs < 6 * 60_000, `${ageMs}`);
    assert.equal(Math.round((certificate.validToDate.getTime() - clock.wallMs()) / dayMs), 365);
  });

  test('omits names that no certificate can have', async () => {
    const { subjectAltName } = certificateOf((await open({ names: ['caf\u00e9', 'a b', '', 'x,DNS:y'] })).current());
    assert.equal(subjectAltName, certificateOf((await open({})).current()).subjectAltName);
  });

  test('is kept in a folder that only this user can read', async () => {
    const pair = (await open({ certDir: certDir() })).current();
    assert.deepEqual({ cert: await readFile(crt(), 'utf8'), key: await readFile(key(), 'utf8') }, pair);
    for (const [file, mode] of [
      [certDir(), 0o700],
      [crt(), 0o600],
      [key(), 0o600],
    ] as const) {
      assert.equal((await stat(file)).mode & 0o777, mode, file);
    }
  });

  const secondOf = async (between: () => unknown, names: readonly string[] = []) => {
    const first = (await open({ certDir: certDir() })).current();
    await between();
    return [first, (await open({ certDir: certDir(), names })).current()] as const;
  };
  const usedAgain = (what: string, between: () => unknown) =>
    void test(`is used again ${what}`, async () => {
      const [first, second] = await secondOf(between);
      assert.deepEqual(second, first);
    });
  const madeAnew = (what: string, between: () => unknown, names: readonly string[] = []) =>
    void test(`is replaced ${what}`, async () => {
      const [first, second] = await secondOf(between, names);
      assert.notEqual(second.cert, first.cert);
      assert.equal(await readFile(crt(), 'utf8'), second.cert);
      assert.deepEqual(warnings, []);
    });
  usedAgain('after a restart', () => undefined);
  usedAgain('while it has more than 30 days left', () => clock.jump(334 * dayMs));
  madeAnew('when it has less than 30 days left', () => clock.jump(336 * dayMs));
  madeAnew('when another name is wanted', () => undefined, ['metrics.example.org']);
  madeAnew('when a file is garbage', () => writeFile(crt(), 'garbage'));
  madeAnew('when the key is another one', () => writeFile(key(), authority.key));
  madeAnew('when others could have changed it', () => chmod(crt(), 0o622));
  madeAnew('when others could have read the key', () => chmod(key(), 0o644));

  test('is never written through a symbolic link', async () => {
    await mkdir(certDir(), { recursive: true });
    const target = path.join(folder, 'precious');
    await writeFile(target, 'precious', { mode: 0o666 });
    await symlink(target, key());
    await open({ certDir: certDir() });
    assert.equal(await readFile(target, 'utf8'), 'precious');
    assert.equal((await stat(key())).mode & 0o777, 0o600);
  });

  test('stays in memory, with one warning, if other users could replace it in its folder', async () => {
    await mkdir(certDir(), { recursive: true });
    await chmod(certDir(), 0o777);
    await open({ certDir: certDir() });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /--cert-dir cannot be used.*|chmod go-w/);
    await assert.rejects(stat(crt()), { code: 'ENOENT' });
  });

  test('stays in memory, with one warning, if its folder cannot be written', async () => {
    await writeFile(path.join(folder, 'file'), '');
    const serving = await open({ certDir: path.join(folder, 'file', 'certs') });
    const first = serving.current();
    assert.equal(certificateOf(first).checkHost('localhost'), 'localhost');
    await passesUntil(340 * dayMs, () => serving.current() !== first);
    assert.equal(warnings.length, 1, warnings.join(''));
    assert.match(warnings.join(''), /cannot write to --cert-dir/);
  });

  test('is renewed before it expires, and listeners are called', async () => {
    const serving = await open({ certDir: certDir() });
    const received: KeyPair[] = [];
    serving.onChange((pair) => received.push(pair));
    const first = serving.current();
    await clock.advance(334 * dayMs);
    assert.equal(serving.current(), first);
    // Once: while the pair is made, more days would let it expire, too.
    await clock.advance(2 * dayMs);
    await until('the certificate is renewed', () => received.length > 0);
    assert.notEqual(serving.current().cert, first.cert);
    assert.deepEqual(received, [serving.current()]);
    assert.equal(await readFile(crt(), 'utf8'), serving.current().cert);
  });
});

describe('a serving certificate from files', () => {
  const files = () => ({ certFile: path.join(folder, 'tls.crt'), keyFile: path.join(folder, 'tls.key') });
  const write = async ({ cert, key }: KeyPair) => {
    await replace(files().keyFile, key);
    await replace(files().certFile, cert);
  };
  const issue = (cn: string) => authority.issue({ cn, dns: [`${cn}.example`], usages: ['server'] });

  test('is served with its intermediates', async () => {
    const { cert, key } = issue('one');
    await write({ cert: cert + authority.cert, key });
    assert.deepEqual((await open(files())).current(), { cert: cert + authority.cert, key });
  });

  test('follows its files, and keeps the last pair, with one warning, when the next does not match', async () => {
    const [one, two] = [issue('one'), issue('two')];
    await write(one);
    const serving = await open(files());
    const received: KeyPair[] = [];
    serving.onChange((pair) => received.push(pair));

    await replace(files().certFile, two.cert);
    await passesUntil(60_000, () => warnings.length > 0);
    await clock.advance(120_000);
    assert.deepEqual(serving.current(), one);
    assert.match(warnings.join(''), /tls\.key is not the key of the first certificate in .*tls\.crt/);

    await replace(files().keyFile, two.key);
    await passesUntil(60_000, () => received.length > 0);
    assert.deepEqual(serving.current(), two);
    assert.equal(warnings.length, 1, warnings.join(''));
  });

  test('is refused at the start, with the reason, when Go would refuse it', async () => {
    await write(authority.issue({ cn: 'metrics.example', usages: ['server'] }));
    await assert.rejects(open(files()), /in .*tls\.crt has no DNS name or address .*; kube-apiserver and other Go/);
    await write(authority.issue({ cn: 'x', dns: ['metrics.example'], usages: ['client'] }));
    await assert.rejects(open(files()), /in .*tls\.crt is not for server authentication/);
  });

  test('that Go would refuse does not replace a good one, and the next good one does', async () => {
    const [one, two] = [issue('one'), issue('two')];
    await write(one);
    const serving = await open(files());
    await write(authority.issue({ cn: 'two', usages: ['server'] }));
    await passesUntil(60_000, () => warnings.some((line) => line.includes('has no DNS name or address')));
    assert.deepEqual(serving.current(), one);
    await write(two);
    await passesUntil(60_000, () => serving.current().cert !== one.cert);
    assert.deepEqual(serving.current(), two);
  });

  test('that is not valid yet replaces a valid one only when it is', async () => {
    const one = issue('one');
    await write(one);
    const serving = await open(files());
    const notBefore = new Date(clock.wallMs() + 10 * 60_000);
    await write(authority.issue({ cn: 'two', dns: ['two.example'], notBefore }));
    await passesUntil(60_000, () => warnings.some((line) => line.includes('is not valid before')));
    assert.deepEqual(serving.current(), one);
    await passesUntil(60_000, () => serving.current().cert !== one.cert);
    assert.ok(clock.wallMs() >= notBefore.getTime());
    assert.equal(warnings.length, 1, warnings.join(''));
  });

  test('that has expired is replaced by another that has: one of them has to do', async () => {
    const expired = (cn: string) =>
      authority.issue({ cn, dns: ['old.example'], notAfter: new Date(Date.now() - 1000) });
    await write(expired('one'));
    const serving = await open(files());
    const next = expired('two');
    await write(next);
    await passesUntil(60_000, () => serving.current().cert === next.cert);
  });

  test('without the name that kube-apiserver verifies logs a warning; a wildcard has it', async () => {
    const verifiedName = 'metrics-server.kube-system.svc';
    await write(authority.issue({ cn: verifiedName, dns: ['*.kube-system.svc'] }));
    await open({ ...files(), verifiedName });
    assert.deepEqual(warnings, []);
    for (const name of ['metrics-server', 'metrics*.kube-system.svc', '*.svc']) {
      warnings = [];
      await write(authority.issue({ cn: verifiedName, dns: [name] }));
      await open({ ...files(), verifiedName });
      assert.match(warnings.join(''), /lacks the name by which kube-apiserver verifies it/, name);
    }
  });

  test('that has expired logs a warning', async () => {
    await write(authority.issue({ cn: 'old', dns: ['old.example'], notAfter: new Date(Date.now() - 1000) }));
    await open(files());
    assert.match(warnings.join(''), /has expired at .*; clients will refuse it/);
  });

  const refused = (what: string, pair: () => KeyPair, message: RegExp) =>
    void test(`is refused at the start when ${what}`, async () => {
      await write(pair());
      await assert.rejects(open(files()), message);
    });
  refused(
    'the key is another one',
    () => ({ cert: issue('a').cert, key: issue('b').key }),
    /tls\.key is not the key of/,
  );
  refused('the certificate is broken', () => ({ ...issue('a'), cert: 'x' }), /tls\.crt holds no certificate/);
  refused('the key is broken', () => ({ ...issue('a'), key: 'x' }), /tls\.key holds no private key that can be read/);

  test('is refused at the start when its key is weak', async () => {
    await write(authority.issue({ cn: 'weak', usages: ['server'], rsaBits: 1024 }));
    await assert.rejects(open(files()), (error) => {
      assert.match(describeError(error), /the certificate in .*tls\.crt cannot be served: .*weak key: RSA of 2048/);
      return true;
    });
  });

  test('is refused when a file is not there', async () => {
    await assert.rejects(open(files()), /cannot read .*tls\.(crt|key); is the Secret mounted/);
  });

  test('requires both files', async () => {
    await assert.rejects(open({ certFile: 'a' }), /give --tls-cert-file and --tls-private-key-file, or neither/);
  });
});

/** Atomically. */
async function replace(file: string, content: string): Promise<void> {
  await writeFile(`${file}.next`, content);
  await rename(`${file}.next`, file);
}

/** Reading files takes real time, so the fake clock advances until it is done. */
async function passesUntil(stepMs: number, condition: () => boolean): Promise<void> {
  for (const deadlineMs = performance.now() + 60_000; !condition(); ) {
    assert.ok(performance.now() < deadlineMs, `not after a minute: ${String(condition)}`);
    await clock.advance(stepMs);
  }
}
