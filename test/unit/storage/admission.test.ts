import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { unknownPodLimit } from '../../../src/storage/admission.ts';
import { startMarginMs, youngPodMs } from '../../../src/storage/placement.ts';
import {
  createAdmittedStorage,
  createdSeconds,
  knownAs,
  type PodOptions,
  reported,
  stalenessMs,
} from './admittedstorage.ts';

const createdMs = createdSeconds * 1000;

/** The ways in which a kubelet can report the pod web-0. */
const ways: readonly (readonly [string, PodOptions, 'cadvisor' | 'resource'])[] = [
  ['cAdvisor with its UID', {}, 'cadvisor'],
  ['cAdvisor without a UID', { uid: undefined }, 'cadvisor'],
  ['/metrics/resource', { uid: undefined }, 'resource'],
];

for (const [way, as, source] of ways) {
  describe(`a pod of node-a that node-b reports by ${way}`, () => {
    /** node-b reports a later sample with more CPU. */
    const attack = ({ scrape }: Pick<ReturnType<typeof createAdmittedStorage>, 'scrape'>, at: number) =>
      scrape('node-b', [reported(at + 5, { ...as, cores: 639 })], { source });

    test('is served as node-a reports it, and the conflict is counted', () => {
      const world = createAdmittedStorage();
      world.api.set('shop/web-0', knownAs());
      for (const at of [100, 115, 130]) {
        world.scrape('node-a', [reported(at, as)], { source });
        attack(world, at);
      }
      assert.equal(world.cores(), 0.25);
      assert.deepEqual(world.foreign, Array<string>(3).fill('node-b 1 shop/web-0'));
      assert.deepEqual(world.admission.counts('node-b'), { unverified: 0, foreign: 1 });
      assert.deepEqual(world.admission.counts('node-a'), { unverified: 0, foreign: 0 });
      assert.equal(world.storage.counts().containers, 1);
    });

    test('is not served while node-a is down, and its last value only until it is stale', async () => {
      const world = createAdmittedStorage();
      world.api.set('shop/web-0', knownAs());
      for (const at of [100, 115]) world.scrape('node-a', [reported(at, as)], { source });
      for (const at of [130, 145]) attack(world, at);
      assert.equal(world.cores(), 0.25);
      await world.clock.advance(stalenessMs + 1);
      for (const at of [160, 175]) attack(world, at);
      assert.equal(world.cores(), 'stale');
    });

    test('is not served where node-b was first', () => {
      const world = createAdmittedStorage();
      world.api.set('shop/web-0', knownAs());
      for (const at of [100, 115]) attack(world, at);
      assert.equal(world.cores(), 'never-scraped');
      for (const at of [100, 115]) world.scrape('node-a', [reported(at, as)], { source });
      assert.equal(world.cores(), 0.25);
    });

    test('is not served where node-b was first and the API could not be asked yet', () => {
      const world = createAdmittedStorage();
      for (const at of [100, 115]) attack(world, at);
      assert.deepEqual(world.admission.counts('node-b'), { unverified: 1, foreign: 0 });
      world.api.set('shop/web-0', knownAs());
      assert.equal(world.cores(), 'never-scraped');
      attack(world, 130);
      assert.equal(world.cores(), 'never-scraped');
      assert.deepEqual(world.admission.counts('node-b'), { unverified: 0, foreign: 1 });
      for (const at of [130, 145]) world.scrape('node-a', [reported(at, as)], { source });
      assert.equal(world.cores(), 0.25);
    });

    test('is not served after a restart with a snapshot', () => {
      const before = createAdmittedStorage();
      before.api.set('shop/web-0', knownAs());
      for (const at of [100, 115]) before.scrape('node-a', [reported(at, as)], { source });
      const world = createAdmittedStorage();
      world.restore(before.snapshot());
      for (const at of [130, 145]) attack(world, at);
      world.api.set('shop/web-0', knownAs());
      assert.equal(world.cores(), 0.25);
      attack(world, 160);
      world.scrape('node-a', [reported(130, as)], { source });
      assert.equal(world.cores(), 0.25);
      assert.equal(world.usage().kind === 'ready', true);
    });

    test('is served once the API places it there, as a pod of a StatefulSet that was deleted and created again', () => {
      const world = createAdmittedStorage();
      const { uid } = as.uid === undefined && 'uid' in as ? { uid: undefined } : { uid: 'uid-2' };
      world.api.set('shop/web-0', knownAs());
      for (const at of [100, 115]) world.scrape('node-a', [reported(at, as)], { source });
      world.api.set('shop/web-0', knownAs({ uid: 'uid-2', node: 'node-b', createdSeconds: createdSeconds + 120 }));
      assert.notEqual(world.usage().kind, 'ready');
      // node-a goes on reporting the old one under the same name.
      const startTimeMs = createdMs + 125_000;
      for (const at of [130, 145]) {
        world.scrape('node-b', [reported(at, { ...as, uid, cores: 0.5, id: 'start:2', startTimeMs })], { source });
        world.scrape('node-a', [reported(at + 5, as)], { source });
      }
      assert.equal(world.cores(), 0.5);
    });
  });
}

