/** Log of the process: a port that is taken, nodes that cannot be scraped, and otherwise nothing. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { V1Node } from '@kubernetes/client-node';
import { waitFor } from '../wait.ts';
import { harness } from './harness.ts';
import { apply } from './pods.ts';
import { resolutionMs, spawnServer } from './server.ts';

const { cluster, program, credentials, folder, port, server } = harness();

test('a second server on the same port ends at once and says why', async () => {
  const second = spawnServer(cluster, program, { port, kubeconfig: credentials.serverKubeconfig, folder });
  const code = await second.ended;
  assert.ok(code !== undefined && code > 0, `exit code ${code}`);
  assert.match(second.log(), new RegExp(`${port}.*in use|in use.*${port}`, 's'));
});

describe('nodes without metrics', { skip: program.name !== 'kubegauge' && 'metrics-server logs each of them' }, () => {
  /** A Node that is Ready but where nothing listens, and that takes no pods. */
  const node = (name: string, labels: Record<string, string>): V1Node => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec: { unschedulable: true },
  });
  const status = {
    addresses: [{ type: 'InternalIP', address: cluster.nodeIp }],
    daemonEndpoints: { kubeletEndpoint: { Port: 9 } },
    conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: new Date().toISOString() }],
  };
  const nodes = [
    node('e2e-virtual', { type: 'virtual-kubelet' }),
    node('e2e-fargate', { 'eks.amazonaws.com/compute-type': 'fargate' }),
    node('e2e-broken', {}),
  ];
  const names = nodes.map(({ metadata }) => metadata?.name ?? '');

  before(async () => {
    await apply(cluster, nodes);
    for (const name of names) {
      await cluster.kubectl(['patch', 'node', name, '--subresource=status', '-p', JSON.stringify({ status })]);
    }
  });
  after(() => cluster.kubectl(['delete', 'nodes', '--ignore-not-found', ...names]));

  const complaints = (name: string) =>
    server()
      .log()
      .split('\n')
      .filter((line) => /^[WE] /.test(line) && line.includes(name));

  test('a broken node is logged once, a virtual or Fargate node never', async () => {
    await waitFor('a line about the broken node', () => complaints('e2e-broken').length > 0, 4 * resolutionMs);
    const loggedMs = performance.now();
    await waitFor(
      'one more scrape of each',
      () => performance.now() > loggedMs + resolutionMs + 2_000,
      2 * resolutionMs,
    );
    assert.equal(complaints('e2e-broken').length, 1, complaints('e2e-broken').join('\n'));
    assert.deepEqual([...complaints('e2e-virtual'), ...complaints('e2e-fargate')], []);
  });

  test('kubectl top nodes still answers for the others', async () => {
    assert.match(await cluster.kubectl(['top', 'nodes']), new RegExp(`^${cluster.nodeName} +\\d+m `, 'm'));
  });
});

test('the log has a line per change of state, not per scrape', {
  skip: program.name !== 'kubegauge' && 'its log is its own',
}, (t) => {
  const lines = server().log().trimEnd().split('\n');
  for (const line of lines) t.diagnostic(line);
  assert.ok(lines.length <= 20, `${lines.length} lines`);
});
