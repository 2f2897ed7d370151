import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRegistry } from '../../../../src/monitoring.ts';
import { createScrapeMetrics, nodeHistogramLimit } from '../../../../src/scrape/report/scrapemetrics.ts';

const histogram = 'metrics_server_kubelet_request_duration_seconds';

function setUp() {
  const registry = createRegistry();
  const metrics = createScrapeMetrics(registry, 15_000);
  const text = () => registry.metrics();
  return { metrics, text };
}

test('a limited number of nodes have a histogram of their own; that of all nodes has every scrape', async () => {
  const { metrics, text } = setUp();
  const count = nodeHistogramLimit + 10;
  for (let node = 0; node < count; node += 1) metrics.observe(`node-${node}`, true, 0.1, 0);
  const before = await text();
  assert.equal(before.match(new RegExp(`^${histogram}_count`, 'gm'))?.length, nodeHistogramLimit);
  assert.match(before, new RegExp(`^kubegauge_kubelet_request_duration_seconds_count ${count}$`, 'm'));
  metrics.remove('node-0');
  metrics.observe(`node-${count - 1}`, true, 0.1, 0);
  assert.match(await text(), new RegExp(`^${histogram}_count\\{node="node-${count - 1}"\\} 1$`, 'm'));
});

test('the series of a node that left are removed', async () => {
  const { metrics, text } = setUp();
  metrics.observe('leaves', true, 0.1, 0);
  metrics.source('leaves', 'cadvisor');
  metrics.remove('leaves');
  assert.doesNotMatch(await text(), /leaves/);
});

test('the buckets of a cycle are close together around the resolution', async () => {
  const { metrics, text } = setUp();
  metrics.cycle(14);
  const bounds = [...(await text()).matchAll(/^metrics_server_manager_tick_duration_seconds_bucket\{le="([^"]+)"\}/gm)];
  assert.deepEqual(
    bounds.slice(-6).map(([, bound]) => bound),
    ['10', '12.5', '15', '22.5', '30', '+Inf'],
  );
});

test('the number of worker threads is exposed, also if it is 0', async () => {
  const { metrics, text } = setUp();
  assert.match(await text(), /^kubegauge_scrape_workers 0$/m);
  metrics.workers(2);
  assert.match(await text(), /^kubegauge_scrape_workers 2$/m);
});