describe('a pod that the API does not place', () => {
  test('is served where one node reports it, and is marked unverified', () => {
    const world = createAdmittedStorage();
    world.api.set('shop/web-0', knownAs({ node: undefined }));
    for (const at of [100, 115]) world.scrape('node-a', [reported(at)]);
    assert.equal(world.cores(), 0.25);
    assert.deepEqual(world.admission.counts('node-a'), { unverified: 1, foreign: 0 });
  });

  for (const [way, as, source] of ways) {
    test(`is in conflict where two nodes report it, whichever was first; by ${way}`, () => {
      const world = createAdmittedStorage();
      world.api.set('shop/web-0', knownAs({ node: undefined }));
      for (const at of [100, 115]) {
        world.scrape('node-b', [reported(at, { ...as, cores: 639 })], { source });
        world.scrape('node-a', [reported(at)]);
      }
      assert.equal(world.cores(), 'conflict');
      // From the scrape on that follows the first one of both.
      assert.deepEqual(world.conflicts, ['node-b 1 shop/web-0', 'node-a 1 shop/web-0']);
    });
  }

  test('is served as the node that had it reports it, until that is stale', async () => {
    const before = createAdmittedStorage();
    before.api.set('shop/web-0', knownAs());
    for (const at of [100, 115]) before.scrape('node-a', [reported(at)]);
    const world = createAdmittedStorage();
    world.restore(before.snapshot());
    world.api.set('shop/web-0', knownAs({ node: undefined }));
    for (const at of [130, 145]) world.scrape('node-b', [reported(at, { uid: undefined, cores: 639 })]);
    assert.equal(world.cores(), 0.25);
    // The UID is that of a pod of node-a, which is known.
    world.scrape('node-b', [reported(160, { cores: 639 })]);
    assert.deepEqual(world.foreign, ['node-b 1 shop/web-0']);
    for (const at of [175, 190]) world.scrape('node-b', [reported(at, { uid: undefined, cores: 639 })]);
    await world.clock.advance(stalenessMs + 1);
    assert.equal(world.cores(), 'conflict');
  });

  test('is in conflict also where only a node that was never named reports it after a restart', () => {
    const before = createAdmittedStorage();
    before.api.set('shop/web-0', knownAs({ node: undefined }));
    for (const at of [100, 115]) before.scrape('node-b', [reported(at, { cores: 639 })]);
    const world = createAdmittedStorage();
    world.restore(before.snapshot());
    world.api.set('shop/web-0', knownAs({ node: undefined }));
    for (const at of [130, 145]) world.scrape('node-a', [reported(at)]);
    assert.equal(world.cores(), 'conflict');
  });

  test('is placed when the API names its node', () => {
    const world = createAdmittedStorage();
    world.api.set('shop/web-0', knownAs({ node: undefined }));
    for (const at of [100, 115]) world.scrape('node-a', [reported(at)]);
    world.api.set('shop/web-0', knownAs());
    assert.equal(world.cores(), 0.25);
    world.scrape('node-a', [reported(130)]);
    assert.deepEqual(world.admission.counts('node-a'), { unverified: 0, foreign: 0 });
    assert.equal(world.cores(), 0.25);
  });
});

