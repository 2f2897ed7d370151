/** The server's own report as the page reads it: of kubegauge behind kube-apiserver, and of servers and users without one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusResource, statusResourcePath } from '../../src/api/statusresource.ts';
import { forbiddenStatus } from '../../src/auth/authorizer.ts';
import { createClusterView } from '../../src/view/clusterview.ts';
import { reportLimitBytes, type ServerReportView } from '../../src/view/serverreport.ts';
import { ViewError } from '../../src/view/viewerror.ts';
import { startAggregatedCluster } from '../fakes/aggregatedcluster.ts';
import { createFakeApiServer } from '../fakes/apiserver.ts';
import { until } from '../fakes/until.ts';
import { nodeNames } from '../fakes/wholecluster.ts';

test('kubegauge behind kube-apiserver reports how it scrapes each node', async () => {
  await using cluster = await startAggregatedCluster();
  await using view = createClusterView({ server: cluster.server });
  let report: ServerReportView | undefined;
  let pending = false;
  const read = async () => {
    const result = await view.serverReport().catch(() => undefined);
    report = result?.state === 'read' ? result.report : undefined;
    pending = false;
  };
  await until('all nodes are scraped', () => {
    if (!pending) {
      pending = true;
      void read();
    }
    return report?.ways.items[0]?.nodes === nodeNames.length && report.ways.items[0].state === 'scraped';
  });
  assert.deepEqual(report?.ways, {
    items: [{ state: 'scraped', source: 'cadvisor', verifiedBy: 'address', nodes: nodeNames.length }],
    total: 1,
  });
  assert.deepEqual([report.nodeCount, report.degraded.total, report.rules.total], [nodeNames.length, 0, 0]);
  assert.match(report.identity ?? '', /^kubelets get our own token: we do not run in a pod/);
  assert.deepEqual([report.resolution, report.source, report.pod], ['15s', 'kubelet', undefined]);
  assert.ok((report.startMs ?? 0) <= Date.now());
});

test('a user without a right is told which; another server has no report', async () => {
  await using apiServer = await createFakeApiServer();
  await using view = createClusterView({ server: apiServer.connection });
  const alice = { name: 'alice', uid: '', groups: [], extra: new Map<string, readonly string[]>() };
  const path = { kind: 'path', verb: 'get', path: '/status' } as const;
  const resource = {
    kind: 'resource',
    verb: 'list',
    ...statusResource,
    subresource: '',
    namespace: '',
    name: '',
  } as const;
  for (const [refused, lacks] of [
    [resource, 'list kubegauge_status.metrics.k8s.io'],
    [path, 'get the non-resource URL /status'],
  ] as const) {
    apiServer.documents.set(statusResourcePath, forbiddenStatus(alice, refused, '').toStatus());
    assert.deepEqual(await view.serverReport(), { state: 'forbidden', lacks });
  }
  apiServer.documents.delete(statusResourcePath);
  assert.deepEqual(await view.serverReport(), { state: 'absent' });
  for (const other of [{ kind: 'List', items: [] }, { version: 1 }, []]) {
    apiServer.documents.set(statusResourcePath, other);
    assert.deepEqual(await view.serverReport(), { state: 'absent' });
  }
});

test('a server that is unavailable, and a report beyond the limit, are errors', async () => {
  await using apiServer = await createFakeApiServer();
  await using view = createClusterView({ server: apiServer.connection });
  const failsWith = (words: RegExp) =>
    assert.rejects(view.serverReport(), (error) => error instanceof ViewError && words.test(error.message));
  apiServer.documents.set(statusResourcePath, { version: '1', pad: 'x'.repeat(reportLimitBytes) });
  await failsWith(
    /^cannot list kubegauge_status\.metrics\.k8s\.io: no usable answer: the answer is larger than 33554432 bytes$/,
  );
  apiServer.faults.answer = ({ path }) => (path === statusResourcePath ? 503 : undefined);
  await failsWith(/^cannot list kubegauge_status\.metrics\.k8s\.io: kube-apiserver answers 503/);
});
