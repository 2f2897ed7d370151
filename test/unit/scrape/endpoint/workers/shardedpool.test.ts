/** Which pool reads a node while the number of workers changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadResult } from '../../../../../src/scrape/endpoint/readresult.ts';
import type { KubeletReaderPool } from '../../../../../src/scrape/endpoint/readerpool.ts';
import type { FleetSize } from '../../../../../src/scrape/endpoint/workers/workercount.ts';
import { createShardedPool } from '../../../../../src/scrape/endpoint/workers/shardedpool.ts';

const at = [{ host: '127.0.0.1', port: 10250 }] as const;
const { signal } = new AbortController();
const names = Array.from({ length: 1_000 }, (_, index) => `node-${index}`);

interface Place extends KubeletReaderPool {
  /** The nodes that it was asked for and that were not released. */
  readonly nodes: Set<string>;
  disposed: boolean;
}

function createPlace(answer: () => ReadResult): Place {
  const nodes = new Set<string>();
  const place: Place = {
    nodes,
    disposed: false,
    of(node) {
      const read = async () => {
        nodes.add(node);
        return answer();
      };
      return { cadvisor: read, resource: read };
    },
    release: (node) => void nodes.delete(node),
    async [Symbol.asyncDispose]() {
      place.disposed = true;
    },
  };
  return place;
}

function rig(workerCount: (fleet: FleetSize) => number) {
  let result = batch(true);
  const answer = () => result;
  const local = createPlace(answer);
  const workers: Place[] = [];
  const grown: number[] = [];
  const startWorker = () => workers[workers.push(createPlace(answer)) - 1] ?? assert.fail();
  const spread = createShardedPool({ local, startWorker, workerCount, onGrown: (count) => grown.push(count) });
  const answerWith = (next: ReadResult) => void (result = next);
  return { local, workers, grown, spread, answerWith };
}

function batch(filtered: boolean): ReadResult {
  const layout = { version: 1, pods: [] };
  const numbers = new Float64Array(0);
  return {
    kind: 'batch',
    batch: { node: 'node', source: 'cadvisor', hasSwap: undefined, layout, numbers },
    filtered,
    doubts: undefined,
    address: '127.0.0.1:10250',
    verifiedBy: 'address',
    wireBytes: 1,
    nodeTimeMs: 1,
    dateMs: 1,
  };
}

test('nodes are read in this thread, then each by one worker, and are released where they were', async () => {
  let wanted = 0;
  const { local, workers, grown, spread } = rig(() => wanted);
  const endpoints = names.map((name) => spread.of(name));
  const askAll = () => Promise.all(endpoints.map((endpoint) => endpoint.cadvisor(at, signal)));
  await askAll();
  assert.deepEqual([local.nodes.size, workers.length], [1_000, 0]);

  wanted = 2;
  spread.of('one more');
  assert.deepEqual(grown, [2]);
  await askAll();
  await askAll();
  assert.equal(local.nodes.size, 0);
  const [first, second] = workers.map(({ nodes }) => nodes);
  assert.ok(first && second && first.size + second.size === 1_000);
  assert.ok(Math.abs(first.size - second.size) < 100, `${first.size} and ${second.size}`);

  const [one] = first;
  assert.ok(one !== undefined);
  spread.release(one);
  assert.ok(!first.has(one));
  await spread[Symbol.asyncDispose]();
  assert.deepEqual(
    [local, ...workers].map(({ disposed }) => disposed),
    [true, true, true],
  );
});

test('there are never fewer workers than before', async () => {
  let wanted = 2;
  const { workers, grown, spread } = rig(() => wanted);
  spread.of('node-a');
  wanted = 0;
  await spread.of('node-b').cadvisor(at, signal);
  assert.equal(workers.length, 2);
  assert.deepEqual(grown, [2]);
});

test('nodes that join, leave, or send full bodies change the counts', async () => {
  let seen: FleetSize = { nodes: 0, full: 0 };
  const { spread, answerWith } = rig((fleet) => {
    seen = fleet;
    return 0;
  });
  const [a, b] = [spread.of('node-a'), spread.of('node-b')];
  answerWith(batch(false));
  await a.cadvisor(at, signal);
  await a.cadvisor(at, signal);
  await b.cadvisor(at, signal);
  assert.deepEqual(seen, { nodes: 2, full: 2 });
  answerWith(batch(true));
  await a.cadvisor(at, signal);
  assert.deepEqual(seen, { nodes: 2, full: 1 });
  spread.release('node-b');
  await b.cadvisor(at, signal);
  spread.of('node-c');
  assert.deepEqual(seen, { nodes: 2, full: 0 });
});
