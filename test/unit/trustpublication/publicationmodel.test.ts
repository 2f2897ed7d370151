/**
 * Several pods reconcile one APIService in any order: with views that lag, patches that conflict, restarts of containers,
 * replaced pods, an old server that leaves, and another writer that empties the bundle.
 */
import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { stagedRootsAnnotation } from '../../../src/trustpublication/apiserviceview.ts';
import { encodePatch } from '../../../src/trustpublication/bundlepatch.ts';
import { decide, type Decision } from '../../../src/trustpublication/publicationdecision.ts';
import { createMemory, type Memory, pruneGraceMs } from '../../../src/trustpublication/publicationmemory.ts';
import { includesRoot, rootsIn } from '../../../src/trustpublication/publishedroots.ts';
import type { ServicePod } from '../../../src/trustpublication/servicepods.ts';
import { makeAuthority } from '../../fakes/certificates.ts';
import { apiService, type ApiServiceObject, bundleOf, makeRoot, ownerOf, ownPod, patched } from './apiservices.ts';

const slots = ['a', 'b', 'c', 'd'];
/** Pods that follow each other in a slot, and starts of a container in one pod. */
const [generations, starts] = [3, 3];
/** By UID and start. Made once: each takes milliseconds. */
const roots = new Map(
  slots.flatMap((slot) =>
    Array.from({ length: generations }, (_, generation): [string, X509Certificate[]] => {
      const uid = `${slot}${generation}`;
      return [uid, Array.from({ length: starts }, () => makeRoot(uid))];
    }),
  ),
);
const foreignCa = makeAuthority("somebody's CA").cert;

interface Pod {
  readonly uid: string;
  starts: number;
  root: X509Certificate;
  memory: Memory;
  /** The APIService as its watch has shown it. */
  view: ApiServiceObject;
  pending: Decision['patch'];
  /** The readiness that kube-apiserver knows, by which endpoints are chosen. */
  ready: boolean;
  template: string;
}

/** In milliseconds: shorter than a request's timeout, longer than the propagation of a bundle. */
const shortMs = 3_000;

/** Steps that a test takes at random. */
type Step =
  | {
      readonly do: 'start' | 'restart' | 'kill' | 'act' | 'race' | 'see' | 'decide' | 'send' | 'probe';
      readonly pod: number;
    }
  | { readonly do: 'old server leaves' | 'list lags' | 'wipe' }
  | { readonly do: 'wait'; readonly ms: number };

class Cluster {
  object: ApiServiceObject;
  oldServer: boolean;
  nowMs = 0;
  /** By slot. */
  readonly pods = new Map<string, Pod>();
  readonly #generations = new Map<string, number>();
  /** UIDs that informers know: they lag, so a new pod is missing at first. */
  running = new Set<string>();
  writes = 0;
  /** Endpoints behind the Service that are no pods. */
  added: readonly string[] = [];

  constructor(object: ApiServiceObject, oldServer: boolean) {
    this.object = object;
    this.oldServer = oldServer;
  }

  take(step: Step): void {
    if (step.do === 'old server leaves') this.oldServer = false;
    else if (step.do === 'list lags') this.running = new Set(this.uids());
    else if (step.do === 'wipe') this.wipe();
    else if (step.do === 'wait') this.wait(step.ms);
    else if ('pod' in step) {
      const slot = slots[step.pod] ?? '';
      const pod = this.pods.get(slot);
      if (step.do === 'start') this.start(slot);
      else if (pod === undefined) return;
      else if (step.do === 'restart') this.restart(pod);
      else if (step.do === 'kill') this.kill(slot);
      else if (step.do === 'act') this.act(pod);
      else if (step.do === 'race') this.race(pod, this.pods.get(slots[(step.pod + 1) % slots.length] ?? ''));
      else if (step.do === 'see') pod.view = this.object;
      else if (step.do === 'decide') this.decide(pod);
      else if (step.do === 'send') this.send(pod);
      else pod.ready = pod.memory.ready;
    }
  }

  uids(): readonly string[] {
    return [...this.pods.values()].map(({ uid }) => uid);
  }

  start(slot: string): void {
    const uid = `${slot}${this.#generations.get(slot) ?? 0}`;
    const root = roots.get(uid)?.[0];
    if (this.pods.has(slot) || root === undefined) return;
    const template = slot < 'c' ? 'new' : 'newer';
    const memory = createMemory();
    this.pods.set(slot, {
      uid,
      starts: 1,
      root,
      memory,
      view: this.object,
      pending: undefined,
      ready: false,
      template,
    });
  }

  kill(slot: string): void {
    this.pods.delete(slot);
    this.#generations.set(slot, (this.#generations.get(slot) ?? 0) + 1);
  }

