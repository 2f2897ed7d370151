/** Tests how the program logs refusals at its default level. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { waitFor } from '../cluster/wait.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { type Issued, makeAuthority } from '../fakes/certificates.ts';
import { authenticationConfigMap } from '../fakes/kubeobjects.ts';
import { until } from '../fakes/until.ts';
import { freePort, kubeconfigFor } from '../fakes/wholecluster.ts';

const main = path.resolve(import.meta.dirname, '../../src/main.ts');
const clients = makeAuthority('clients');
const proxies = makeAuthority('front proxies');
const usages = ['client'] as const;
const asAlice = { 'x-remote-user': 'alice' };
const secret = 'secret-token-of-a-user';

let stack: AsyncDisposableStack;
let api: FakeApiServer;
let port: number;
let log = '';

async function ask(headers: Readonly<Record<string, string>>, client?: Issued): Promise<number> {
  const target = { host: '127.0.0.1', port, path: '/apis/metrics.k8s.io/v1/nodes' };
  const outgoing = request({ ...target, rejectUnauthorized: false, agent: false, headers, ...client });
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  await text(response);
  return response.statusCode;
}

const lines = (what: string) => log.split('\n').filter((line) => line.includes(`refused: ${what}`));

describe('what is refused is logged once, with the reason', () => {
  // Here, not for the file: without test/all.ts hooks of files run before all tests, and a minute later a cause is logged again.
  before(async () => {
    stack = new AsyncDisposableStack();
    const folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
    stack.defer(() => rmSync(folder, { recursive: true }));
    api = stack.use(await createFakeApiServer());
    api.objects.set(authenticationConfigMap({ clientCa: clients.cert, requestHeaderCa: proxies.cert }));
    const kubeconfig = path.join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, kubeconfigFor(api.url, api.ca));
    port = await freePort();
    const flags = [`--kubeconfig=${kubeconfig}`, `--secure-port=${port}`, '--bind-address=127.0.0.1', '--cert-dir='];
    const child = spawn(process.execPath, [main, ...flags, '--shutdown-delay-duration=0s'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    stack.defer(async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    });
    child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    await waitFor('the program to know whom to trust', async () => (await ask({})) === 403, 60_000, 20);
  });

  after(async () => {
    await stack.disposeAsync();
  });

  const check = (what: string, line: RegExp, status: number, cause: () => Promise<number>) =>
    void test(what, async () => {
      for (let times = 0; times < 3; times += 1) assert.equal(await cause(), status);
      await until('it is logged', () => lines(what).length > 0);
      assert.match(lines(what)[0] ?? '', line);
      assert.equal(lines(what).length, 1);
      assert.doesNotMatch(log, new RegExp(secret));
    });

  const expired = proxies.issue({ cn: 'front-proxy-client', usages, notAfter: new Date(Date.now() - 60_000) });
  check('the certificate of a front proxy', /^W .*expired at /, 401, () => ask(asAlice, expired));
  check('the name of a front proxy', /^W .*somebody.* is not in requestheader-allowed-names/, 401, () =>
    ask(asAlice, proxies.issue({ cn: 'somebody', usages })),
  );
  check('a client certificate', /^W .*not trusted here/, 401, () =>
    ask({}, makeAuthority('strangers').issue({ cn: 'alice', usages })),
  );
  check('a bearer token', /^I .*invalid bearer token/, 401, () => ask({ authorization: `Bearer ${secret}` }));
  check('anonymous requests', /^I .*cannot list/, 403, () => ask({}));
  check('a user lacks the right', /^I .*alice.* cannot list/, 403, () =>
    ask({}, clients.issue({ cn: 'alice', usages })),
  );
  check('TokenReviews by kube-apiserver fail', /^W .*the fake answers 403/, 401, () => {
    api.faults.answer = ({ path: asked }) => (asked.endsWith('/tokenreviews') ? 403 : undefined);
    return ask({ authorization: `Bearer ${secret}-${Math.random()}` });
  });
  check('SubjectAccessReviews by kube-apiserver fail', /^W .*the fake answers 403/, 500, () => {
    api.faults.answer = ({ path: asked }) => (asked.endsWith('/subjectaccessreviews') ? 403 : undefined);
    return ask({}, clients.issue({ cn: `bob`, o: [String(Math.random())], usages }));
  });
});