describe('pods that are reported without UIDs', () => {
  test('get none of pods that the API does not know', () => {
    const world = createAdmittedStorage();
    const { layout } = world.admit('node-a', [reported(100, { uid: undefined })]);
    assert.equal(layout.pods[0]?.uid, undefined);
    world.api.set('shop/web-0', knownAs({ node: undefined }));
    assert.equal(world.admit('node-a', [reported(100, { uid: undefined })]).layout.pods[0]?.uid, undefined);
    world.api.set('shop/web-0', knownAs());
    assert.equal(world.admit('node-a', [reported(100, { uid: undefined })]).layout.pods[0]?.uid, 'uid-1');
  });

  test('are served by name only if they had their UID: what was stored before a pod was created does not belong to it', () => {
    const world = createAdmittedStorage();
    for (const at of [100, 115]) world.scrape('node-a', [reported(at, { uid: undefined })], { source: 'resource' });
    world.api.set('shop/web-0', knownAs({ createdSeconds: createdSeconds + 120 }));
    assert.equal(world.cores(), 'never-scraped');
  });

  for (const aheadMs of [0, 3_600_000, -3_600_000]) {
    describe(`on a node whose clock is ${aheadMs / 1000} s ahead`, () => {
      const startedAfterMs = (ms: number): PodOptions => ({
        uid: undefined,
        id: `start:${ms}`,
        startTimeMs: createdMs + ms + aheadMs,
      });

      test('are not the pod that was made after their container started', () => {
        const world = createAdmittedStorage();
        world.api.set('shop/web-0', knownAs());
        for (const at of [100, 115])
          world.scrape('node-a', [reported(at, startedAfterMs(-startMarginMs - 1))], { source: 'resource', aheadMs });
        assert.equal(world.cores(), 'never-scraped');
        assert.deepEqual(world.foreign, []);
      });

      test('are the pod where the clocks explain the difference', () => {
        const world = createAdmittedStorage();
        world.api.set('shop/web-0', knownAs());
        for (const at of [100, 115])
          world.scrape('node-a', [reported(at, startedAfterMs(-startMarginMs))], { source: 'resource', aheadMs });
        assert.equal(world.cores(), 0.25);
      });
    });
  }

  for (const fastPath of [true, false]) {
    test(`are served once the clock of their node is corrected, also by ${fastPath ? 'the fast' : 'the slow'} path`, () => {
      const world = createAdmittedStorage({ fastPath });
      world.api.set('shop/web-0', knownAs());
      const pod = { uid: undefined, id: 'start:1', startTimeMs: createdMs + 1_000 };
      // The container started before the clock was set forward by mistake.
      for (const at of [100, 115])
        world.scrape('node-a', [reported(at, pod)], { source: 'resource', aheadMs: 3_600_000 });
      assert.equal(world.cores(), 'never-scraped');
      for (const at of [130, 145]) world.scrape('node-a', [reported(at, pod)], { source: 'resource', aheadMs: 0 });
      assert.equal(world.cores(), 0.25);
    });
  }

  for (const fastPath of [true, false]) {
    test(`are served ten minutes after the pod was created, though their container started while the clock was far behind, also by ${fastPath ? 'the fast' : 'the slow'} path`, () => {
      const world = createAdmittedStorage({ fastPath });
      world.api.set('shop/web-0', knownAs());
      const pod = { uid: undefined, id: 'start:1', startTimeMs: createdMs - 86_400_000 };
      const options = { source: 'resource', aheadMs: 3_600_000 } as const;
      const youngSeconds = youngPodMs / 1000;
      for (const at of [youngSeconds - 16, youngSeconds - 1]) world.scrape('node-a', [reported(at, pod)], options);
      assert.equal(world.cores(), 'never-scraped');
      for (const at of [youngSeconds, youngSeconds + 15]) world.scrape('node-a', [reported(at, pod)], options);
      assert.equal(world.cores(), 0.25);
    });
  }

  test('are another pod if one was created again under their name, though nothing else has changed', () => {
    const world = createAdmittedStorage();
    const uidOf = () => world.admit('node-a', [reported(100, { uid: undefined })]).layout.pods[0]?.uid;
    world.api.set('shop/web-0', knownAs());
    assert.equal(uidOf(), 'uid-1');
    world.api.set('shop/web-0', knownAs({ uid: 'uid-2' }));
    assert.equal(uidOf(), 'uid-2');
    world.api.delete('shop/web-0');
    assert.equal(uidOf(), undefined);
  });

  test('are wholly another pod where one container is too old', () => {
    const world = createAdmittedStorage();
    world.api.set('shop/web-0', knownAs());
    const [app] = reported(100, { startTimeMs: createdMs }).containers;
    const [old] = reported(100, { startTimeMs: createdMs - 3_600_000 }).containers;
    const pod = { ...reported(100, { uid: undefined }), containers: [app!, { ...old!, name: 'proxy' }] };
    assert.deepEqual(world.admit('node-a', [pod]).layout.pods, []);
  });

  test('stay the pod that they were when the clock of their node is corrected', () => {
    const world = createAdmittedStorage();
    world.api.set('shop/web-0', knownAs());
    const startTimeMs = createdMs - 3_590_000;
    const options = { source: 'resource', aheadMs: -3_600_000 } as const;
    for (const at of [100, 115]) world.scrape('node-a', [reported(at, { uid: undefined, startTimeMs })], options);
    const other = reported(130, { name: 'web-1', uid: undefined });
    const corrected = { source: 'resource', aheadMs: 0 } as const;
    for (const at of [130, 145])
      world.scrape('node-a', [reported(at, { uid: undefined, startTimeMs }), other], corrected);
    const answer = world.usage();
    assert.equal(answer.kind === 'ready' && answer.value.timestampMs, createdMs + 145_000);
    // Also after a restart.
    const next = createAdmittedStorage();
    next.restore(world.snapshot());
    next.api.set('shop/web-0', knownAs());
    next.scrape('node-a', [reported(160, { uid: undefined, startTimeMs })], corrected);
    const later = next.usage();
    assert.equal(later.kind === 'ready' && later.value.timestampMs, createdMs + 160_000);
  });
});

