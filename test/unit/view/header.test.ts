/** The header waits for one round trip, as the rows do, so that it is not drawn after them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { badRequest } from '../../../src/apimachinery/status.ts';
import { systemClock } from '../../../src/clock.ts';
import { createHistoryReader, keeperLimit } from '../../../src/view/historyreader.ts';
import { nodeMetrics, podMetrics } from '../../../src/view/paths.ts';
import { createNodeReader } from '../../../src/view/nodereader.ts';
import type { Reads } from '../../../src/view/reads.ts';

test('which server it is takes one round trip for nodes', async () => {
  const asked: string[] = [];
  const answers = Promise.withResolvers<void>();
  const refusal: Reads['refusal'] = async (_what, _path, { sinceSeconds = '' }) => {
    asked.push(sinceSeconds);
    await answers.promise;
    return sinceSeconds === '0' ? badRequest('sinceSeconds: 0') : undefined;
  };
  const keeper = createHistoryReader({ refusal } as Reads, systemClock).keeper(nodeMetrics);
  assert.deepEqual(asked.toSorted(), ['0', '1']);
  answers.resolve();
  assert.equal(await keeper, 'kubegauge');
});

test('views for the header do not wait for the causes of missing usages', async () => {
  const reads = {
    async *pages() {
      yield [{ metadata: { name: 'node-a' } }];
    },
    causes: () => new Promise(() => undefined),
  } as unknown as Reads;
  const usages = { nodes: async () => new Map() } as unknown as Parameters<typeof createNodeReader>[1];
  const { nodes } = await createNodeReader(reads, usages, {
    clock: systemClock,
    sources: { refresh: async () => undefined, of: () => undefined, expect: () => undefined },
    waitsForAll: false,
  }).viewsWithoutCauses();
  assert.deepEqual(
    nodes.map(({ name, reason }) => [name, reason]),
    [['node-a', 'the server has no usage of it']],
  );
});

test('of the namespaces whose server is known, those that were read last are kept', async () => {
  let asked = 0;
  const refusal: Reads['refusal'] = async () => {
    asked += 1;
    return undefined;
  };
  const { keeper } = createHistoryReader({ refusal } as Reads, systemClock);
  for (let at = 0; at <= keeperLimit; at += 1) await keeper(podMetrics(`ci-${at}`));
  assert.equal(asked, keeperLimit + 1);
  await keeper(podMetrics(`ci-${keeperLimit}`));
  assert.equal(asked, keeperLimit + 1);
  await keeper(podMetrics('ci-0'));
  assert.equal(asked, keeperLimit + 2);
});
