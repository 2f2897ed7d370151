/** Nodes and pods as they are read from a real HTTPS server. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { field } from '../../src/client/json.ts';
import { createRestClient, type RestClient } from '../../src/client/rest.ts';
import { systemClock as clock } from '../../src/clock.ts';
import { createNodes, type Nodes } from '../../src/cluster/nodes.ts';
import { createPods, type PodInfo, type Pods } from '../../src/cluster/pods.ts';
import { silentLogger as log } from '../../src/logging.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { node, pod } from '../fakes/kubeobjects.ts';
import { until } from '../fakes/until.ts';
import { createRandom } from '../standin/random.ts';

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

for (const form of ['protobuf', 'JSON'] as const) {
  describe(`nodes, as ${form}`, () => {
    beforeEach(() => {
      fake.faults.jsonOnly = form === 'JSON';
    });

    test('are read with all that scraping needs', async () => {
      const addresses = [{ type: 'InternalIP', address: 'fd00::7' }];
      const annotations = { 'metrics.k8s.io/resource-metrics-path': 'metrics/other' };
      fake.objects.set(
        node('a', {
          uid: 'uid of a',
          labels: { zone: 'x' },
          annotations,
          addresses,
          kubeletPort: 10260,
          cpu: '15900m',
        }),
      );
      const nodes = await follow();
      assert.deepEqual(nodes.get('a'), {
        name: 'a',
        uid: 'uid of a',
        labels: new Map([
          ['kubernetes.io/hostname', 'a'],
          ['zone', 'x'],
        ]),
        addresses,
        kubeletPort: 10260,
        ready: true,
        capacityCores: 15.9,
        capacityMemoryBytes: 64 * 2 ** 30,
        resourceMetricsPath: '/metrics/other',
      });
    });

    test('may know nothing of themselves yet', async () => {
      fake.objects.set({ kind: 'Node', apiVersion: 'v1', metadata: { name: 'new', uid: 'uid' } });
      const nodes = await follow();
      assert.deepEqual(nodes.get('new'), {
        name: 'new',
        uid: 'uid',
        labels: new Map(),
        addresses: [],
        kubeletPort: undefined,
        ready: false,
        capacityCores: undefined,
        capacityMemoryBytes: undefined,
        resourceMetricsPath: undefined,
      });
    });

    test('have their memory by any unit of a quantity; what is no quantity is unknown', async () => {
      const quantities = {
        '16374588Ki': 16_374_588 * 1024,
        '65536Mi': 64 * 2 ** 30,
        '3Ei': 3 * 2 ** 60,
        '12e9': 12e9,
        '16G': 16e9,
        '500k': 500_000,
        '17179869184': 2 ** 34,
        '0': 0,
        '1.5Gi': undefined,
        '-1Gi': undefined,
        '5ki': undefined,
        '': undefined,
      };
      for (const [index, memory] of Object.keys(quantities).entries()) fake.objects.set(node(`n-${index}`, { memory }));
      const nodes = await follow();
      const read = Object.keys(quantities).map((_, index) => nodes.get(`n-${index}`)?.capacityMemoryBytes);
      assert.deepEqual(read, Object.values(quantities));
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

    test('that are not ready are marked', async () => {
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

  describe(`pods, as ${form}`, () => {
    beforeEach(() => {
      fake.faults.jsonOnly = form === 'JSON';
    });

    test('are read with their node and the time of their creation', async () => {
      const annotations = { 'kubernetes.io/config.hash': '0123' };
      const options = { uid: 'u-1', labels: { tier: 'control-plane' }, annotations, nodeName: 'node-a' };
      fake.objects.set(pod('kube-system', 'etcd-a', { ...options, hostNetwork: true, createdMs: 1_795_000_123_999 }));
      const pods = await follow();
      assert.deepEqual(pods.get('kube-system', 'etcd-a'), {
        namespace: 'kube-system',
        name: 'etcd-a',
        uid: 'u-1',
        labels: new Map([['tier', 'control-plane']]),
        configHash: '0123',
        node: 'node-a',
        createdSeconds: 1_795_000_123,
        endedContainers: '',
        hostNetwork: true,
      });
      const accepts = fake.requests.map(({ headers }) => headers.accept);
      const wholePods = 'application/vnd.kubernetes.protobuf,application/json;q=0.9';
      assert.deepEqual(accepts, [wholePods, wholePods]);
    });

    test('say which of their containers have ended for good', async () => {
      const ended = (name: string, exitCode: number, ready = false) => ({
        name,
        ready,
        state: { terminated: { exitCode } },
      });
      const running = (name: string) => ({ name, ready: true, state: { running: {} } });
      const cases: Readonly<Record<string, { spec?: object; status?: object; expected: readonly string[] }>> = {
        usual: { expected: [] },
        'init container': {
          status: { initContainerStatuses: [ended('one', 0, true), ended('two', 0, true)] },
          expected: ['one', 'two'],
        },
        'sidecar that is started again': { status: { initContainerStatuses: [ended('one', 0)] }, expected: [] },
        'ephemeral containers': {
          status: { ephemeralContainerStatuses: [ended('one', 0), ended('two', 1), running('three')] },
          expected: ['one', 'two'],
        },
        'restartPolicy Always': { status: { containerStatuses: [ended('one', 0), running('two')] }, expected: [] },
        'restartPolicy Never': {
          spec: { restartPolicy: 'Never' },
          status: { containerStatuses: [ended('one', 0), ended('two', 1), running('three')] },
          expected: ['one', 'two'],
        },
        'restartPolicy OnFailure': {
          spec: { restartPolicy: 'OnFailure' },
          status: { containerStatuses: [ended('one', 0), ended('two', 1), running('three')] },
          expected: ['one'],
        },
        'restartPolicy of a container': {
          spec: { restartPolicy: 'Never', containers: [{ name: 'one' }, { name: 'two', restartPolicy: 'OnFailure' }] },
          status: { containerStatuses: [ended('one', 0), running('two')] },
          expected: [],
        },
      };
      for (const [name, { spec, status }] of Object.entries(cases))
        fake.objects.set(pod('x', name.replaceAll(' ', '-'), { uid: 'u-1', spec, status }));
      const pods = await follow();
      for (const [title, { expected }] of Object.entries(cases)) {
        const name = title.replaceAll(' ', '-');
        const names = ['one', 'two', 'three', ''].filter((each) =>
          pods.hasEnded({ namespace: 'x', name, uid: 'u-1' }, each),
        );
        assert.deepEqual(names, expected, title);
        assert.equal(pods.hasEnded({ namespace: 'x', name, uid: 'u-2' }, 'one'), undefined);
        assert.equal(pods.hasEnded({ namespace: 'x', name, uid: undefined }, 'one'), undefined);
      }
      assert.equal(pods.hasEnded({ namespace: 'x', name: 'none', uid: 'u-1' }, 'one'), undefined);
    });

    test('change when one of their containers ends for good, and only then', async () => {
      const status = (state: object) => ({ ephemeralContainerStatuses: [{ name: 'debugger', state }] });
      const options = { uid: 'u-1', nodeName: 'node-a' };
      fake.objects.set(pod('x', 'web-0', { ...options, status: status({ running: {} }) }));
      const pods = await follow();
      const before = pods.get('x', 'web-0');
      const identity = { namespace: 'x', name: 'web-0', uid: 'u-1' };
      assert.equal(pods.hasEnded(identity, 'debugger'), false);
      fake.objects.set(pod('x', 'web-0', { ...options, status: { ...status({ running: {} }), podIP: '192.0.2.1' } }));
      fake.objects.set(pod('x', 'web-1', options));
      await until('the change is seen', () => pods.get('x', 'web-1') !== undefined);
      assert.equal(pods.get('x', 'web-0'), before);
      fake.objects.set(pod('x', 'web-0', { ...options, status: status({ terminated: { exitCode: 0 } }) }));
      await until('the end is seen', () => pods.hasEnded(identity, 'debugger') === true);
    });

    test('are of no known node, and of no known time, where the API names none', async () => {
      fake.objects.set(pod('x', 'unbound', { nodeName: '' }));
      fake.objects.set(pod('x', 'silent'));
      const pods = await follow();
      for (const name of ['unbound', 'silent']) {
        assert.equal(pods.get('x', name)?.node, undefined);
        assert.equal(pods.get('x', name)?.createdSeconds, undefined);
      }
    });

    test('of one name are another pod where the next one is bound to another node', async () => {
      fake.objects.set(pod('x', 'web-0', { uid: 'u-1', nodeName: 'node-a' }));
      const pods = await follow();
      fake.objects.delete('Pod', 'web-0', 'x');
      fake.objects.set(pod('x', 'web-0', { uid: 'u-2', nodeName: 'node-b' }));
      await until('the new one is there', () => pods.get('x', 'web-0')?.uid === 'u-2');
      assert.equal(pods.get('x', 'web-0')?.node, 'node-b');
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

    test('with the same name are distinguished by namespace and UID', async () => {
      fake.objects.set(pod('a', 'web-0', { uid: 'u-1' }));
      fake.objects.set(pod('b', 'web-0', { uid: 'u-2' }));
      const pods = await follow();
      assert.equal(pods.get('a', 'web-0')?.uid, 'u-1');
      assert.equal(pods.get('b', 'web-0')?.uid, 'u-2');
      fake.objects.delete('Pod', 'web-0', 'a');
      fake.objects.set(pod('a', 'web-0', { uid: 'u-3' }));
      await until('the new one is there', () => pods.get('a', 'web-0')?.uid === 'u-3');
    });

    test('report to listeners the nodes on which they come, go and change', async () => {
      fake.objects.set(pod('x', 'web-0', { uid: 'u-1', nodeName: 'node-a' }));
      const pods = await follow();
      const nodes: string[] = [];
      pods.onNodeChange((name) => nodes.push(name));
      fake.objects.set(pod('x', 'web-1', { nodeName: 'node-b' }));
      await until('it is there', () => nodes.length === 1);
      // The watch is over when the pod is deleted and made again elsewhere, so that only a list has it.
      await fake.faults.down();
      fake.objects.delete('Pod', 'web-0', 'x');
      fake.objects.set(pod('x', 'web-0', { uid: 'u-2', nodeName: 'node-c' }));
      fake.objects.delete('Pod', 'web-1', 'x');
      fake.faults.expire();
      await fake.faults.up();
      await until('both changes are there', () => pods.get('x', 'web-1') === undefined);
      assert.deepEqual(nodes.toSorted(), ['node-a', 'node-b', 'node-b', 'node-c']);
    });

    test('share their labels where those are equal', async () => {
      for (const name of ['1', '2', '3']) fake.objects.set(pod('x', name, { labels: { app: 'web', tier: 'front' } }));
      const pods = await follow();
      const shared = pods.get('x', '1')?.labels;
      assert.deepEqual(
        shared,
        new Map([
          ['app', 'web'],
          ['tier', 'front'],
        ]),
      );
      assert.equal(pods.get('x', '2')?.labels, shared);
      fake.objects.set(pod('x', '2', { labels: { app: 'web', tier: 'back' } }));
      fake.objects.set(pod('y', '1', { labels: { app: 'web', tier: 'front' } }));
      await until('both changes are there', () => pods.get('y', '1') !== undefined);
      assert.equal(pods.get('x', '2')?.labels.get('tier'), 'back');
      assert.equal(pods.get('x', '3')?.labels, shared);
      assert.equal(pods.get('y', '1')?.labels, shared);
    });

    test('are the same objects, and so are their lists, when only what we do not read has changed', async () => {
      const web = pod('x', 'web', { uid: 'u-1', labels: { app: 'web' } });
      fake.objects.set(web);
      const pods = await follow();
      const before = pods.get('x', 'web');
      const list = pods.list();
      fake.objects.set({ ...web, metadata: { ...web.metadata, annotations: { 'example.com/other': '1' } } });
      fake.objects.set(pod('y', 'last'));
      await until('the second change is there', () => pods.get('y', 'last') !== undefined);
      assert.equal(pods.get('x', 'web'), before);
      assert.equal(pods.list('x')[0], list[0]);
      fake.objects.set({ ...web, metadata: { ...web.metadata, labels: { app: 'other' } } });
      await until('the labels have changed', () => pods.get('x', 'web') !== before);
      assert.equal(pods.list('x')[0]?.labels.get('app'), 'other');
    });

    test('are those that the server has, whatever happens to them and to the watch', async () => {
      const pods = await follow({ ...clock, sleep: async () => turn() });
      const random = createRandom(1, form);
      const pick = (count: number) => Math.floor(random.next() * count);
      for (let round = 1; round <= 6; round += 1) {
        for (let step = 0; step < 60; step += 1) {
          const [namespace, name] = [`ns-${pick(4)}`, `pod-${pick(20)}`];
          const labels = { app: `app-${pick(3)}`, ...(pick(4) === 0 ? { own: name } : {}) };
          const phase = pick(5) === 0 ? 'Failed' : 'Running';
          if (pick(3) === 0) fake.objects.delete('Pod', name, namespace);
          else fake.objects.set(pod(namespace, name, { uid: `u-${pick(3)}`, labels, phase }));
          if (pick(25) === 0) fake.watches.cut();
          if (pick(40) === 0) fake.faults.expire();
          // So that lists are asked for amid the changes, too.
          if (pick(4) === 0) await turn();
          if (pick(3) === 0) assertSorted(pods.list(pick(2) === 0 ? namespace : undefined));
        }
        fake.objects.set(pod('last', `round-${round}`));
        await until('the last change is there', () => pods.get('last', `round-${round}`) !== undefined);
        const held = fake.objects.list('Pod').filter(({ status }) => field(status, 'phase') === 'Running');
        assert.deepEqual(
          pods.list().map(({ namespace, name, uid, labels }) => [namespace, name, uid, Object.fromEntries(labels)]),
          held.map(({ metadata }) => [metadata.namespace, metadata.name, metadata.uid, metadata.labels]),
        );
        for (const namespace of ['ns-0', 'ns-3'])
          assert.deepEqual(
            pods.list(namespace),
            pods.list().filter((each) => each.namespace === namespace),
          );
        assert.deepEqual(new Set(pods.values()), new Set(pods.list()));
      }
    });

    async function follow(time = clock): Promise<Pods> {
      const pods = createPods({ rest, clock: time, log });
      running.push(pods.run(stop.signal));
      await until('pods are synced and watched', () => pods.synced() && fake.watches.count() > 0);
      return pods;
    }
  });
}

function assertSorted(list: readonly PodInfo[]): void {
  const keys = list.map(({ namespace, name }) => [namespace, name]);
  const sorted = keys.toSorted(([a = '', b = ''], [c = '', d = '']) => (a === c ? (b < d ? -1 : 1) : a < c ? -1 : 1));
  assert.deepEqual(keys, sorted);
}

function namesOf(objects: readonly { readonly name: string }[]): string[] {
  return objects.map(({ name }) => name);
}
