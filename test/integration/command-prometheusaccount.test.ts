/** --prometheus-auth-incluster in a server process that finds the account of a pod where pods have it. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, test } from 'node:test';
import { makeAuthority } from '../fakes/certificates.ts';
import { createFakePrometheus } from '../fakes/prometheus.ts';
import { until } from '../fakes/until.ts';
import { freePort, serverFlags, startWholeCluster } from '../fakes/wholecluster.ts';

const main = path.resolve(import.meta.dirname, '../../src/main.ts');
// Another user than root may mount in a user namespace.
const inNamespace = ['--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])];
const mayMount = spawnSync('unshare', [...inNamespace, '--', 'mount', '-t', 'tmpfs', 'tmpfs', '/run']).status === 0;
const skip = !mayMount && 'this machine lets no process mount in a namespace of its own (unshare --mount)';

/** Makes the folder $1 the account of a pod, and becomes the command behind it. */
const asInPod =
  'account=/run/secrets/kubernetes.io/serviceaccount; mount -t tmpfs tmpfs /run && mkdir -p $account && ' +
  'mount --bind "$1" $account && shift && exec "$@"';
const rules = `rules:
- {seriesQuery: requests, resources: {template: <<.Resource>>}, metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}
`;

suite("our pod's token for Prometheus", { skip }, () => {
  test('is sent by TLS that the CA of the pod verifies, is read again when it is rotated, and follows no redirect', async () => {
    await using disposables = new AsyncDisposableStack();
    const folder = mkdtempSync(path.join(tmpdir(), 'prometheusaccount-'));
    disposables.defer(() => rmSync(folder, { recursive: true }));
    const authority = makeAuthority('cluster CA');
    const tls = () => authority.issue({ cn: 'prometheus', ips: ['127.0.0.1'], usages: ['server'] });
    const prometheus = disposables.use(await createFakePrometheus({ tls: tls() }));
    const other = disposables.use(await createFakePrometheus({ tls: tls() }));
    const cluster = disposables.use(await startWholeCluster());
    const account = path.join(folder, 'account');
    mkdirSync(account);
    writeFileSync(path.join(account, 'ca.crt'), authority.cert);
    writeFileSync(path.join(account, 'token'), 'the-first-token');
    const config = path.join(folder, 'config.yaml');
    writeFileSync(config, rules);
    const flags = [
      ...serverFlags(cluster.kubeconfig, await freePort()),
      `--config=${config}`,
      `--prometheus-url=${prometheus.url}`,
      '--prometheus-auth-incluster',
      '--metrics-relist-interval=1s',
    ];
    const words = [...inNamespace, '--', 'sh', '-c', asInPod, 'sh', account, process.execPath, main, ...flags];
    const env = { PATH: process.env['PATH'], KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
    const server = spawn('unshare', words, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = once(server, 'exit');
    disposables.defer(async () => {
      server.kill('SIGTERM');
      await ended;
    });
    let output = '';
    server.stderr.on('data', (chunk) => (output += String(chunk)));
    const sent = () => prometheus.requests.map(({ headers }) => headers.authorization);

    await until('the token is sent', () => sent().length > 0);
    assert.equal(sent()[0], 'Bearer the-first-token');

    // As a kubelet does, in one step; the old token is worth nothing from then on.
    writeFileSync(path.join(account, 'next'), 'the-second-token');
    renameSync(path.join(account, 'next'), path.join(account, 'token'));
    prometheus.fault = ({ headers }) => (headers.authorization === 'Bearer the-first-token' ? 401 : undefined);
    await until('the rotated token is sent', () => sent().includes('Bearer the-second-token'));

    const location = `${other.url}/api/v1/series`;
    prometheus.fault = () => ({ code: 307, body: '', headers: { location } });
    const before = prometheus.requests.length;
    await until('a redirect was answered, and the next list asks again', () => prometheus.requests.length > before + 1);
    assert.match(output, /redirects \(307\) to https:\/\/127\.0\.0\.1:\d+\/api\/v1\/series; if that is right/);
    assert.deepEqual(other.requests, []);
    assert.deepEqual(new Set(sent()), new Set(['Bearer the-first-token', 'Bearer the-second-token']));
    assert.doesNotMatch(output, /the-(?:first|second)-token/);
  });
});
