/** Reports about metrics from kubelets, for /status and the doctor. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNode, type NodeRows } from './nodescrapes.ts';

const name = 'cpu_user_cores';
const rows: NodeRows = {
  runtime: 'containerd',
  pods: [{ namespace: 'default', name: 'web', containers: { app: [] } }],
};

test("a metric's last success is the last scrape of any node that had its series", () => {
  const under = createNode([name]);
  const last = () => under.source.reports().map(({ lastSuccessMs }) => lastSuccessMs);
  assert.deepEqual(last(), [undefined]);
  under.fallBack();
  assert.deepEqual(last(), [undefined]);
  under.scrape(rows);
  const scrapedMs = under.clock.wallMs();
  assert.deepEqual(last(), [scrapedMs]);
  // Longer than its samples are good.
  under.clock.jump(600_000);
  under.fallBack();
  assert.deepEqual(last(), [scrapedMs]);
});

test('a metric that is wanted since the last scrape has no success of it', async () => {
  const under = createNode([name]);
  under.scrape(rows);
  await under.get('processes', 'pods', 'default', 'web');
  const found = under.source.reports().map(({ rule, lastSuccessMs }) => [rule, lastSuccessMs]);
  assert.deepEqual(found, [
    [`${name}, wanted by a flag`, under.clock.wallMs()],
    ['processes, wanted by a request', undefined],
  ]);
});
