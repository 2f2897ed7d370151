/** The ServiceAccount of a pod, whose files rotate. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { inClusterApiServer } from '../../../src/client/apiserver.ts';
import { makeAuthority } from '../../fakes/certificates.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createRecordingLog } from '../../fakes/recordinglog.ts';

const [authority, other] = [makeAuthority('one'), makeAuthority('two')];
const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

describe('in a pod', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'kubegauge-account-'));
    write('token', 'first\n');
    write('ca.crt', authority.cert);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('the address is from the environment', () => {
    assert.equal(inClusterApiServer(env, { folder })?.url, 'https://10.96.0.1:443');
  });

  test('the namespace is that of the mounted file, and undefined without one', () => {
    assert.equal(inClusterApiServer(env, { folder })?.namespace, undefined);
    write('namespace', '');
    assert.equal(inClusterApiServer(env, { folder })?.namespace, undefined);
    write('namespace', 'kube-system');
    assert.equal(inClusterApiServer(env, { folder })?.namespace, 'kube-system');
    write('namespace', 'x'.repeat(1_000));
    assert.equal(inClusterApiServer(env, { folder })?.namespace, undefined);
  });

  test('an IPv6 address gets its brackets', () => {
    assert.equal(
      inClusterApiServer({ ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' }, { folder })?.url,
      'https://[fd00::1]:443',
    );
  });

  test('outside of a pod there is no server', () => {
    assert.equal(inClusterApiServer({}, { folder }), undefined);
    assert.equal(inClusterApiServer({ KUBERNETES_SERVICE_HOST: '10.96.0.1' }, { folder }), undefined);
  });

  test('a rotated token is used within a minute', async () => {
    const clock = createFakeClock();
    const server = inClusterApiServer(env, { folder, clock });
    assert.equal(await server?.authorization(), 'Bearer first');
    write('token', 'second\n');
    await clock.advance(60_000);
    assert.equal(await server?.authorization(), 'Bearer second');
  });

  test('a rotated token is used at once after a 401', async () => {
    const server = inClusterApiServer(env, { folder, clock: createFakeClock() });
    await server?.authorization();
    write('token', 'second\n');
    server?.refresh?.();
    assert.equal(await server?.authorization(), 'Bearer second');
  });

  test('while a file is missing or empty, its last content is used', async () => {
    const clock = createFakeClock();
    const server = inClusterApiServer(env, { folder, clock });
    unlinkSync(path.join(folder, 'token'));
    await clock.advance(60_000);
    assert.equal(await server?.authorization(), 'Bearer first');
    write('token', '');
    await clock.advance(60_000);
    assert.equal(await server?.authorization(), 'Bearer first');
  });

  test('a file that cannot be used logs one warning, until it can be used again', async () => {
    const clock = createFakeClock();
    const { log, lines } = createRecordingLog();
    const server = inClusterApiServer(env, { folder, clock, log });
    for (const isGood of [false, false, true, false]) {
      if (isGood) write('token', 'second');
      else write('token', ' ');
      await clock.advance(60_000);
      assert.equal(await server?.authorization(), isGood || lines.length > 1 ? 'Bearer second' : 'Bearer first');
    }
    assert.deepEqual(lines, Array(2).fill('warn: a credential file cannot be used; its last good content is used'));
  });

  test('the TLS material is the same object until the CA changes', async () => {
    const clock = createFakeClock();
    const server = inClusterApiServer(env, { folder, clock });
    const before = server?.tls();
    assert.deepEqual(before, { ca: authority.cert, rejectUnauthorized: true });
    await clock.advance(60_000);
    assert.equal(server?.tls(), before);
    write('ca.crt', other.cert);
    await clock.advance(60_000);
    assert.deepEqual(server?.tls(), { ca: other.cert, rejectUnauthorized: true });
  });

  test('a damaged certificate of the CA is skipped, with a warning', () => {
    const { log, lines } = createRecordingLog();
    for (const text of [authority.cert.slice(0, 100) + other.cert, other.cert + authority.cert.slice(0, 100)]) {
      write('ca.crt', text);
      assert.equal(inClusterApiServer(env, { folder, log })?.tls().ca, other.cert);
    }
    assert.deepEqual(lines, Array(2).fill('warn: skips a damaged certificate; the others of its bundle are used'));
  });

  test('a CA file without a certificate is rejected, and later replaces no good one', async () => {
    write('ca.crt', 'no PEM');
    assert.throws(
      () => inClusterApiServer(env, { folder }),
      (error: Error) => /ca\.crt/.test(error.message) && /holds no certificate/.test(String(error.cause)),
    );
    write('ca.crt', authority.cert);
    const clock = createFakeClock();
    const server = inClusterApiServer(env, { folder, clock });
    write('ca.crt', 'no PEM');
    await clock.advance(60_000);
    assert.equal(server?.tls().ca, authority.cert);
  });

  test('a missing token is an error with its file and a remedy', () => {
    unlinkSync(path.join(folder, 'token'));
    assert.throws(
      () => inClusterApiServer(env, { folder }),
      /cannot read the ServiceAccount token .*token; is automountServiceAccountToken off\?.*--kubeconfig/,
    );
  });

  test('a missing CA is an error with its file', () => {
    unlinkSync(path.join(folder, 'ca.crt'));
    assert.throws(() => inClusterApiServer(env, { folder }), /cannot read the API server's CA .*ca\.crt/);
  });

  function write(name: string, content: string): void {
    writeFileSync(path.join(folder, name), content);
  }
});