  /** Each pod decides in time. No request outlives its timeout. */
  wait(ms: number): void {
    this.nowMs += ms;
    for (const pod of this.pods.values()) {
      const { pending } = pod;
      this.decide(pod);
      pod.pending = ms > shortMs ? undefined : pending;
    }
  }

  /** Sees, decides and sends, without a step of another pod between. */
  act(pod: Pod): void {
    pod.view = this.object;
    this.decide(pod);
    this.send(pod);
  }

  /** Between a decision and its request, another pod writes and becomes ready. */
  race(pod: Pod, other: Pod | undefined): void {
    pod.view = this.object;
    this.decide(pod);
    if (other !== undefined) {
      this.act(other);
      this.act(other);
      other.ready = other.memory.ready;
    }
    this.send(pod);
  }

  /** The container's restart: kubelets report it as not ready. */
  restart(pod: Pod): void {
    const root = roots.get(pod.uid)?.[pod.starts];
    if (root === undefined) return;
    pod.starts += 1;
    Object.assign(pod, { root, memory: createMemory(), ready: false, pending: undefined });
  }

  /** Another writer empties caBundle; kube-apiserver then uses the system's roots. */
  wipe(): void {
    const { caBundle: _, ...spec } = this.object.spec;
    if (spec.insecureSkipTLSVerify !== true) this.object = { ...this.object, spec };
  }

  decide(pod: Pod): Decision {
    const own = ownPod(pod.uid, pod.root);
    const situation = {
      apiService: pod.view,
      behind: undefined,
      isRunning: ({ uid }: { readonly uid: string }) => this.running.has(uid),
      hindrance: undefined,
      nowMs: this.nowMs,
    };
    let { decision, memory } = decide(own, ownerOf, situation, pod.memory);
    if (decision.needsBackends || decision.confirm.length > 0) {
      const gone = new Set([
        ...memory.gone,
        ...decision.confirm.map(({ uid }) => uid).filter((uid) => !this.uids().includes(uid)),
      ]);
      const behind = decision.needsBackends ? { pods: this.list(), addedEndpoints: this.added } : undefined;
      ({ decision, memory } = decide(own, ownerOf, { ...situation, behind }, { ...memory, gone }));
    }
    pod.memory = memory;
    pod.pending = decision.patch;
    return decision;
  }

  list(): readonly ServicePod[] {
    const common = { namespace: 'kube-system', ended: false, deleting: false, addresses: [] };
    const ours = [...this.pods.values()].map(({ uid, ready, template }) => ({
      ...common,
      pod: uid,
      uid,
      ready,
      template,
    }));
    const old = { ...common, pod: 'old', uid: 'old', ready: true, template: 'old' };
    return this.oldServer ? [...ours, old] : ours;
  }

  /** Returns whether it was accepted; a conflict changes nothing. */
  send(pod: Pod): boolean {
    const { pending } = pod;
    pod.pending = undefined;
    if (pending === undefined) return false;
    try {
      this.object = patched(this.object, encodePatch(pending.operations));
    } catch {
      return false;
    }
    this.writes += 1;
    pod.view = this.object;
    return true;
  }

  /** Lets each live pod see, decide and write until nothing changes any more. */
  settle(): void {
    let quiet = 0;
    for (let round = 0; round < 100 && quiet < 3; round += 1) {
      this.running = new Set(this.uids());
      let changed = false;
      for (const pod of this.pods.values()) {
        pod.view = this.object;
        this.decide(pod);
        changed = this.send(pod) || changed;
        pod.ready = pod.memory.ready;
        this.check();
      }
      quiet = changed ? 0 : quiet + 1;
      // Backoff of repairs, and the grace time of pruning with all its steps.
      this.nowMs += 2 * pruneGraceMs;
    }
    assert.equal(quiet, 3, 'the pods come to rest');
  }

  published(): ReturnType<typeof rootsIn> {
    return rootsIn(bundleOf(this.object), ownerOf);
  }

  /** No endpoint of the Service fails. */
  check(): void {
    if (this.object.spec.insecureSkipTLSVerify === true) return;
    assert.equal(this.oldServer, false, 'verification began while the old server was behind the Service');
    const published = this.published();
    for (const pod of this.pods.values()) {
      if (pod.ready)
        assert.ok(includesRoot(published, pod.root), `pod ${pod.uid} is ready, its root is not in the bundle`);
    }
  }
}

