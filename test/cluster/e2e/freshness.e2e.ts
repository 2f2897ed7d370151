/** Reports how old the usages are that are served, beside the real metrics-server, and when the kubelet takes its samples. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { before, describe, test } from 'node:test';
import { waitFor } from '../wait.ts';
import { harness } from './harness.ts';
import { cadvisorRows } from './kubelet.ts';
import { loadNamespace, loadPods } from './loads.ts';
import { startPeer } from './peer.ts';
import { nodeReadings, podReadings, type Source } from './readings.ts';

const shared = harness();
const { cluster, program, loads, source, brief } = shared;

const everyMs = 1_000;
const watchedMs = brief ? 60_000 : 180_000;
/**
 * A container's first usable sample is 10 s or more after its start, the next one up to 30 s later on an idle container (both by the kubelet), and a scrape
 * fetches it within a cycle. Which of the two servers has it first depends on the phases of their scrapes.
 */
const completeWithinMs = 180_000;

/** Returns the seconds since each sample that is served, of the loads and the node. */
async function ages(from: Source): Promise<number[]> {
  const [pods, nodes] = await Promise.all([podReadings(cluster, from), nodeReadings(cluster, from)]);
  const readings = [...loadPods.map((name) => pods.get(name)), nodes.get(cluster.nodeName)];
  return readings.map((reading) => {
    assert.ok(reading, `${from.url} lacks a pod or the node; it has ${[...pods.keys(), ...nodes.keys()].join(', ')}`);
    return (Date.now() - Date.parse(reading.timestamp)) / 1000;
  });
}

/** Collects when the kubelet took its samples, in milliseconds since the epoch, of the node and the loads' containers. */
class SampleTimes {
  readonly #times = new Map<string, Set<number>>();

  async look(): Promise<void> {
    for (const { id, namespace, pod, container, timestampMs } of await cadvisorRows(cluster, [
      'container_memory_working_set_bytes',
    ])) {
      if (timestampMs === undefined || (id !== '/' && (container === '' || namespace !== loadNamespace))) continue;
      const name = id === '/' ? 'node' : `${namespace}/${pod}/${container}`;
      this.#times.set(name, (this.#times.get(name) ?? new Set()).add(timestampMs));
    }
  }

  series(): [name: string, timesMs: number[]][] {
    return [...this.#times].map(([name, times]) => [name, [...times].sort((a, b) => a - b)]);
  }
}

describe('freshness', { skip: program.name !== 'kubegauge' && 'there is nothing to compare' }, () => {
  before(() => loads.running());

  test('the ages of what both serve', async (t) => {
    await using opened = new AsyncDisposableStack();
    const peer = await startPeer(shared);
    opened.defer(async () => {
      await peer.stop();
    });
    const sources = { kubegauge: source(), 'metrics-server': { ...source(peer.url), version: 'v1beta1' as const } };
    const beganMs = performance.now();
    await Promise.all(
      Object.entries(sources).map(async ([name, from]) => {
        await waitFor(`${name} to have all pods and the node`, () => ages(from), completeWithinMs, 1_000);
        t.diagnostic(`${name} had all ${((performance.now() - beganMs) / 1000).toFixed(0)} s after the pods ran`);
      }),
    );
    const seen = { kubegauge: [] as number[], 'metrics-server': [] as number[] };
    const samples = new SampleTimes();
    const endMs = performance.now() + watchedMs;
    for (let nextMs = performance.now(); nextMs < endMs; nextMs += everyMs) {
      const [ours, theirs] = await Promise.all([
        ages(sources.kubegauge),
        // It forgets a pod at each scrape that fails, and is not what is tested.
        ages(sources['metrics-server']).catch(() => []),
        samples.look(),
      ]);
      seen.kubegauge.push(...ours);
      seen['metrics-server'].push(...theirs);
      await sleep(Math.max(0, nextMs + everyMs - performance.now()));
    }
    for (const [name, seconds] of Object.entries(seen)) {
      const text = `median ${quantile(seconds, 0.5)} s, p95 ${quantile(seconds, 0.95)} s`;
      t.diagnostic(`${name}: ${text} of ${seconds.length} ages`);
    }
    for (const [name, timesMs] of samples.series()) {
      const distances = timesMs.slice(1).map((ms, at) => ((ms - (timesMs[at] ?? ms)) / 1000).toFixed(1));
      t.diagnostic(`${name} was sampled after ${distances.join(' ')} s`);
    }
    const file = process.env['KUBEGAUGE_E2E_SAMPLE_TIMES'];
    if (file !== undefined) await writeFile(file, JSON.stringify({ seen, samples: samples.series() }));
  });
});

function quantile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor(share * (sorted.length - 1))] ?? NaN).toFixed(1);
}
