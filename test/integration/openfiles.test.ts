/** The program as a process that may open few files: it says so, and lives. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { connect } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { createFakeApiServer } from '../fakes/apiserver.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { createFakeKubelet } from '../fakes/kubelet.ts';
import { node } from '../fakes/kubeobjects.ts';
import { until } from '../fakes/until.ts';
import { freePort, kubeconfigFor } from '../fakes/wholecluster.ts';

const main = path.resolve(import.meta.dirname, '../../src/main.ts');

/** Enough to start, and fewer than there are nodes. */
const openFiles = 60;
const nodes = 100;

test('a process without file descriptors left reports it for the nodes that it cannot reach, and reads the others', async () => {
  await using disposables = new AsyncDisposableStack();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
  disposables.defer(() => rmSync(folder, { recursive: true }));
  const apiServer = await createFakeApiServer();
  disposables.defer(() => apiServer.close());
  const certificate = makeAuthority('kubelets').issue({ cn: 'kubelet', ips: ['127.0.0.1'], usages: ['server'] });
  const kubelet = disposables.use(await createFakeKubelet({ certificate, accepts: () => true }));
  for (let index = 0; index < nodes; index += 1) {
    apiServer.objects.set(node(`node-${index}`, { kubeletPort: kubelet.port }));
  }
  const port = await freePort();
  const kubeconfig = path.join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigFor(apiServer.url, apiServer.ca));
  const flags = [
    `--kubeconfig=${kubeconfig}`,
    '--kubelet-insecure-tls',
    '--kubelet-use-node-status-port',
    '--kubelet-preferred-address-types=InternalIP',
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    '--cert-dir=',
  ];
  const command = `ulimit -n ${openFiles} && exec "$0" "$@"`;
  const child = spawn('/bin/sh', ['-c', command, process.execPath, main, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit');
  disposables.defer(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));

  const reported = () => new Set(output.match(/node-\d+: this server has as many files and connections open/g)).size;
  await until('every node beyond the limit to be reported', () => reported() >= nodes - openFiles);
  assert.match(output, /ulimit -n/);
  // Clients that it cannot accept are closed, and end nothing.
  const clients = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'));
  await Promise.all(clients.map((client) => once(client, 'connect')));
  for (const client of clients) client.on('error', () => undefined).destroy();
  const already = output.length;
  await until('it scrapes on', () => output.length > already || kubelet.requests.length > 2 * nodes);
  assert.equal(child.exitCode, null);
  assert.equal(child.signalCode, null);
  // A file at least for each connection that there is.
  assert.ok(reported() < nodes, output);
});
