/** Kubeconfigs: all kinds of credentials, and malformed files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ApiServer } from '../../../src/client/apiserver.ts';
import { kubeconfigApiServer } from '../../../src/client/kubeconfig.ts';
import { describeError } from '../../../src/logging.ts';
import { makeAuthority } from '../../fakes/certificates.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createRecordingLog } from '../../fakes/recordinglog.ts';

const authority = makeAuthority();
const shown = authority.issue({ cn: 'me' });
const renewed = authority.issue({ cn: 'me' });

describe('a kubeconfig', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'kubegauge-kubeconfig-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  test('with a token is used', async () => {
    const server = await load({ token: 'abc' });
    assert.equal(server.url, 'https://k.example:6443/prefix');
    assert.equal(await server.authorization(), 'Bearer abc');
    assert.deepEqual(server.tls(), { ca: authority.cert, rejectUnauthorized: true });
  });

  test('with a tokenFile follows its rotation', async () => {
    const clock = createFakeClock();
    write('token', 'one\n');
    const server = await load({ tokenFile: 'token' }, {}, clock);
    assert.equal(await server.authorization(), 'Bearer one');
    write('token', 'two\n');
    await clock.advance(60_000);
    assert.equal(await server.authorization(), 'Bearer two');
  });

  test('with a user name and a password sends basic authentication', async () => {
    const server = await load({ username: 'ann', password: 'secret' });
    assert.equal(await server.authorization(), `Basic ${Buffer.from('ann:secret').toString('base64')}`);
  });

  test('with a client certificate presents it', async () => {
    const server = await load({ 'client-certificate-data': base64(shown.cert), 'client-key-data': base64(shown.key) });
    assert.equal(await server.authorization(), undefined);
    assert.deepEqual(server.tls(), { ca: authority.cert, ...shown, rejectUnauthorized: true });
  });

  test('with certificates in files follows their changes', async () => {
    const clock = createFakeClock();
    write('ca', authority.cert);
    for (const name of ['cert', 'key'] as const) write(name, shown[name]);
    const cluster = { 'certificate-authority': 'ca', 'certificate-authority-data': undefined };
    const server = await load({ 'client-certificate': 'cert', 'client-key': 'key' }, cluster, clock);
    const first = server.tls();
    assert.deepEqual(first, { ca: authority.cert, ...shown, rejectUnauthorized: true });
    assert.equal(server.tls(), first);
    for (const name of ['cert', 'key'] as const) write(name, renewed[name]);
    await clock.advance(60_000);
    assert.deepEqual(server.tls(), { ca: authority.cert, ...renewed, rejectUnauthorized: true });
  });

  test('with something else in place of a certificate or key names the entry', async () => {
    for (const name of ['cert', 'key'] as const) write(name, shown[name]);
    const data = load({ 'client-certificate-data': base64(shown.key), 'client-key-data': base64(shown.key) });
    await assert.rejects(data, /^Error: client-certificate-data of user me in .*config holds no certificate/);
    const swapped = load({ 'client-certificate': 'cert', 'client-key': 'cert' });
    await assert.rejects(swapped, /^Error: cannot use the client-key .*cert$/);
  });

  test('sets the name to verify, or no verification', async () => {
    const named = await load({ token: 'abc' }, { 'tls-server-name': 'other.example' });
    assert.deepEqual(named.tls(), { ca: authority.cert, servername: 'other.example', rejectUnauthorized: true });
    const insecure = await load(
      { token: 'abc' },
      { 'insecure-skip-tls-verify': true, 'certificate-authority-data': undefined },
    );
    assert.deepEqual(insecure.tls(), { rejectUnauthorized: false });
  });

  test('with a damaged certificate in its CA skips it, with a warning', async () => {
    const damaged = makeAuthority('other').cert.slice(0, 100) + authority.cert;
    write('damaged', damaged);
    for (const cluster of [
      { 'certificate-authority-data': base64(damaged) },
      { 'certificate-authority': 'damaged', 'certificate-authority-data': undefined },
    ]) {
      const { log, lines } = createRecordingLog();
      const file = write('config', JSON.stringify(config({ token: 'abc' }, cluster)));
      const server = await kubeconfigApiServer(file, createFakeClock(), log);
      assert.equal(server.tls().ca, authority.cert);
      server.tls();
      assert.deepEqual(lines, ['warn: skips a damaged certificate; the others of its bundle are used']);
    }
  });

  test('with a CA without a certificate is rejected, unless nothing is verified', async () => {
    const cluster = { 'certificate-authority-data': base64('no PEM') };
    await assert.rejects(load({ token: 'abc' }, cluster), /certificate-authority-data of cluster c .* no certificate/);
    await load({ token: 'abc' }, { ...cluster, 'insecure-skip-tls-verify': true });
  });

  test('connects by the context that is named, and keeps the first one when the file is read again', async () => {
    const clock = createFakeClock();
    const both = (current: string) => ({
      ...config({ token: 'of-me' }),
      'current-context': current,
      contexts: [
        { name: 'here', context: { cluster: 'c', user: 'me' } },
        { name: 'there', context: { cluster: 'c2', user: 'you' } },
      ],
      clusters: ['c', 'c2'].map((name) => ({ name, cluster: { server: `https://${name}.example` } })),
      users: ['me', 'you'].map((name) => ({ name, user: { token: `of-${name}` } })),
    });
    const file = write('config', JSON.stringify(both('here')));
    const current = await kubeconfigApiServer(file, clock);
    const named = await kubeconfigApiServer(file, clock, undefined, 'there');
    const shown = async (server: ApiServer) => [server.context, server.url, await server.authorization()];
    assert.deepEqual(await shown(current), ['here', 'https://c.example', 'Bearer of-me']);
    assert.deepEqual(await shown(named), ['there', 'https://c2.example', 'Bearer of-you']);
    write('config', JSON.stringify(both('there')));
    await clock.advance(60_000);
    current.refresh?.();
    assert.deepEqual(await shown(current), ['here', 'https://c.example', 'Bearer of-me']);
    await assert.rejects(
      kubeconfigApiServer(file, clock, undefined, 'nowhere'),
      /config has no context nowhere; kubectl/,
    );
  });

  test('with an exec plugin runs it once for all callers, and again after a 401', async () => {
    const clock = createFakeClock();
    const script = path.join(folder, 'plugin.cjs');
    const runs = path.join(folder, 'runs');
    write('plugin.cjs', pluginSource(runs));
    const server = await load({ exec: execOf(script) }, {}, clock);
    const answers = await Promise.all([server.authorization(), server.authorization(), server.authorization()]);
    assert.deepEqual(answers, ['Bearer v1-1', 'Bearer v1-1', 'Bearer v1-1']);
    assert.deepEqual(server.tls(), {
      ca: authority.cert,
      cert: 'EXEC CERT',
      key: 'EXEC KEY',
      rejectUnauthorized: true,
    });
    assert.equal(await server.authorization(), 'Bearer v1-1');
    server.refresh?.();
    assert.equal(
      await server.authorization(),
      'Bearer v1-1',
      'a server that always says 401 must not make the plugin run each time',
    );
    await clock.advance(60_000);
    server.refresh?.();
    assert.equal(await server.authorization(), 'Bearer v1-2');
  });

  test('with an exec plugin that fails is an error', async () => {
    write('plugin.cjs', 'process.stderr.write("log in first"); process.exit(1);');
    const server = await load({ exec: execOf(path.join(folder, 'plugin.cjs')) });
    await assert.rejects(
      async () => server.authorization(),
      (error: Error) => {
        assert.match(
          error.message,
          /cannot get the credentials of user me in .*; does kubectl get nodes work with it\?/,
        );
        assert.match(String(error.cause), /log in first/);
        return true;
      },
    );
  });

  test('with a valid OIDC token uses it', async () => {
    const token = [{ alg: 'none' }, { exp: Math.floor(Date.now() / 1000) + 3600 }].map((part) =>
      base64(JSON.stringify(part)),
    );
    const idToken = `${token.join('.')}.c2ln`;
    const server = await load({ 'auth-provider': { name: 'oidc', config: { 'id-token': idToken } } });
    assert.equal(await server.authorization(), `Bearer ${idToken}`);
  });

  test('that is missing is an error', async () => {
    await assert.rejects(
      kubeconfigApiServer(path.join(folder, 'nowhere')),
      /cannot read the kubeconfig .*nowhere; is it there, and may this user read it\?/,
    );
  });

  test('that is a FIFO is an error, without a wait for its writer', async () => {
    const fifo = path.join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    await assert.rejects(kubeconfigApiServer(fifo), { cause: new Error('it is not a regular file') });
  });

  refused('that is no YAML is an error', () => 'a: [', /is not a kubeconfig/);
  refused('that is empty is an error', () => '', /is not a kubeconfig/);
  refused('that is a list is an error', () => '- a', /is not a kubeconfig/);
  refused('that is nested too deeply is an error', () => `a: ${'['.repeat(100_000)}`, /is not a kubeconfig/);
  refused(
    'whose aliases of aliases grow exponentially is an error',
    () => {
      const levels = Array.from({ length: 30 }, (_, at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}, *a${at}]`);
      return ['a0: &a0 x', ...levels].join('\n');
    },
    /is not a kubeconfig/,
  );
  refused(
    'with a token of digits without quotes, which is not repeated',
    () => config({ token: 4711 }),
    /^(?!.*4711).*user me: its token is not text; write it in quotes/,
  );
  refused(
    'whose context names no user is an error',
    () => ({ ...config({}), contexts: [{ name: 'here', context: { cluster: 'c' } }] }),
    /context here names no user; set one/,
  );

  test('that is no YAML names the line of the fault, and repeats nothing of it', async () => {
    const file = write('config', 'users:\n- name: me\n  user: {token: "secret-1" "secret-2"}\n');
    await assert.rejects(kubeconfigApiServer(file), (error: Error) => {
      assert.match(describeError(error), /is not a kubeconfig; .*: line 3: YAML error [A-Z_]+$/);
      assert.doesNotMatch(describeError(error), /secret/);
      return true;
    });
  });

  test('in YAML as people write it is read: comments, anchors, merges, nulls, and entries of others that are not complete', async () => {
    const file = write(
      'config',
      `# of kubectl
apiVersion: v1
kind: Config
current-context: here
preferences: {}
contexts:
- context: {cluster: c, user: me, namespace: shop}
  name: here
- context: null
  name: there
clusters:
- name: broken
- name: c
  cluster: &cluster
    server: https://k.example:6443
    insecure-skip-tls-verify: true
- name: copy
  cluster:
    <<: *cluster
    tls-server-name: other.example
users:
- name: 2024-01-01
- name: me
  user:
    exec: null
    auth-provider: null
    client-certificate: ""
    token: >-
      abc
`,
    );
    const server = await kubeconfigApiServer(file);
    assert.deepEqual([server.url, server.context, server.contextNamespace], ['https://k.example:6443', 'here', 'shop']);
    assert.equal(await server.authorization(), 'Bearer abc');
    assert.deepEqual(server.tls(), { rejectUnauthorized: false });
    await assert.rejects(kubeconfigApiServer(file, undefined, undefined, 'there'), /context there names no cluster/);
    write('config', readFileSync(file, 'utf8').replace('cluster: c,', 'cluster: copy,'));
    assert.equal((await kubeconfigApiServer(file)).tls().servername, 'other.example');
  });
  refused(
    'without a current context',
    () => ({ ...config({}), 'current-context': undefined }),
    /no current-context; .*use-context/,
  );
  refused(
    'whose context is missing',
    () => ({ ...config({}), contexts: [] }),
    /current-context here is not among its contexts/,
  );
  refused(
    'whose cluster is missing',
    () => ({ ...config({}), clusters: [] }),
    /names the cluster c, which is not in the file/,
  );
  refused(
    'whose user is missing is an error',
    () => ({ ...config({}), users: [] }),
    /names the user me, which is not in the file/,
  );
  refused('without a server is an error', () => config({}, { server: undefined }), /cluster c has no server; set one/);
  refused(
    'with a server that is no URL is an error',
    () => config({}, { server: 'k.example' }),
    /not an https:\/\/ URL/,
  );
  refused('with a server without TLS is an error', () => config({}, { server: 'http://k.example' }), /without TLS/);
  refused(
    'with a password in the URL of its server, which is not repeated',
    () => config({}, { server: 'https://ann:secret-1@k.example' }),
    /^(?!.*secret-1).*has a user or a password in its URL/,
  );
  refused(
    'with a proxy is an error',
    () => config({}, { 'proxy-url': 'http://p' }),
    /behind a proxy-url, which is not supported/,
  );
  for (const name of ['gcp', 'azure', 'exec', '']) {
    refused(
      `with the auth-provider ${name || 'without a name'} is an error`,
      () => config({ 'auth-provider': { name, config: { 'cmd-path': 'touch', tokenFile: 'x', exec: {} } } }),
      /has the auth-provider .*, which is not supported, nor by kubectl since 1.26; use an exec plugin/,
    );
  }
  refused('with impersonation is an error', () => config({ as: 'bob' }), /impersonates bob, which is not supported/);

  /** Adds a test of a rejected file. */
  function refused(what: string, content: () => unknown, message: RegExp): void {
    test(what, async () => {
      const value = content();
      const file = write('config', typeof value === 'string' ? value : JSON.stringify(value));
      await assert.rejects(kubeconfigApiServer(file), message);
    });
  }

  function load(user: object, cluster: object = {}, clock = createFakeClock()): Promise<ApiServer> {
    // JSON is YAML.
    return kubeconfigApiServer(write('config', JSON.stringify(config(user, cluster))), clock);
  }

  function write(name: string, content: string): string {
    const file = path.join(folder, name);
    writeFileSync(file, content);
    return file;
  }
});

function config(user: object, cluster: object = {}): object {
  const server = 'https://k.example:6443/prefix/';
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'me' } }],
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': base64(authority.cert), ...cluster } }],
    users: [{ name: 'me', user }],
  };
}

function execOf(script: string): object {
  return {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: process.execPath,
    args: [script],
    interactiveMode: 'Never',
  };
}

/** Prints the number of its run and the requested version. */
function pluginSource(runs: string): string {
  return `
    const fs = require('node:fs');
    fs.appendFileSync(${JSON.stringify(runs)}, '.');
    const count = fs.readFileSync(${JSON.stringify(runs)}).length;
    const { apiVersion, kind } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
    const token = apiVersion.split('/')[1] + '-' + count;
    const status = { token, clientCertificateData: 'EXEC CERT', clientKeyData: 'EXEC KEY' };
    process.stdout.write(JSON.stringify({ apiVersion, kind, status }));
  `;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
