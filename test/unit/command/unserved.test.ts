import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createForeignPodWatch, createImplausibleWatch, seriesNodeLimit } from '../../../src/command/unserved.ts';
import { createRegistry } from '../../../src/monitoring.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createRecordingLog } from '../../fakes/recordinglog.ts';

test('pods of other nodes are counted by node, and those of nodes beyond the limit together', async () => {
  const registry = createRegistry();
  const clock = createFakeClock();
  const { log, lines } = createRecordingLog();
  const watch = createForeignPodWatch({ registry, clock, log });
  for (let index = 0; index < seriesNodeLimit + 2; index += 1) watch.foreign(`node-${index}`, 2, 'shop/web-0');
  const series = async () => {
    const metric = await registry.getSingleMetric('kubegauge_foreign_pods_total')?.get();
    return new Map(metric?.values.map(({ labels, value }) => [labels['node'], value]));
  };
  assert.equal((await series()).size, seriesNodeLimit + 1);
  assert.equal((await series()).get('node-0'), 2);
  assert.equal((await series()).get(''), 4);
  assert.equal(lines.length, seriesNodeLimit + 2);

  // A node that leaves makes room for another.
  watch.forget('node-0');
  watch.disputed('late', 1, 'shop/web-0');
  assert.equal((await series()).get('node-0'), undefined);
  assert.equal((await series()).get('late'), 1);
});

test('pods of other nodes are logged once per node and minute', async () => {
  const clock = createFakeClock();
  const { log, lines } = createRecordingLog();
  const watch = createForeignPodWatch({ registry: createRegistry(), clock, log });
  const line = 'warn: a kubelet reports pods of other nodes; they are not served';
  for (const node of ['a', 'b', 'a', 'b']) watch.foreign(node, 1, 'shop/web-0');
  assert.deepEqual(lines, [line, line]);
  await clock.advance(60_000);
  watch.foreign('a', 1, 'shop/web-0');
  assert.deepEqual(lines, [line, line, line]);
});

test('a node that reports pods of other nodes and disputed ones has a line for each', () => {
  const { log, lines } = createRecordingLog();
  const watch = createForeignPodWatch({ registry: createRegistry(), clock: createFakeClock(), log });
  watch.foreign('a', 1, 'shop/web-0');
  watch.disputed('a', 1, 'shop/web-1');
  assert.deepEqual(lines, [
    'warn: a kubelet reports pods of other nodes; they are not served',
    'warn: several kubelets report pods that the API places on no node; they are not served',
  ]);
});

test('implausible samples are counted without a node, and logged once per node and minute', async () => {
  const registry = createRegistry();
  const { log, lines } = createRecordingLog();
  const report = createImplausibleWatch({ registry, clock: createFakeClock(), log });
  for (const node of ['a', 'b', 'a']) report(node, 'pod shop/web-0', 'memory');
  const metric = await registry.getSingleMetric('kubegauge_implausible_samples_total')?.get();
  assert.deepEqual(
    metric?.values.map(({ labels, value }) => ({ labels, value })),
    [{ labels: {}, value: 3 }],
  );
  const line = 'warn: a sample exceeds the capacity of its node; it is not served';
  assert.deepEqual(lines, [line, line]);
});
