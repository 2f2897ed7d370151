/** The history of pods that the API gives one UID: an annotation of a user's pod names another pod's UID as its hash. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createHistory, type History } from '../../../src/history/history.ts';
import { type Layout, toBatch } from '../../../src/sample/batch.ts';
import { createAdmission } from '../../../src/storage/admission.ts';
import type { KnownPod } from '../../../src/storage/placement.ts';
import { createStorage } from '../../../src/storage/storage.ts';
import { createFakeClock } from '../../fakes/clock.ts';

const node = 'node-a';
const all = { sinceSeconds: 3_600, stepSeconds: undefined };
const victim = { namespace: 'bank', name: 'web', uid: 'uid-of-victim', configHash: undefined, node };
const attacker = { namespace: 'attacker', name: 'web', uid: 'uid-of-attacker', configHash: victim.uid, node };
const other = { namespace: 'shop', name: 'web', uid: 'uid-of-other', configHash: undefined, node };
const memoryOf = { bank: 1e6, attacker: 5e9, shop: 1e7 };
type TestPod = typeof victim | typeof attacker;

/** A node whose kubelet reports no UIDs (/metrics/resource), so that pods have those of the API. */
function start() {
  const clock = createFakeClock();
  const storage = createStorage({ clock, resolutionMs: 15_000, stalenessMs: 45_000, nodeUid: () => 'node-uid' });
  const api = new Map<string, KnownPod & { readonly namespace: string }>();
  const admission = createAdmission({
    knownPod: (namespace, name) => api.get(`${namespace}/${name}`),
    bindings: storage,
    onForeign: () => assert.fail('no pod is of another node'),
    onConflict: () => assert.fail('no pod is reported by two nodes'),
  });
  const history = createHistory({ clock, durationMs: 3_600_000, exists: () => true });
  let layout: Layout | undefined;
  return { clock, history, add, scrape };

  function add({ namespace, name, ...known }: TestPod): void {
    api.set(`${namespace}/${name}`, { ...known, namespace, createdSeconds: undefined });
    admission.changed(node);
  }

  function scrape(count: number): void {
    for (let each = 0; each < count; each += 1) {
      clock.jump(15_000);
      const timestampMs = clock.wallMs() - 2_000;
      const sample = { timestampMs, cpuSeconds: (timestampMs % 1e8) / 2_000, startTimeMs: undefined };
      const pods = [...api.values()].map(({ namespace }) => {
        const memoryBytes = memoryOf[namespace as keyof typeof memoryOf];
        const containers = [{ name: 'app', containerId: 'start:unknown', ...sample, memoryBytes }];
        return { namespace, name: 'web', uid: undefined, containers };
      });
      const machine = { ...sample, memoryBytes: 1e10 };
      const batch = toBatch({ node, source: 'resource', hasSwap: undefined, machine, pods }, layout);
      layout = batch.layout;
      storage.store(admission.admit(batch, 0));
      history.scraped(node, 'cadvisor', () => storage.currentSamples(node));
    }
  }
}

/** Returns how many points have the memory of each. */
function seen(history: History, pod: TestPod): Readonly<Record<string, number>> {
  const points = history.pod(pod, all).map(({ containers: [app] }) => app?.memoryBytes ?? 0);
  const byOwner = Map.groupBy(points, (memory) => (memory < 1e9 ? 'bank' : 'attacker'));
  return Object.fromEntries([...byOwner].map(([owner, its]) => [owner, its.length]));
}

describe("a pod whose annotation has another pod's UID", () => {
  test("gains none of the other's points, and the other none of its points", () => {
    const { add, scrape, history } = start();
    add(victim);
    scrape(40);
    const before = seen(history, victim)['bank'] ?? 0;
    assert.ok(before > 5);
    add(attacker);
    scrape(4);
    assert.deepEqual(Object.keys(seen(history, attacker)), ['attacker']);
    // Pods are laid out again.
    add(other);
    scrape(8);
    assert.deepEqual(Object.keys(seen(history, attacker)), ['attacker']);
    assert.deepEqual(Object.keys(seen(history, victim)), ['bank']);
    assert.ok((seen(history, victim)['bank'] ?? 0) > before);
  });

  test('does not keep the history of all nodes from being restored', () => {
    const { add, scrape, history, clock } = start();
    add(victim);
    add(attacker);
    scrape(40);
    const lines = [...history.saved(1e9)].map((line): unknown => JSON.parse(JSON.stringify(line)));
    const later = createHistory({ clock, durationMs: 3_600_000, exists: () => true });
    later.restore(lines);
    for (const pod of [victim, attacker]) assert.deepEqual(later.pod(pod, all), history.pod(pod, all));
    assert.ok(later.pod(victim, all).length > 5);
  });
});
