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

test("a pod is not served without a container that is sampled seldom, after its node's clock was set", async () => {
  const under = createNode([name]);
  const counter = (value: number) => [{ family: 'container_cpu_user_seconds_total', value }];
  const scrape = (seconds: number, side: boolean, hasStepped = false) => {
    const containers = { app: counter(10 + seconds), side: side ? counter(100 + 2 * seconds) : [] };
    under.scrape({ ...rows, pods: [{ namespace: 'shop', name: 'web-0', containers }] }, 0, hasStepped);
  };
  const served = async () =>
    (await under.get(name, 'pods', 'shop', 'web-0')).samples.map(({ valueMilli }) => valueMilli);
  const [none, both] = [[], [3_000n]];
  const seen: unknown[] = [];
  for (const [seconds, side] of [
    [0, true],
    [15, true],
    [30, false],
    [45, false],
    [60, true],
    [75, true],
  ] as const) {
    scrape(seconds, side, seconds === 30);
    seen.push(await served());
    await under.clock.advance(14_000);
    seen.push(await served());
    await under.clock.advance(1_000);
  }
  assert.deepEqual(seen, [none, none, ...Array.from({ length: 7 }, () => both), none, both, both]);
});
