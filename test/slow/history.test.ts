/** The history goes on over a restart: a point a minute, so that this takes more than one. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { parseDuration } from '../../src/apimachinery/duration.ts';
import { field, text } from '../../src/client/json.ts';
import { pointOf, startReplica } from '../fakes/replica.ts';
import { podNode, startWholeCluster } from '../fakes/wholecluster.ts';

const points = `/apis/metrics.k8s.io/v1/nodes?sinceSeconds=3600&fieldSelector=metadata.name=${podNode}`;
/** A minute, a scrape, and a busy machine. */
const nextPointMs = 150_000;

test('the first point after a restart follows the last one of before, and is the mean since then', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
  t.after(() => rmSync(folder, { recursive: true }));
  await using cluster = await startWholeCluster();
  const snapshot = `--snapshot-path=${path.join(folder, 'snapshot')}`;
  await using first = await startReplica(cluster, [snapshot]);
  const before = await first.list(points, (found) => found.length > 0);
  assert.equal(await first.terminate(), 0, first.output());

  await using second = await startReplica(cluster, [snapshot]);
  const after = await second.list(points, (found) => found.length > before.length, nextPointMs);
  assert.deepEqual(after.slice(0, before.length).map(pointOf), before.map(pointOf));
  const [last, next] = [after[before.length - 1], after[before.length]];
  const atMs = (point: unknown) => Date.parse(text(field(point, 'timestamp')) ?? '');
  const sinceMs = atMs(next) - atMs(last);
  assert.ok(sinceMs > 0, `${sinceMs} ms`);
  // Windows are kept in whole seconds or less precisely.
  const windowMs = parseDuration(text(field(next, 'window')) ?? '') ?? Number.NaN;
  assert.ok(Math.abs(windowMs - sinceMs) <= 1_000, `window ${windowMs} ms, ${sinceMs} ms after the last point`);
});
