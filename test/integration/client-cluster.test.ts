/** Nodes and pods as they are read from a real HTTPS server. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createRestClient, type RestClient } from '../../src/client/rest.ts';
import { systemClock as clock } from '../../src/clock.ts';
import { createNodes, type Nodes } from '../../src/cluster/nodes.ts';
import { createPods, type Pods } from '../../src/cluster/pods.ts';
import { silentLogger as log } from '../../src/logging.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { node, pod } from '../fakes/kubeobjects.ts';
import { until } from '../fakes/until.ts';

let fake: FakeApiServer;
let rest: RestClient;
let stop: AbortController;
let running: Promise<void>[];

beforeEach(async () => {
  fake = await createFakeApiServer();
  rest = createRestClient(fake.connection);
  stop = new AbortController();
  running = [];
});
afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  await rest[Symbol.asyncDispose]();
  await fake.close();
});

describe('nodes', () => {
  test('are read with all that scraping needs', async () => {
    const addresses = [{ type: 'InternalIP', address: 'fd00::7' }];
    const annotations = { 'metrics.k8s.io/resource-metrics-path': '/other' };
    fake.objects.set(node('a', { labels: { zone: 'x' }, annotations, addresses, kubeletPort: 10260 }));
    const nodes = await follow();
    assert.deepEqual(nodes.get('a'), {
      name: 'a',
      labels: new Map([
        ['kubernetes.io/hostname', 'a'],
        ['zone', 'x'],
      ]),
      addresses,
      kubeletPort: 10260,
      ready: true,
      resourceMetricsPath: '/other',
    });
  });

  test('may know nothing of themselves yet', async () => {
    fake.objects.set({ kind: 'Node', apiVersion: 'v1', metadata: { name: 'new' } });
    const nodes = await follow();
    const bare = { addresses: [], kubeletPort: undefined, ready: false, resourceMetricsPath: undefined };
    assert.deepEqual(nodes.get('new'), { name: 'new', labels: new Map(), ...bare });
  });

  test('are sorted by name, also after changes', async () => {
    for (const name of ['c', 'a', 'b']) fake.objects.set(node(name));
    const nodes = await follow();
    assert.deepEqual(namesOf(nodes.list()), ['a', 'b', 'c']);
    assert.equal(nodes.list(), nodes.list());
    fake.objects.delete('Node', 'b');
    fake.objects.set(node('aa'));
    await until('both changes are there', () => nodes.get('aa') !== undefined);
    assert.deepEqual(namesOf(nodes.list()), ['a', 'aa', 'c']);
  });

  test('that are not ready are told apart', async () => {
    fake.objects.set(node('a', { ready: false }));
    const nodes = await follow();
    assert.equal(nodes.get('a')?.ready, false);
    const heard: string[] = [];
    nodes.onChange(({ type, value }) => heard.push(`${type} ${value.name} ${value.ready}`));
    fake.objects.set(node('a'));
    await until('it is ready', () => nodes.get('a')?.ready === true);
    assert.deepEqual(heard, ['set a true']);
  });

  test('without the wanted labels do not exist, from the moment they lose them', async () => {
    fake.objects.set(node('a', { labels: { pool: 'x' } }));
    fake.objects.set(node('b', { labels: { pool: 'y' } }));
    const nodes = await follow('pool in (x)');
    assert.deepEqual(namesOf(nodes.list()), ['a']);
    fake.objects.set(node('a', { labels: { pool: 'y' } }));
    await until('a has left', () => nodes.list().length === 0);
  });

  test('may have names that mean something to JavaScript', async () => {
    fake.objects.set(node('constructor', { labels: { constructor: '1', toString: '2' } }));
    const nodes = await follow();
    assert.equal(nodes.get('constructor')?.labels.get('toString'), '2');
    assert.equal(nodes.get('toString'), undefined);
  });

  async function follow(selector = ''): Promise<Nodes> {
    const nodes = createNodes({ rest, clock, log, selector });
    running.push(nodes.run(stop.signal));
    await until('nodes are synced and watched', () => nodes.synced() && fake.watches.count() > 0);
    return nodes;
  }
});

describe('pods', () => {
  test('are read as metadata only', async () => {
    const annotations = { 'kubernetes.io/config.hash': '0123' };
    fake.objects.set(pod('kube-system', 'etcd-a', { uid: 'u-1', labels: { tier: 'control-plane' }, annotations }));
    const pods = await follow();
    assert.deepEqual(pods.get('kube-system', 'etcd-a'), {
      namespace: 'kube-system',
      name: 'etcd-a',
      uid: 'u-1',
      labels: new Map([['tier', 'control-plane']]),
      configHash: '0123',
    });
    const accepts = fake.requests.map(({ headers }) => headers.accept);
    assert.deepEqual(accepts, [
      'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
      'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
    ]);
  });

  test('exist for us only while they run', async () => {
    fake.objects.set(pod('x', 'waiting', { phase: 'Pending' }));
    fake.objects.set(pod('x', 'running'));
    const pods = await follow();
    assert.deepEqual(namesOf(pods.list()), ['running']);
    fake.objects.set(pod('x', 'waiting'));
    await until('waiting runs', () => pods.get('x', 'waiting') !== undefined);
    fake.objects.set(pod('x', 'running', { phase: 'Succeeded' }));
    await until('running has ended', () => pods.get('x', 'running') === undefined);
    assert.deepEqual(namesOf(pods.list()), ['waiting']);
  });

  test('are sorted by namespace and name, whole or by namespace, also after changes', async () => {
    for (const [namespace, name] of [
      ['b', '2'],
      ['a', '9'],
      ['b', '1'],
      ['a', '10'],
    ] as const)
      fake.objects.set(pod(namespace, name));
    const pods = await follow();
    assert.deepEqual(namesOf(pods.list()), ['10', '9', '1', '2']);
    assert.deepEqual(namesOf(pods.list('b')), ['1', '2']);
    assert.deepEqual(pods.list('constructor'), []);
    assert.equal(pods.list(), pods.list());
    const untouched = pods.list('a');
    fake.objects.delete('Pod', '1', 'b');
    fake.objects.set(pod('aa', '0'));
    await until('both changes are there', () => pods.get('aa', '0') !== undefined);
    assert.deepEqual(namesOf(pods.list()), ['10', '9', '0', '2']);
    assert.equal(pods.list('a'), untouched);
  });

  test('with the same name are told apart by namespace and by UID', async () => {
    fake.objects.set(pod('a', 'web-0', { uid: 'u-1' }));
    fake.objects.set(pod('b', 'web-0', { uid: 'u-2' }));
    const pods = await follow();
    assert.equal(pods.get('a', 'web-0')?.uid, 'u-1');
    assert.equal(pods.get('b', 'web-0')?.uid, 'u-2');
    fake.objects.delete('Pod', 'web-0', 'a');
    fake.objects.set(pod('a', 'web-0', { uid: 'u-3' }));
    await until('the new one is there', () => pods.get('a', 'web-0')?.uid === 'u-3');
  });

  async function follow(): Promise<Pods> {
    const pods = createPods({ rest, clock, log });
    running.push(pods.run(stop.signal));
    await until('pods are synced and watched', () => pods.synced() && fake.watches.count() > 0);
    return pods;
  }
});

function namesOf(objects: readonly { readonly name: string }[]): string[] {
  return objects.map(({ name }) => name);
}
