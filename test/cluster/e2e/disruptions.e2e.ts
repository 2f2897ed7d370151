/** Measures which usage is missing, and for how long, when the kubelet or the server itself restarts. */
import assert from 'node:assert/strict';
import { before, describe, type TestContext, test } from 'node:test';
import { waitFor } from '../wait.ts';
import { harness } from './harness.ts';
import { loadPods } from './loads.ts';
import { isSince } from './readings.ts';
import { resolutionMs, toleratedSeconds } from './server.ts';
import { hasLoads, longestGapOfLoads, longestPause, type Watch, watchPods } from './watch.ts';

const shared = harness();
const { cluster, program, loads, server, registration, source } = shared;

const tolerated = toleratedSeconds(program);

describe('the kubelet', () => {
  before(() => loads.running());

  test('a kubelet that restarts leaves no gap', async (t) => {
    await using watch = watchPods(cluster, source());
    await waitFor('all loads to be measured', () => watch.observations.some(hasLoads), 180_000);
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
  const completeWithinMs = program.name === 'kubegauge' ? 1_000 : 30_000 + resolutionMs;
  const seconds = (fromMs: number, toMs: number) => `${((toMs - fromMs) / 1000).toFixed(1)} s`;

  /** Starts the server again. Resolves when both watches have all pods, the first one in time. */
  async function restarted(t: TestContext, direct: Watch, aggregated: Watch): Promise<void> {
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
    const pauseMs = longestPause(direct.observations.filter(({ atMs }) => atMs > startedMs - resolutionMs)) * 1000;
    assert.ok(again.atMs - startedMs <= completeWithinMs + pauseMs, 'it took too long to have all pods');
  }

  async function watched(work: (direct: Watch, aggregated: Watch) => Promise<void>): Promise<void> {
    await using direct = watchPods(cluster, source());
    await using aggregated = watchPods(cluster, source(cluster.apiServerUrl));
    await waitFor('all loads to be measured', () => direct.observations.some(hasLoads), 180_000);
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
      await restarted(t, direct, aggregated);
      assert.ok(endedMs - stoppedMs < 15_000, 'it took too long to end');
      if (program.name === 'kubegauge') {
        const asked = direct.observations.filter(({ atMs }) => atMs > stoppedMs - resolutionMs && atMs < endedMs);
        const pauseMs = longestPause(asked) * 1000;
        assert.ok(served - stoppedMs > 4_000 - pauseMs, 'it must go on serving while clients learn that it goes');
      }
    }));

  test('SIGKILL: started again it has everything at once, with the times of the samples from before', (t) =>
    watched(async (direct, aggregated) => {
      await server().kill();
      const killedWallMs = Date.now();
      await restarted(t, direct, aggregated);
      await waitFor(
        'samples of after it was killed',
        () => loadPods.every((name) => Date.parse(direct.newest(name)?.timestamp ?? '') > killedWallMs),
        180_000,
      );
      t.diagnostic(`new samples of all pods ${seconds(killedWallMs, Date.now())} after it was killed`);
    }));
});
