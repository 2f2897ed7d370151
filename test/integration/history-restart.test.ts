/** The history over a restart of the whole program: SIGTERM leaves it in its file, and the next process serves it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { field, text } from '../../src/client/json.ts';
import { pointOf, type Replica, startReplica } from '../fakes/replica.ts';
import { nodeNames, podNode, recentStartMs, startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const metrics = '/apis/metrics.k8s.io/v1';
const nodePoints = `${metrics}/nodes?sinceSeconds=3600`;
const podPoints = `${metrics}/pods?sinceSeconds=3600`;
/** Nothing listens there. */
const noKubelets = ['--kubelet-use-node-status-port=false', '--kubelet-port=1'];

let folder: string;
let cluster: WholeCluster;
before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
  // Recent enough for the first sample of the program to be a usage.
  cluster = await startWholeCluster([], { startTimeMs: recentStartMs() + 6_000 });
});
after(async () => {
  await cluster[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const hasAny = (found: readonly unknown[]) => found.length > 0;
const namesOf = (points: readonly unknown[]) =>
  new Set(points.map((point) => text(field(field(point, 'metadata'), 'name')) ?? ''));

/** Returns the points of nodes, once each has one, and of pods. */
async function pointsOf(replica: Replica) {
  const nodes = await replica.list(nodePoints, (found) => namesOf(found).size === nodeNames.length);
  return { nodes, pods: await replica.list(podPoints, hasAny) };
}

/** Each of them has to be among the others, unchanged: name, timestamp, window and usage. */
function assertAmong(old: readonly unknown[], all: readonly unknown[]): void {
  const known = new Set(all.map(pointOf));
  assert.deepEqual(
    old.map(pointOf).filter((point) => !known.has(point)),
    [],
  );
}

test('the points of before are served unchanged after a restart, also while no kubelet answers', async () => {
  const snapshot = `--snapshot-path=${path.join(folder, 'snapshot')}`;
  await using first = await startReplica(cluster, [snapshot]);
  const before = await pointsOf(first);
  assert.equal(await first.terminate(), 0, first.output());

  // A process that keeps no history leaves the file of another one alone.
  await using without = await startReplica(cluster, [snapshot, '--history=0', ...noKubelets]);
  await without.list(`${metrics}/nodes`, hasAny);
  assert.equal(await without.terminate(), 0, without.output());

  await using second = await startReplica(cluster, [snapshot, ...noKubelets]);
  const after = await pointsOf(second);
  assertAmong(before.nodes, after.nodes);
  assertAmong(before.pods, after.pods);
  const ofNode = await second.list(`${nodePoints}&fieldSelector=metadata.name=${podNode}`, hasAny);
  assert.deepEqual(namesOf(ofNode), new Set([podNode]));
  assert.equal(await second.terminate(), 0, second.output());

  // It is handed on by a process that has never scraped.
  await using third = await startReplica(cluster, [snapshot, ...noKubelets]);
  const last = await pointsOf(third);
  assertAmong(before.nodes, last.nodes);
  assertAmong(before.pods, last.pods);
});
