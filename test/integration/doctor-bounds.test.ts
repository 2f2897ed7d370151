/** The doctor in clusters that are larger than its limits: what is beyond them is `unchecked`, the rest is checked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podCheck } from '../../src/doctor/pods/podcheck.ts';
import { namespacesCheck } from '../../src/doctor/apiside/namespaces.ts';
import { nodeChecks } from '../../src/doctor/nodes/checks.ts';
import { examine } from '../../src/doctor/examination.ts';
import { parseCommandLine } from '../../src/options/parse.ts';
import { pod } from '../fakes/kubeobjects.ts';
import { createNodeWorld, type NodeWorld } from '../fakes/nodeworld.ts';

const { options } = parseCommandLine([]);
const usagesPath = '/apis/metrics.k8s.io/v1beta1/pods';
const inNamespace = (namespace: string) => `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`;
const tooLarge = `{"items":[],"more":"${'x'.repeat(17 * 1024 * 1024)}"}`;

function addPod({ apiServer }: NodeWorld, namespace: string, name: string): void {
  const startedAt = new Date(Date.now() - 3_600_000).toISOString();
  const status = { containerStatuses: [{ name: 'web', state: { running: { startedAt } } }] };
  apiServer.objects.set(pod(namespace, name, { nodeName: 'node-a', spec: { containers: [{ name: 'web' }] }, status }));
}

function serveUsages({ apiServer }: NodeWorld, namespace: string, names: readonly string[]): void {
  const timestamp = new Date().toISOString();
  const items = names.map((name) => ({ metadata: { namespace, name }, timestamp }));
  apiServer.documents.set(inNamespace(namespace), { items });
}

test('usages too large for one answer are read by namespace, and a namespace too large for one is named', async () => {
  await using world = await createNodeWorld();
  const { apiServer } = world;
  for (const namespace of ['a', 'b', 'vast']) addPod(world, namespace, 'web');
  serveUsages(world, 'kube-system', ['metrics-server-f6f4c8d5b-abcde']);
  serveUsages(world, 'a', ['web']);
  serveUsages(world, 'b', []);
  apiServer.documents.set(usagesPath, tooLarge);
  apiServer.documents.set(inNamespace('vast'), tooLarge);
  const { findings } = await examine([podCheck], { server: apiServer.connection, options, place: 'outside' });
  assert.deepEqual(
    findings.map(({ code, object }) => [code, object]),
    [
      ['pods-unreported', 'Pod b/web'],
      ['unchecked', usagesPath],
    ],
  );
  assert.match(findings[1]?.problem ?? '', /usages of 1 namespaces .*: vast$/);
});

test('what a run keeps is bounded: a list beyond is unchecked, and smaller ones are still read', async () => {
  await using world = await createNodeWorld();
  const { apiServer } = world;
  const name = 'x'.repeat(200);
  const items = Array.from({ length: 500 }, (_, index) => ({ metadata: { name: `${name}-${index}` } }));
  // Each page names a next one: kube-apiserver never ends the list.
  apiServer.documents.set('/api/v1/namespaces', { metadata: { continue: 'more' }, items });
  const { checks, findings } = await examine([...nodeChecks, namespacesCheck], {
    server: apiServer.connection,
    options,
    place: 'pod',
    keptLimit: 1024 * 1024,
  });
  const unchecked = findings.filter(({ severity }) => severity === 'unchecked');
  assert.ok(
    unchecked.some(({ object, problem }) => object === '/api/v1/namespaces' && problem.includes('1 MiB together')),
  );
  assert.equal(apiServer.requests.filter(({ path }) => path === '/api/v1/namespaces').length < 20, true);
  assert.notEqual(checks.find((check) => check.name === 'pods')?.result, 'unchecked');
});

test('volumes, environments and images, which no check reads, do not count', async () => {
  await using world = await createNodeWorld();
  const { apiServer } = world;
  const env = [{ name: 'LARGE', value: 'x'.repeat(100_000) }];
  const template = { spec: { containers: [{ name: 'web', image: 'web', env }], volumes: [env] } };
  const items = Array.from({ length: 20 }, (_, index) => ({ metadata: { name: `web-${index}` }, spec: { template } }));
  apiServer.documents.set('/api/v1/namespaces', { items });
  const { findings } = await examine([namespacesCheck], {
    server: apiServer.connection,
    options,
    place: 'pod',
    keptLimit: 1024 * 1024,
  });
  assert.deepEqual(findings, []);
});
