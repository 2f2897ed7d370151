/** A hundred pods come and go within a minute: pods that stay have no gap, pods that are gone are not listed. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../wait.ts';
import { harness } from './harness.ts';
import { makeNamespace } from './namespaces.ts';
import { apply, pod } from './pods.ts';
import { resolutionMs, toleratedSeconds } from './server.ts';
import { hasLoads, longestGapOfLoads, longestPause, watchPods } from './watch.ts';

const { cluster, program, loads, source } = harness();

const namespace = 'e2e-churn';
/** As many at a time as two cores start without falling behind. */
const batchSize = 10;
const batches = 10;
const batchEveryMs = 4_500;
/** Long enough for some to be measured. */
const lifeMs = 15_000;

describe('churn', () => {
  before(async () => {
    await loads.running();
    await makeNamespace(cluster, namespace);
  });

  test('100 pods in a minute: stable ones have no gap, none is listed for long after its end', async (t) => {
    await using watch = watchPods(cluster, source());
    await waitFor('all loads to be measured', () => watch.observations.some(hasLoads), 180_000);
    const startedMs = performance.now();
    const lives: Promise<Map<string, number>>[] = [];
    for (let batch = 0; batch < batches; batch += 1) {
      await sleep(Math.max(0, startedMs + batch * batchEveryMs - performance.now()));
      lives.push(liveAndDie(batch));
    }
    const goneMs = new Map((await Promise.all(lives)).flatMap((life) => [...life]));
    const seconds = (performance.now() - startedMs) / 1000;
    const allGoneMs = performance.now();
    await waitFor('one more cycle', () => (watch.observations.at(-1)?.atMs ?? 0) > allGoneMs + resolutionMs, 180_000);

    const late = [...goneMs].map(([name, ms]) => {
      const last = watch.observations.findLast(({ pods }) => pods?.has(name));
      return { name, listed: last !== undefined, seconds: last === undefined ? 0 : (last.atMs - ms) / 1000 };
    });
    const latest = late.toSorted((a, b) => b.seconds - a.seconds)[0];
    t.diagnostic(
      `${goneMs.size} pods in ${seconds.toFixed(0)} s, ${late.filter(({ listed }) => listed).length} of them were ever listed`,
    );
    t.diagnostic(`the latest was last listed ${latest?.seconds.toFixed(1)} s after its end`);
    const gap = longestGapOfLoads(watch.observations);
    t.diagnostic(`loads were missing for ${gap.toFixed(1)} s`);
    assert.equal(goneMs.size, batches * batchSize);
    assert.ok(
      late.some(({ listed }) => listed),
      'none lived long enough to be measured',
    );
    const pause = longestPause(watch.observations);
    assert.ok((latest?.seconds ?? 0) <= 2 + pause, `${latest?.name} was listed for ${latest?.seconds} s after its end`);
    assert.ok(gap <= toleratedSeconds(program), `loads were missing for ${gap} s`);
  });

  /** Resolves with the moment when each of the pods was surely gone. */
  async function liveAndDie(batch: number): Promise<Map<string, number>> {
    const names = Array.from({ length: batchSize }, (_, index) => `churned-${batch}-${index}`);
    const labels = { batch: String(batch) };
    const idle = { main: { script: 'exec sleep infinity' } };
    const bornMs = performance.now();
    await apply(
      cluster,
      names.map((name) => pod(cluster, namespace, name, idle, labels)),
    );
    await sleep(Math.max(0, bornMs + lifeMs - performance.now()));
    await cluster.kubectl(['delete', 'pods', `--selector=batch=${batch}`, `--namespace=${namespace}`], {
      timeoutMs: 120_000,
    });
    const ms = performance.now();
    return new Map(names.map((name) => [`${namespace}/${name}`, ms]));
  }
});
