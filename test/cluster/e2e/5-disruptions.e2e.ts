/** What is missing, and for how long, when a container, a pod, the kubelet or the server itself goes and comes back. */
import assert from 'node:assert/strict';
import { before, describe, type TestContext, test } from 'node:test';
import { waitFor } from '../wait.ts';
import { harness } from './harness.ts';
import { loadPods } from './loads.ts';
import { makeNamespace } from './namespaces.ts';
import { apply, fieldOf, pod, podsReady } from './pods.ts';
import { isSince } from './readings.ts';
import { resolutionMs, toleratedSeconds } from './server.ts';
import { hasLoads, longestGap, longestGapOfLoads, type Watch, watchPods } from './watch.ts';

const shared = harness();
const { cluster, program, loads, server, registration, source } = shared;

const tolerated = toleratedSeconds(program);

describe('a container and a pod', { concurrency: true }, () => {
  const namespace = 'e2e-disruptions';
  const restarting = `${namespace}/restarting`;
  const deleted = `${namespace}/deleted`;

  before(async () => {
    await makeNamespace(cluster, namespace);
    await apply(cluster, [
      pod(cluster, namespace, 'restarting', { main: { script: "trap 'exit 1' TERM; while :; do sleep 1; done" } }),
      pod(cluster, namespace, 'deleted', { main: { script: 'exec sleep infinity' } }),
    ]);
    await podsReady(cluster, namespace);
    await using watch = watchPods(cluster, source());
    await waitFor(
      'both pods to be measured',
      () => watch.newest(restarting) !== undefined && watch.newest(deleted) !== undefined,
      90_000,
    );
  });

  test('a container that restarts leaves no gap, and its rate is counted from the new start', async (t) => {
    await using watch = watchPods(cluster, source());
    await cluster.kubectl(['exec', 'restarting', `--namespace=${namespace}`, '--', 'kill', '1']);
    const status = '{.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].state.running.startedAt}';
    const startedMs = await waitFor(
      'the container to run again',
      async () => {
        const [restarts, startedAt = ''] = (await fieldOf(cluster, namespace, 'pod/restarting', status)).split(' ');
        return restarts === '1' && startedAt !== '' && Date.parse(startedAt);
      },
      60_000,
    );
    await waitFor('a rate of the new container', () => isSince(watch.newest(restarting), startedMs), 120_000);
    const gap = longestGap(watch.observations, ({ pods }) => pods?.has(restarting) ?? false);
    t.diagnostic(
      `missing for ${gap.toFixed(1)} s; new rate ${((Date.now() - startedMs) / 1000).toFixed(0)} s after the start`,
    );
    assert.ok(gap <= tolerated, `the pod was missing for ${gap} s`);
  });

  test('a pod that is deleted is gone within seconds and does not come back', async (t) => {
    await using watch = watchPods(cluster, source());
    await cluster.kubectl(['delete', 'pod', 'deleted', `--namespace=${namespace}`]);
    const deletedMs = performance.now();
    await waitFor(
      'a whole cycle after the deletion',
      () => (watch.observations.at(-1)?.atMs ?? 0) > deletedMs + resolutionMs + 5_000,
      60_000,
    );
    const after = watch.observations.filter(({ atMs }) => atMs > deletedMs);
    const last = after.findLast(({ pods }) => pods?.has(deleted));
    const seconds = last === undefined ? 0 : (last.atMs - deletedMs) / 1000;
    t.diagnostic(`last listed ${seconds.toFixed(1)} s after the deletion`);
    assert.ok(seconds <= 3, `the pod was listed for ${seconds} s after its deletion`);
    assert.equal(
      longestGap(watch.observations, ({ pods }) => pods !== undefined),
      0,
      'every question was answered',
    );
  });
});

