import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { createClientMetrics } from '../../../src/client/clientmetrics.ts';
import { createRestClient } from '../../../src/client/rest.ts';
import { createAuth } from '../../../src/command/auth.ts';
import { createRegistry } from '../../../src/monitoring.ts';
import { parseCommandLine } from '../../../src/options/parse.ts';
import { type Issued, makeAuthority } from '../../fakes/certificates.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createRecordingLog } from '../../fakes/recordinglog.ts';
import { until } from '../../fakes/until.ts';

test('the listener for a changed serving certificate gets the new one', async () => {
  await using disposables = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'auth-'));
  disposables.defer(() => rm(folder, { recursive: true }));
  const [certFile, keyFile] = [path.join(folder, 'tls.crt'), path.join(folder, 'tls.key')];
  const write = async ({ cert, key }: Issued) => {
    await writeFile(certFile, cert);
    await writeFile(keyFile, key);
  };
  const authority = makeAuthority();
  const issue = (cn: string) => authority.issue({ cn, dns: [cn] });
  const [first, second] = [issue('first'), issue('second')];
  await write(first);
  const clock = createFakeClock(Date.now());
  const { options } = parseCommandLine([
    `--tls-cert-file=${certFile}`,
    `--tls-private-key-file=${keyFile}`,
    '--authentication-skip-lookup',
  ]);
  const apiServer = {
    url: 'https://127.0.0.1:1',
    tls: () => ({ rejectUnauthorized: true }),
    authorization: async () => undefined,
  };
  const auth = await createAuth({
    options,
    apiServer,
    rest: disposables.use(createRestClient(apiServer)),
    metrics: createClientMetrics(createRegistry()),
    clock,
    log: createRecordingLog().log,
    disposables,
  });
  const given: string[] = [];
  auth.onTlsChange(({ cert }) => given.push(cert));
  await write(second);
  await clock.advance(30_000);
  await until('the callback is called', () => given.length > 0);
  assert.deepEqual(given, [second.cert]);
  assert.equal(auth.tls().cert, second.cert);
});

test('the second process of a pod writes no file, and has a root of its own', async () => {
  for (const keepsFiles of [true, false]) {
    await using disposables = new AsyncDisposableStack();
    const folder = await mkdtemp(path.join(tmpdir(), 'auth-'));
    disposables.defer(() => rm(folder, { recursive: true }));
    const { options } = parseCommandLine([`--cert-dir=${folder}`, '--authentication-skip-lookup']);
    const apiServer = {
      url: 'https://127.0.0.1:1',
      tls: () => ({ rejectUnauthorized: true }),
      authorization: async () => undefined,
    };
    const namespace = 'kube-system';
    const pod = {
      owner: { namespace, pod: 'metrics-server-1', uid: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff' },
      service: { namespace, name: 'metrics-server' },
      names: () => ['metrics-server.kube-system.svc'],
    };
    const { root } = await createAuth({
      options,
      apiServer,
      rest: disposables.use(createRestClient(apiServer)),
      pod,
      keepsFiles,
      metrics: createClientMetrics(createRegistry()),
      clock: createFakeClock(Date.now()),
      log: createRecordingLog().log,
      disposables,
    });
    assert.ok(root);
    assert.deepEqual(await readdir(folder), keepsFiles ? ['kubegauge.crt'] : []);
  }
});
