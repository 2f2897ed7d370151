/** `kubegauge doctor` as a program: exit codes, output, rights that are missing, and what it sends. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { parse } from 'yaml';
import type { Examination } from '../../src/doctor/examination.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { createInstallation, type Installation } from '../fakes/installation.ts';
import { runCommands } from '../fakes/kubectl.ts';
import { type ProgramResult, runProgram } from '../fakes/program.ts';
import { kubeconfigFor } from '../fakes/wholecluster.ts';

let folder: string;
let apiServer: FakeApiServer;
let installation: Installation;

before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
});
after(async () => {
  await installation[Symbol.asyncDispose]();
  await apiServer.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  await installation?.[Symbol.asyncDispose]();
  await apiServer?.close();
  apiServer = await createFakeApiServer();
  installation = await createInstallation(apiServer);
  writeFileSync(path.join(folder, 'kubeconfig'), kubeconfigFor(apiServer.url, apiServer.ca));
});

const run = (...argv: readonly string[]): Promise<ProgramResult> =>
  runProgram(['doctor', ...argv], { HOME: folder, KUBECONFIG: path.join(folder, 'kubeconfig') });

describe('kubegauge doctor', () => {
  test('exits with 0 where nothing is wrong, by the kubeconfig that kubectl uses', async () => {
    const { code, out, err } = await run('apiservices');
    assert.deepEqual([code, err], [0, ''], out);
    assert.match(out, /^ok +apiservices /m);
    assert.match(out, /metrics are served by kubegauge: kubegauge:0\.1\.0/);
  });

  test('exits with 1 for an error, and its remedy, pasted into a shell, ends it', async () => {
    apiServer.objects.delete('APIService', 'v1beta1.metrics.k8s.io');
    const { code, out } = await run('apiservices', '-o', 'json');
    assert.equal(code, 1, out);
    const { checks, findings } = JSON.parse(out) as Examination;
    assert.deepEqual(
      checks.map(({ name, result }) => [name, result]),
      [['apiservices', 'error']],
    );
    const finding = findings.find((each) => each.code === 'api-not-registered');
    assert.equal(finding?.object, 'APIService v1beta1.metrics.k8s.io');
    await runCommands(apiServer, finding.remedy ?? '');
    const again = JSON.parse((await run('apiservices', '--output=json')).out) as Examination;
    assert.ok(!again.findings.some((each) => each.code === 'api-not-registered'));
  });

  test('has no APIService registered for a Service that does not exist: the remedy is an installation', async () => {
    for (const version of ['v1', 'v1beta1']) apiServer.objects.delete('APIService', `${version}.metrics.k8s.io`);
    const remedy = async (): Promise<string> => {
      const { findings } = JSON.parse((await run('apiservices', '-o', 'json')).out) as Examination;
      return findings.find(({ code }) => code === 'api-not-registered')?.remedy ?? '';
    };
    assert.match(await remedy(), /^kubectl apply -f - /);
    apiServer.objects.delete('Service', 'metrics-server', 'kube-system');
    assert.match(await remedy(), /^kubectl apply -k my-cluster {3}# .* docs\/install\.md, which installs kubegauge$/);
  });

  test('prints YAML, and remedies that can be copied from the table', async () => {
    apiServer.objects.delete('APIService', 'v1beta1.metrics.k8s.io');
    const { out } = await run('apiservices', '-oyaml');
    assert.equal((parse(out) as Examination).kind, 'Examination');
    const table = (await run('apiservices')).out;
    assert.match(table, /^ERROR {2}APIService v1beta1\.metrics\.k8s\.io {2}\[apiservices\/api-not-registered\]$/m);
    assert.match(table, /^kubectl apply -f - <<'EOF'\n\{.*\}\nEOF$/m);
  });

  test('exits with 2 where kube-apiserver cannot be asked, or the command line is wrong', async () => {
    assert.match((await run('nothing')).err, /no check is named nothing; there are apiservices/);
    assert.deepEqual([(await run('nothing')).code, (await run('-o', 'xml')).code], [2, 2]);
    apiServer.faults.accepts = () => false;
    const { code, out, err } = await run();
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, /^kubegauge: the cluster cannot be examined: /);
  });

  test('says that credentials are rejected, and what to do', async () => {
    apiServer.faults.answer = () => 401;
    const { code, err } = await run();
    assert.equal(code, 2);
    assert.match(err, /kube-apiserver rejects the credentials of this kubeconfig \(401\); log in again/);
  });

  test('exits with 2 where no check could look, and with 0 where some could', async () => {
    const mayRead = { apiServices: false };
    apiServer.faults.answer = ({ path }) => {
      if (path === '/version' || path.includes('authorization.k8s.io')) return undefined;
      return mayRead.apiServices && path.includes('apiregistration') ? undefined : 403;
    };
    const blind = await run('-o', 'json');
    const { examined, findings } = JSON.parse(blind.out) as Examination;
    assert.ok(findings.every(({ severity }) => severity === 'unchecked'));
    assert.deepEqual([blind.code, examined], [2, false], blind.out);
    assert.match(blind.err, /^kubegauge: the cluster cannot be examined: no check could look/);
    assert.equal((await run('namespaces')).code, 2);
    const { out } = await run();
    const shown = out.match(/^UNCHECKED /gm)?.length ?? 0;
    assert.ok(shown < findings.length, 'several checks lack the same right');
    assert.match(out, new RegExp(`^${shown} unchecked$`, 'm'));
    mayRead.apiServices = true;
    const partial = await run('apiservices');
    assert.deepEqual([partial.code, partial.err], [0, ''], partial.out);
  });

  test('says what it could not check without a right, and goes on', async () => {
    apiServer.faults.answer = ({ path }) => (path.endsWith('/services/metrics-server') ? 403 : undefined);
    const { code, out } = await run('apiservices');
    assert.equal(code, 0, out);
    assert.match(out, /^unchecked +apiservices /m);
    assert.match(out, /^UNCHECKED {2}\/api\/v1\/namespaces\/kube-system\/services\/metrics-server/m);
  });

  test('does not say of an answer that it cannot use that there was none', async () => {
    apiServer.documents.set('/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io', 'no JSON');
    const { out } = await run('apiservices');
    assert.match(out, /kube-apiserver gives no usable answer: .*the answer is not JSON/);
  });

  test('escapes control characters of other programs', async () => {
    const object = apiServer.objects.get('APIService', 'v1beta1.metrics.k8s.io');
    assert.ok(object);
    const message = 'down \u001b[2J\nERROR all is well';
    const conditions = [{ type: 'Available', status: 'False', reason: 'MissingEndpoints', message }];
    apiServer.objects.set({ ...object, status: { conditions } });
    const { out } = await run('apiservices');
    assert.match(out, /down \\x1b\[2J\\x0aERROR all is well/);
  });

  test('sends no request that writes, and its token to kube-apiserver only', async () => {
    await run();
    const writes = apiServer.requests.filter(({ method }) => method !== 'GET');
    assert.deepEqual(
      writes
        .filter(({ method, path }) => method !== 'POST' || !path.endsWith('subjectaccessreviews'))
        .map(({ path }) => path),
      [],
    );
  });
});