const podStep = fc.record({
  do: fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom('start', 'start', 'start', 'restart', 'kill') },
    { weight: 4, arbitrary: fc.constantFrom('act', 'act', 'act', 'race') },
    { weight: 4, arbitrary: fc.constantFrom('see', 'decide', 'send', 'probe') },
  ),
  pod: fc.nat(slots.length - 1),
});
const waitStep = fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(shortMs, shortMs, 20_000, pruneGraceMs) });
const lagStep = fc.record({ do: fc.constant('list lags') });
const leaveStep = fc.record({ do: fc.constant('old server leaves') });
const wipeStep = fc.record({ do: fc.constant('wipe') });
type Steps = fc.Arbitrary<Step>;
const common = [
  { weight: 24, arbitrary: podStep as Steps },
  { weight: 3, arbitrary: waitStep as Steps },
  { weight: 1, arbitrary: lagStep as Steps },
];
const steps = fc.array(fc.oneof(...common, { weight: 1, arbitrary: leaveStep }), {
  minLength: 60,
  maxLength: 120,
  size: 'max',
});
const stepsWithWipes = fc.array(fc.oneof(...common, { weight: 1, arbitrary: wipeStep }), {
  minLength: 60,
  maxLength: 120,
  size: 'max',
});

function startAll(cluster: Cluster): void {
  for (const slot of slots) cluster.start(slot);
}

/** The end of each run: what lives is published, once, and what is gone is not. */
function assertAllPublished(cluster: Cluster): void {
  // Every slot may have used up its pods.
  if (cluster.pods.size === 0) return;
  const published = cluster.published();
  assert.deepEqual(
    published.map(({ owner }) => owner.uid).toSorted(),
    cluster.uids().toSorted(),
    'each live pod has one root in the bundle, and no other pod',
  );
  for (const pod of cluster.pods.values()) {
    assert.ok(includesRoot(published, pod.root));
    assert.ok(pod.memory.ready, 'each pod becomes ready');
  }
  assert.equal(cluster.object.metadata.annotations?.[stagedRootsAnnotation], undefined);
}

test('from an insecure APIService, no endpoint ever fails, and verification begins when the old server has left', () => {
  fc.assert(
    fc.property(steps, fc.boolean(), fc.boolean(), (sequence, oldServer, annotated) => {
      const annotations = annotated ? { annotations: { 'example.com/note': 'a<b' } } : {};
      const cluster = new Cluster(apiService({ insecure: true, available: true, ...annotations }), oldServer);
      for (const step of sequence) {
        cluster.take(step);
        cluster.check();
      }
      startAll(cluster);
      cluster.settle();
      if (cluster.pods.size === 0) return;
      if (cluster.oldServer) {
        assert.equal(cluster.object.spec.insecureSkipTLSVerify, true);
        cluster.oldServer = false;
        cluster.settle();
      }
      assert.equal(cluster.object.spec.insecureSkipTLSVerify, undefined);
      assertAllPublished(cluster);
      assert.equal(cluster.object.metadata.annotations?.['example.com/note'], annotated ? 'a<b' : undefined);
    }),
    { numRuns: 100 },
  );
});

test("from a bundle of another writer, each live root is added, and the other writer's bytes stay", () => {
  const foreign = [
    `# comment\n${foreignCa}`,
    foreignCa.trimEnd(),
    'no PEM \u00ff',
    `${foreignCa}-----BEGIN CERTIFICATE-----\n`,
  ];
  fc.assert(
    fc.property(steps, fc.constantFrom(...foreign), (sequence, bundle) => {
      const cluster = new Cluster(apiService({ bundle }), false);
      for (const step of sequence) {
        cluster.take(step);
        cluster.check();
      }
      startAll(cluster);
      cluster.settle();
      assertAllPublished(cluster);
      assert.ok(bundleOf(cluster.object).startsWith(bundle));
    }),
    { numRuns: 100 },
  );
});

test('a bundle that another writer empties again and again ends with every live root', () => {
  fc.assert(
    fc.property(stepsWithWipes, (sequence) => {
      const cluster = new Cluster(apiService(), false);
      for (const step of sequence) cluster.take(step);
      startAll(cluster);
      // Endpoints fail until the repair; after it none does.
      for (const pod of cluster.pods.values()) pod.ready = false;
      cluster.settle();
      assertAllPublished(cluster);
    }),
    { numRuns: 100 },
  );
});

test('a rolling update of two pods costs one write per new pod, and one that prunes', () => {
  const cluster = new Cluster(apiService({ insecure: true }), false);
  cluster.start('a');
  cluster.start('b');
  cluster.settle();
  assert.equal(cluster.writes, 3, 'two are staged, one switches');
  cluster.start('c');
  cluster.start('d');
  cluster.settle();
  cluster.kill('a');
  cluster.kill('b');
  cluster.settle();
  assertAllPublished(cluster);
  assert.equal(cluster.writes, 6);
});