describe('a static pod', () => {
  const hash = '0123456789abcdef0123456789abcdef';
  const mirror = knownAs({ uid: 'mirror-uid', configHash: hash });

  for (const [way, uid, source] of [
    ['its config hash', hash, 'cadvisor'],
    ["its mirror pod's UID", 'mirror-uid', 'cadvisor'],
    ['its name', undefined, 'resource'],
  ] as const) {
    test(`that its node reports by ${way} is served, older than its mirror pod as it is`, () => {
      const world = createAdmittedStorage();
      world.api.set('shop/etcd', mirror);
      const startTimeMs = createdMs - 86_400_000;
      for (const at of [100, 115])
        world.scrape('node-a', [reported(at, { name: 'etcd', uid, startTimeMs })], { source });
      assert.equal(world.cores('etcd'), 0.25);
      assert.deepEqual(world.admission.counts('node-a'), { unverified: 0, foreign: 0 });
    });

    test(`that another node reports by ${way} is not`, () => {
      const world = createAdmittedStorage();
      world.api.set('shop/etcd', mirror);
      for (const at of [100, 115])
        world.scrape('node-b', [reported(at, { name: 'etcd', uid, cores: 639 })], { source });
      assert.equal(world.cores('etcd'), 'never-scraped');
      assert.equal(world.foreign.length, 2);
    });
  }

  test('is the same pod whichever endpoint reports it', () => {
    const world = createAdmittedStorage();
    world.api.set('shop/etcd', mirror);
    world.scrape('node-a', [reported(100, { name: 'etcd', uid: hash })]);
    world.scrape('node-a', [reported(115, { name: 'etcd', uid: undefined })], { source: 'resource' });
    assert.equal(world.cores('etcd'), 0.25);
    assert.equal(world.storage.counts().containers, 1);
  });
});

