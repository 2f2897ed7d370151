/** Discovery and the names of described objects, against the fake kube-apiserver. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { parseLabelSelector } from '../../src/apimachinery/labels.ts';
import { StatusError } from '../../src/apimachinery/status.ts';
import { createRestClient, type RestClient } from '../../src/client/rest.ts';
import { systemClock } from '../../src/clock.ts';
import { createDescribedObjects, idleWatchMs, type WatchedObjects } from '../../src/cluster/describedobjects.ts';
import { createResourceMapper, type ResourceMapper, refreshMs } from '../../src/cluster/resourcemapper.ts';
import { silentLogger } from '../../src/logging.ts';
import type { DescribedResource } from '../../src/metricsource/described.ts';
import { waitFor } from '../cluster/wait.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { createFakeClock, type FakeClock } from '../fakes/clock.ts';
import { aggregatedDiscovery, builtIn, legacyDiscovery } from '../fakes/discovery.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';
import { until } from '../fakes/until.ts';

const forever = new AbortController().signal;
const everything = parseLabelSelector('');

suite('described resources', () => {
  let fake: FakeApiServer;
  let rest: RestClient;
  let clock: FakeClock;
  let stop: AbortController;
  let running: Promise<unknown>;

  beforeEach(async () => {
    fake = await createFakeApiServer();
    rest = createRestClient(fake.connection);
    clock = createFakeClock();
    stop = new AbortController();
    running = Promise.resolve();
  });
  afterEach(async () => {
    stop.abort(new Error('the test ends'));
    await running;
    await rest[Symbol.asyncDispose]();
    await fake.close();
  });

  const document = (documents: ReadonlyMap<string, object>) => {
    for (const [path, each] of documents) fake.documents.set(path, each);
  };

  async function startMapper(): Promise<ResourceMapper> {
    const mapper = createResourceMapper({ rest, clock, log: silentLogger });
    running = mapper.run(stop.signal);
    await until('discovery is read', () => mapper.synced());
    return mapper;
  }

  for (const [kind, documents] of [
    ['aggregated discovery', aggregatedDiscovery()],
    ['legacy lists', legacyDiscovery()],
  ] as const) {
    test(`${kind}: resources are found by plural, singular and group, not by short name or version`, async () => {
      document(documents);
      const mapper = await startMapper();
      const deployments = { group: 'apps', version: 'v1', resource: 'deployments', singular: 'deployment' };
      for (const name of ['deployments', 'deployment', 'deployments.apps', 'deployment.apps']) {
        assert.deepEqual(mapper.resourceFor(name), { ...deployments, kind: 'Deployment', namespaced: true }, name);
      }
      assert.equal(mapper.resourceFor('nodes')?.namespaced, false);
      assert.equal(mapper.resourceFor('events')?.group, '', 'the core group comes first');
      assert.equal(mapper.resourceFor('events.events.k8s.io')?.group, 'events.k8s.io');
      assert.equal(mapper.resourceFor('deployments.extensions')?.version, 'v1beta1');
      for (const name of ['no', 'deploy', 'deployments.v1.apps', 'pods/status', 'status', '', 'constructor']) {
        assert.equal(mapper.resourceFor(name), undefined, name);
      }
    });
  }

  test('a CRD defined later is found without a restart', async () => {
    document(aggregatedDiscovery());
    const mapper = await startMapper();
    let changes = 0;
    mapper.onChange(() => (changes += 1));
    const gadgets = { group: 'example.com', version: 'v1', resource: 'gadgets', singular: 'gadget', kind: 'Gadget' };
    document(aggregatedDiscovery([...builtIn, { ...gadgets, namespaced: false }]));
    await clock.advance(refreshMs);
    await until('it is found', () => mapper.quiet.resourceFor('gadget') !== undefined);
    assert.equal(mapper.resourceFor('gadgets.example.com')?.namespaced, false);
    assert.equal(changes, 1);
  });

  test('an unknown resource brings the next read forward, but not more than one in ten seconds', async () => {
    document(aggregatedDiscovery());
    const mapper = await startMapper();
    const reads = () => fake.requests.filter(({ path }) => path === '/apis').length;
    const before = reads();
    mapper.resourceFor('gadgets');
    await clock.advance(9_000);
    assert.equal(reads(), before);
    await clock.advance(1_000);
    mapper.quiet.resourceFor('gadgets');
    mapper.resourceFor('gadgets');
    mapper.resourceFor('gadgets');
    await until('discovery is read again', () => reads() === before + 1);
  });

  test('the resources stay while kube-apiserver is away, and one aggregated server away does not matter', async () => {
    document(legacyDiscovery());
    fake.documents.set('/apis/batch/v1', { kind: 'Status', code: 503, message: 'away' });
    const mapper = await startMapper();
    assert.equal(mapper.resourceFor('jobs'), undefined);
    assert.equal(mapper.resourceFor('deployments')?.group, 'apps');
    fake.faults.answer = () => 'hang up';
    await clock.advance(refreshMs);
    assert.equal(mapper.resourceFor('deployments')?.group, 'apps');
  });

  function deployment(name: string, namespace: string, labels: Readonly<Record<string, string>> = {}): void {
    fake.objects.set({ kind: 'Deployment', apiVersion: 'apps/v1', metadata: { name, namespace, labels } });
  }

  const resource = (name: string): DescribedResource => {
    const found = builtIn.find((each) => each.resource === name);
    assert.ok(found);
    return found;
  };

  function startObjects(own: Partial<Parameters<typeof createDescribedObjects>[0]> = {}): WatchedObjects {
    const pod = (name: string, app: string) => ({ name, labels: new Map([['app', app]]) });
    const pods = {
      synced: () => true,
      list: (namespace?: string) => (namespace === 'shop' ? [pod('web-0', 'web'), pod('db-0', 'db')] : []) as never,
    };
    const nodes = { synced: () => true, list: () => [pod('node-a', 'x')] as never };
    const objects = createDescribedObjects({ rest, clock: systemClock, log: silentLogger, pods, nodes, ...own });
    running = objects.run(stop.signal);
    return objects;
  }

  test('pods and nodes are matched from memory', async () => {
    const objects = startObjects();
    assert.deepEqual(await objects.names(resource('pods'), 'shop', parseLabelSelector('app=web'), forever), ['web-0']);
    assert.deepEqual(await objects.names(resource('pods'), 'bank', everything, forever), []);
    assert.deepEqual(await objects.names(resource('nodes'), '', everything, forever), ['node-a']);
    assert.deepEqual(fake.requests, []);
  });

  test('objects whose labels are too large together are not kept, and the cause says so', async () => {
    const { log, lines } = createRecordingLog();
    const label = 'x'.repeat(60);
    // 1,000 bytes in ten labels, with what each takes beside its text.
    const labels = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`l${index}`, label.slice(2)]));
    for (const name of ['a', 'b', 'c']) deployment(name, 'shop', labels);
    const objects = startObjects({ log, labelBytesLimit: 3_000 });
    const ask = () => objects.names(resource('deployments'), 'shop', everything, forever);
    const untilListed = (...names: readonly string[]) => {
      let listed: readonly string[] = [];
      return until(`${names.join()} are listed`, () => {
        void ask().then((found) => (listed = found));
        return listed.join() === names.join();
      });
    };
    await untilListed('a', 'b', 'c');
    // A change counts once, and an object that goes makes room.
    deployment('a', 'shop', { ...labels, l0: label.slice(3) });
    fake.objects.delete('Deployment', 'c', 'shop');
    await untilListed('a', 'b');
    deployment('d', 'shop', labels);
    await untilListed('a', 'b', 'd');
    assert.deepEqual(
      lines.filter((line) => line.startsWith('warn')),
      [],
    );
    deployment('e', 'shop', { l0: '' });
    await until('it is logged', () => lines.includes('warn: too many objects of a resource to match them by labels'));
    await assert.rejects(ask(), (error: StatusError) =>
      /their labels have more than 3000 bytes/.test(JSON.stringify(error.details?.causes)),
    );
  });

  test('other objects are listed once, as metadata, and followed', async () => {
    deployment('web', 'shop', { app: 'web' });
    deployment('db', 'shop', { app: 'db' });
    deployment('web', 'bank', { app: 'web' });
    const objects = startObjects();
    const web = parseLabelSelector('app=web');
    const ask = () => objects.names(resource('deployments'), 'shop', web, forever);
    assert.deepEqual(await Promise.all([ask(), ask()]), [['web'], ['web']]);
    assert.deepEqual(await objects.names(resource('deployments'), 'shop', everything, forever), ['db', 'web']);
    await until('it is watched', () => fake.requests.some(({ query }) => query.get('watch') === 'true'));
    deployment('web-2', 'shop', { app: 'web' });
    await waitFor('the new one', async () => (await ask()).length === 2, 60_000, 5);
    assert.equal(fake.requests.filter(({ query }) => query.get('watch') === null).length, 1);
    for (const { headers } of fake.requests) assert.match(headers.accept ?? '', /as=PartialObjectMetadata/);
  });

  test('cluster-scoped objects are found without a namespace', async () => {
    fake.objects.set({ kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'shop', labels: { team: 'a' } } });
    const objects = startObjects();
    const selector = parseLabelSelector('team=a');
    assert.deepEqual(await objects.names(resource('namespaces'), '', selector, forever), ['shop']);
  });

  test('objects that our account may not list are an error with the right to grant', async () => {
    fake.faults.answer = () => 403;
    const objects = startObjects();
    await assert.rejects(objects.names(resource('deployments'), 'shop', everything, forever), (error) => {
      assert.ok(error instanceof StatusError);
      assert.equal(error.message, 'Internal error occurred: unable to list matching resources');
      assert.equal(error.code, 500);
      assert.match(error.details?.causes?.[1]?.message ?? '', /may not list deployments.apps; grant it list and watch/);
      return true;
    });
    fake.faults.answer = undefined;
    deployment('web', 'shop');
    await until('the right is used', () => fake.requests.some(({ query }) => query.get('watch') === 'true'));
    assert.deepEqual(await objects.names(resource('deployments'), 'shop', everything, forever), ['web']);
  });

  test('a request does not wait for a list longer than its caller', async () => {
    fake.faults.delayMs = 60_000;
    const objects = startObjects();
    const caller = new AbortController();
    const asked = objects.names(resource('deployments'), 'shop', everything, caller.signal);
    caller.abort(new Error('the client left'));
    await assert.rejects(asked, /unable to list matching resources/);
  });

  test('a watch that was unused for an hour ends', async () => {
    let nowMs = 0;
    const objects = startObjects({ clock: { ...systemClock, monotonicMs: () => nowMs } });
    await objects.names(resource('deployments'), 'shop', everything, forever);
    nowMs += idleWatchMs;
    await objects.names(resource('services'), 'shop', everything, forever);
    assert.deepEqual(objects.watched(), ['/api/v1/services']);
  });
});
