/** Measures which usage is missing, and for how long, when a container restarts or a pod is deleted. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { waitFor } from '../wait.ts';
import { harness } from './harness.ts';
import { makeNamespace } from './namespaces.ts';
import { apply, fieldOf, pod, podsReady } from './pods.ts';
import { isSince } from './readings.ts';
import { resolutionMs, toleratedSeconds } from './server.ts';
import { longestGap, longestPause, watchPods } from './watch.ts';

const { cluster, program, source } = harness();

const tolerated = toleratedSeconds(program);

describe('a container and a pod', { concurrency: true }, () => {
  const namespace = 'e2e-podlife';
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
      180_000,
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
      180_000,
    );
    const after = watch.observations.filter(({ atMs }) => atMs > deletedMs);
    const last = after.findLast(({ pods }) => pods?.has(deleted));
    const seconds = last === undefined ? 0 : (last.atMs - deletedMs) / 1000;
    t.diagnostic(`last listed ${seconds.toFixed(1)} s after the deletion`);
    assert.ok(seconds <= 2 + longestPause(after), `the pod was listed for ${seconds} s after its deletion`);
    assert.equal(
      longestGap(watch.observations, ({ pods }) => pods !== undefined),
      0,
      'every question was answered',
    );
  });
});