describe('admission', () => {
  test('keeps the layout as long as nothing comes or goes, and the API says the same of where its pods are', () => {
    for (const uid of ['uid-1', undefined]) {
      const world = createAdmittedStorage();
      const pods = (at: number) => [reported(at, { uid }), reported(at, { name: 'web-1', uid: 'uid-9' })];
      const unknown = world.admit('node-a', pods(100)).layout;
      assert.equal(world.admit('node-a', pods(115)).layout, unknown);
      world.api.set('shop/web-0', knownAs());
      const placed = world.admit('node-a', pods(130)).layout;
      assert.notEqual(placed, unknown);
      // As where a label of the pod has changed.
      world.api.set('shop/web-0', knownAs());
      assert.equal(world.admit('node-a', pods(145)).layout, placed);
    }
  });

  test('decides by the fast path as by the slow path, whatever the API and the kubelets report', () => {
    const nodes = ['node-a', 'node-b'] as const;
    const name = fc.constantFrom('web-0', 'web-1');
    const uid = fc.constantFrom('uid-1', 'uid-2');
    const known = fc.record({ kind: fc.constant('api'), name, uid, isPlaced: fc.boolean() } as const);
    // spec.nodeName never changes: once the API has placed a UID, it is on that node.
    const nodeOfUid = { 'uid-1': 'node-a', 'uid-2': 'node-b' } as const;
    const gone = fc.record({ kind: fc.constant('gone'), name } as const);
    // Few, so that a node reports the same again.
    const web = { name: 'web-0', uid: 'uid-1' };
    const others = [web, { name: 'web-1', uid: 'uid-2' }];
    const pods = fc.constantFrom<readonly PodOptions[]>([web], [{ ...web, uid: undefined }], others);
    const scrape = fc.record({
      kind: fc.constant('scrape'),
      node: fc.constantFrom(...nodes),
      pods,
      aheadMs: fc.constantFrom(0, 0, 3_600_000),
    } as const);
    fc.assert(
      fc.property(fc.array(fc.oneof(known, gone, scrape, scrape, scrape), { maxLength: 60 }), (steps) => {
        const fast = createAdmittedStorage();
        const slow = createAdmittedStorage({ fastPath: false });
        for (const [at, step] of steps.entries()) {
          if (step.kind === 'gone') for (const { api } of [fast, slow]) api.delete(`shop/${step.name}`);
          if (step.kind === 'api') {
            const pod = knownAs({ uid: step.uid, node: step.isPlaced ? nodeOfUid[step.uid] : undefined });
            for (const { api } of [fast, slow]) api.set(`shop/${step.name}`, pod);
          }
          if (step.kind !== 'scrape') continue;
          const pods = step.pods.map((each) => reported(100 + at, { ...each, startTimeMs: createdMs }));
          for (const world of [fast, slow]) world.scrape(step.node, pods, { aheadMs: step.aheadMs });
          assert.deepEqual(fast.admission.counts(step.node), slow.admission.counts(step.node));
          assert.deepEqual(fast.foreign, slow.foreign);
          assert.deepEqual(fast.conflicts, slow.conflicts);
          assert.deepEqual(
            [...fast.storage.states()].map(([node, { pods: states }]) => [
              node,
              states.map((pod) => [pod.name, pod.uid, pod.isVerified]),
            ]),
            [...slow.storage.states()].map(([node, { pods: states }]) => [
              node,
              states.map((pod) => [pod.name, pod.uid, pod.isVerified]),
            ]),
          );
        }
      }),
    );
  });

  test('drops a pod that the API no longer knows and had placed on another node, also from an unchanged scrape', () => {
    for (const fastPath of [true, false]) {
      const world = createAdmittedStorage({ fastPath });
      world.scrape('node-a', [reported(100)]);
      world.api.set('shop/web-0', knownAs({ node: 'node-b' }));
      world.scrape('node-b', [reported(100)]);
      world.api.delete('shop/web-0');
      world.scrape('node-a', [reported(115)]);
      assert.deepEqual(world.admission.counts('node-a'), { unverified: 0, foreign: 1 });
      world.storage.forget('node-b');
      world.scrape('node-a', [reported(130)]);
      assert.deepEqual(world.admission.counts('node-a'), { unverified: 1, foreign: 0 });
    }
  });

  test('leaves the rows of the other pods where they are', () => {
    const world = createAdmittedStorage();
    world.api.set('shop/web-0', knownAs({ node: 'node-b' }));
    world.api.set('shop/web-1', knownAs({ uid: 'uid-2' }));
    for (const at of [100, 115])
      world.scrape('node-a', [reported(at, { cores: 639 }), reported(at, { name: 'web-1', uid: 'uid-2' })]);
    assert.equal(world.cores('web-1'), 0.25);
    assert.equal(world.cores(), 'never-scraped');
    assert.deepEqual(world.storage.counts(), { nodes: 1, containers: 1 });
  });

  test('lets a node report a limited number of pods that the API does not know', () => {
    const world = createAdmittedStorage();
    world.api.set('shop/web-0', knownAs());
    const unknown = Array.from({ length: unknownPodLimit + 5 }, (_, index) =>
      reported(100, { name: `made-up-${index}`, uid: `made-up-${index}` }),
    );
    const { layout } = world.admit('node-a', [...unknown, reported(100)]);
    assert.equal(layout.pods.length, unknownPodLimit + 1);
    assert.equal(layout.pods.at(-1)?.name, 'web-0');
    assert.deepEqual(world.admission.counts('node-a'), { unverified: unknownPodLimit, foreign: 0 });
  });

  test('keeps as many of earlier scrapes, however many other ones each scrape reports', () => {
    const world = createAdmittedStorage();
    for (let round = 0; round < 6; round += 1) {
      // Young enough to have a usage from their first sample on.
      const startTimeMs = createdMs + (round * 15 - 20) * 1000;
      const madeUp = Array.from({ length: unknownPodLimit }, (_, index) =>
        reported(round * 15, { name: `made-up-${index}`, uid: `${round}-${index}`, startTimeMs }),
      );
      world.scrape('node-a', madeUp);
    }
    assert.ok(world.storage.counts().containers <= 2 * unknownPodLimit, String(world.storage.counts().containers));
  });

  test('forgets a node', () => {
    const world = createAdmittedStorage();
    world.scrape('node-a', [reported(100)]);
    world.admission.forget('node-a');
    assert.equal(world.admission.counts('node-a'), undefined);
  });
});
