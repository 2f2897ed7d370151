/** The simulated cluster must be possible: what kubelets and the API say of it never contradicts itself. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContainerModel } from '../../fakes/kubeletmodel.ts';
import { type Change, createSimulation, type Simulation } from '../../standin/simulation.ts';
import { type Workload, workloads } from '../../standin/workloads.ts';

const startMs = Date.parse('2026-11-22T20:00:00Z');
const size = { nodes: 3, pods: 40, seed: 7, startMs, calm: false };
const quarterHourMs = 15 * 60_000;

describe('simulation', () => {
  test('has the nodes and the pods that were asked for', () => {
    const { nodes, pods } = createSimulation(size);
    assert.equal(nodes.length, 3);
    assert.equal(pods.size, 40);
  });

  test('always has what a cluster cannot do without', () => {
    const { pods } = createSimulation({ ...size, nodes: 1, pods: 0 });
    const workloads = new Set([...pods].map(({ workload }) => workload.name));
    assert.ok(workloads.has('etcd') && workloads.has('kube-proxy') && workloads.has('web'));
  });

  test('knows samples of every container at the start', () => {
    const simulation = createSimulation(size);
    const specified = [...simulation.pods].flatMap(({ containers }) => containers);
    assert.equal(sampled(simulation).length, specified.length);
    for (const { cpuSeconds, memoryBytes, timestampMs } of sampled(simulation)) {
      assert.ok(cpuSeconds > 0 && memoryBytes > 0);
      assert.ok(timestampMs <= startMs && timestampMs > startMs - 10_000);
    }
  });

  test('is the same for the same seed, in one step or in many', () => {
    const atOnce = createSimulation(size);
    const inSteps = createSimulation(size);
    const changes = atOnce.advance(startMs + quarterHourMs);
    const steps: Change[] = [];
    for (let atMs = startMs; atMs <= startMs + quarterHourMs; atMs += 700) steps.push(...inSteps.advance(atMs));
    steps.push(...inSteps.advance(startMs + quarterHourMs));
    assert.deepEqual(models(inSteps), models(atOnce));
    assert.deepEqual(eventsOf(steps), eventsOf(changes));
  });

  test('is another for another seed', () => {
    assert.notDeepEqual(models(createSimulation({ ...size, seed: 8 })), models(createSimulation(size)));
  });

  test('never counts back within one container ID, nor for a machine', () => {
    const simulation = createSimulation(size);
    const latest = new Map<string, { timestampMs: number; cpuSeconds: number }>();
    watchFor(simulation, quarterHourMs, () => {
      const machines = simulation.nodes.map(({ name, model }) => [name, model.machine] as const);
      for (const [id, sample] of [...machines, ...sampled(simulation).map((one) => [one.id, one] as const)]) {
        const before = latest.get(id);
        latest.set(id, { timestampMs: sample.timestampMs, cpuSeconds: sample.cpuSeconds });
        if (before === undefined) continue;
        assert.ok(sample.timestampMs >= before.timestampMs, id);
        const cores = (sample.cpuSeconds - before.cpuSeconds) / ((sample.timestampMs - before.timestampMs) / 1000);
        // Not sampled anew: nothing may have changed.
        if (sample.timestampMs === before.timestampMs) assert.equal(sample.cpuSeconds, before.cpuSeconds);
        else assert.ok(cores > 0 && cores < 16, `${id}: ${cores} cores`);
      }
    });
  });

  test('samples each container every 10 to 15 s, and not all at the same time', () => {
    const simulation = createSimulation(size);
    const times = new Map<string, Set<number>>();
    watchFor(simulation, 120_000, () => {
      for (const { id, timestampMs } of sampled(simulation))
        times.set(id, (times.get(id) ?? new Set()).add(timestampMs));
    });
    const intervals = [...times.values()].flatMap((set) =>
      [...set].slice(1).map((at, index) => at - ([...set][index] ?? 0)),
    );
    assert.ok(intervals.length > 0);
    for (const ms of intervals) assert.ok(ms >= 9_999 && ms <= 15_001, `${ms} ms`);
    assert.ok(new Set(sampled(simulation).map(({ timestampMs }) => timestampMs)).size > 20);
  });

  test('restarts containers, rolls out Deployments, and lets a kubelet fail and recover', () => {
    const simulation = createSimulation(size);
    const changes = simulation.advance(startMs + quarterHourMs);
    const events = eventsOf(changes).join('\n');
    assert.match(events, /container leaky of jobs\/leaky-0 restarted/);
    assert.match(events, /container (?!leaky)\S+ of \S+ restarted/);
    assert.match(events, /rolling update: shop\/\S+ takes the place of \S+/);
    assert.match(events, /the kubelet of node-\d (?:answers 500|does not answer) for a while/);
    assert.match(events, /node node-\d is not ready/);
    assert.match(events, /the kubelet of node-\d is well again/);
    assert.equal(simulation.pods.size, 40, 'a rollout replaces pods one for one');
  });

  test('scales a workload: the newest pods go, and those that stay share its traffic', () => {
    const coresOf = (simulation: Simulation, workload: Workload) =>
      [...simulation.pods]
        .filter((pod) => pod.workload === workload)
        .flatMap(({ containers }) => containers.map(({ life }) => life.cores))
        .reduce((sum, cores) => sum + cores, 0);
    const web = workloads.find(({ name }) => name === 'web') ?? assert.fail();
    const [scaled, alone] = [createSimulation({ ...size, calm: true }), createSimulation({ ...size, calm: true })];
    const before = [...scaled.pods].filter(({ workload }) => workload === web);
    const added = scaled.scale(web, before.length * 3);
    assert.deepEqual(new Set(added.map(({ kind }) => kind)), new Set(['pod-set']));
    let [sums, count] = [[0, 0], 0];
    watchFor(scaled, quarterHourMs, () => {
      count += 1;
      // The first samples of the new pods are without the others' knowledge of them.
      if (count > 60) sums = [(sums[0] ?? 0) + coresOf(scaled, web), sums[1] ?? 0];
    });
    count = 0;
    watchFor(alone, quarterHourMs, () => {
      count += 1;
      if (count > 60) sums = [sums[0] ?? 0, (sums[1] ?? 0) + coresOf(alone, web)];
    });
    const ratio = (sums[0] ?? 0) / (sums[1] ?? 1);
    assert.ok(ratio > 0.7 && ratio < 1.4, `three times the pods use ${ratio} times the CPU`);
    const removed = scaled.scale(web, 2);
    assert.deepEqual(new Set(removed.map(({ kind }) => kind)), new Set(['pod-deleted']));
    assert.deepEqual(
      [...scaled.pods].filter(({ workload }) => workload === web),
      before.slice(0, 2),
    );
  });

  test('counts traffic of pods with a network of their own, never back', () => {
    const simulation = createSimulation(size);
    const latest = new Map<string, number>();
    watchFor(simulation, quarterHourMs / 5, () => {
      for (const { uid, network, workload } of simulation.pods) {
        assert.equal(network === undefined, workload.hostNetwork === true);
        const received = network?.model?.receiveBytes ?? 0;
        assert.ok(received >= (latest.get(uid) ?? 0));
        latest.set(uid, received);
      }
    });
    assert.ok([...latest.values()].some((bytes) => bytes > 1e6));
  });

  test('gives a restarted container another ID and a counter from zero', () => {
    const simulation = createSimulation(size);
    const restarted = () =>
      [...simulation.pods].flatMap(({ containers }) => containers.find(({ restarts }) => restarts > 0) ?? []);
    for (let atMs = startMs; restarted().length === 0; atMs += 1_000) simulation.advance(atMs);
    const [container] = restarted();
    assert.ok(container !== undefined);
    const model = () => container.life.model;
    assert.equal(model(), undefined, 'it has no sample yet');
    simulation.advance(container.life.startTimeMs + 5_000);
    assert.equal(model()?.id, container.id);
    assert.ok((model()?.cpuSeconds ?? Number.NaN) < 10);
  });
});

function watchFor(simulation: Simulation, ms: number, look: () => void): void {
  for (let atMs = startMs; atMs <= startMs + ms; atMs += 1_000) {
    simulation.advance(atMs);
    look();
  }
}

function sampled({ nodes }: Simulation): ContainerModel[] {
  return nodes.flatMap(({ model }) => model.pods.flatMap(({ containers }) => containers));
}

function models({ nodes }: Simulation): object[] {
  return nodes.map(({ model, ready, kubelet }) => ({ model, ready, kubelet }));
}

function eventsOf(changes: readonly Change[]): string[] {
  return changes.map(({ event }) => event);
}