describe('the kubelet', () => {
  before(() => loads.running());

  test('a kubelet that restarts leaves no gap', async (t) => {
    await using watch = watchPods(cluster, source());
    await waitFor('all loads to be measured', () => watch.observations.some(hasLoads), 60_000);
    const restartedMs = Date.now();
    await cluster.restartKubelet();
    const backMs = Date.now();
    await waitFor(
      'rates of after the restart',
      () => loadPods.every((name) => isSince(watch.newest(name), restartedMs)),
      120_000,
    );
    const gap = longestGapOfLoads(watch.observations);
    t.diagnostic(
      `the kubelet was away for ${((backMs - restartedMs) / 1000).toFixed(1)} s, pods were missing for ${gap.toFixed(1)} s`,
    );
    t.diagnostic(`rates of after the restart ${((Date.now() - backMs) / 1000).toFixed(0)} s after it was back`);
    assert.ok(gap <= tolerated, `pods were missing for ${gap} s`);
  });
});

describe('the server itself', () => {
  before(() => loads.running());

  /** With its snapshot it has all as soon as it knows the pods. Without: kubelets take the next sample 10 to 30 s later, fetched within a cycle. */
  const completeWithinMs = program.name === 'kubegauge' ? 2_000 : 30_000 + resolutionMs;
  const seconds = (fromMs: number, toMs: number) => `${((toMs - fromMs) / 1000).toFixed(1)} s`;

  /** Starts the server again. Resolves when both watches have all pods; says how long it took from when it listened, in milliseconds. */
  async function restarted(t: TestContext, direct: Watch, aggregated: Watch): Promise<number> {
    await shared.restart();
    const startedMs = performance.now();
    const complete = ({ observations }: Watch) =>
      waitFor(
        'all loads to be measured again',
        () => observations.find((observation) => observation.atMs > startedMs && hasLoads(observation)),
        90_000,
      );
    const [again] = await Promise.all([complete(direct), complete(aggregated)]);
    await registration.available();
    t.diagnostic(`all pods ${seconds(startedMs, again.atMs)} after it listened again`);
    for (const [how, { observations }] of [
      ['straight', direct],
      ['through kube-apiserver', aggregated],
    ] as const) {
      t.diagnostic(`${how}: incomplete for ${longestGapOfLoads(observations).toFixed(1)} s`);
    }
    return again.atMs - startedMs;
  }

  async function watched(work: (direct: Watch, aggregated: Watch) => Promise<void>): Promise<void> {
    await using direct = watchPods(cluster, source());
    await using aggregated = watchPods(cluster, source(cluster.apiServerUrl));
    await waitFor('all loads to be measured', () => direct.observations.some(hasLoads), 60_000);
    await work(direct, aggregated);
  }

  test('SIGTERM ends it with 0; started again it has everything at once', (t) =>
    watched(async (direct, aggregated) => {
      const stoppedMs = performance.now();
      assert.equal(await server().stop(), 0, server().log());
      const endedMs = performance.now();
      const served = direct.observations.findLast(hasLoads)?.atMs ?? 0;
      t.diagnostic(
        `ended ${seconds(stoppedMs, endedMs)} after SIGTERM, answered until ${seconds(stoppedMs, served)} after it`,
      );
      assert.ok((await restarted(t, direct, aggregated)) <= completeWithinMs, 'it took too long to have all pods');
      assert.ok(endedMs - stoppedMs < 10_000, 'it took too long to end');
      if (program.name === 'kubegauge') {
        assert.ok(served - stoppedMs > 3_000, 'it must go on serving while clients learn that it goes');
      }
    }));

  test('SIGKILL: started again it has everything at once, with the times of the samples from before', (t) =>
    watched(async (direct, aggregated) => {
      await server().kill();
      const killedWallMs = Date.now();
      assert.ok((await restarted(t, direct, aggregated)) <= completeWithinMs, 'it took too long to have all pods');
      await waitFor(
        'samples of after it was killed',
        () => loadPods.every((name) => Date.parse(direct.newest(name)?.timestamp ?? '') > killedWallMs),
        60_000,
      );
      t.diagnostic(`new samples of all pods ${seconds(killedWallMs, Date.now())} after it was killed`);
    }));
});
