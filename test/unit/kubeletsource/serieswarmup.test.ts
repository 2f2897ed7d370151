/** When a server that has just started serves custom metrics as one that has run for long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNode, type NodeRows } from './nodescrapes.ts';

const metric = 'network_receive_bytes_per_second';

const rows = (bytes: number): NodeRows => ({
  runtime: 'containerd',
  pods: [
    {
      namespace: 'shop',
      name: 'web-0',
      containers: { app: [] },
      sandbox: [{ family: 'container_network_receive_bytes_total', value: bytes, labels: { interface: 'eth0' } }],
    },
  ],
});

test('it is warm with the second samples of what is wanted', async () => {
  const under = createNode([metric]);
  assert.equal(under.store.isWarm(), false, 'before the first scrape');
  under.scrape(rows(0));
  assert.equal(under.store.isWarm(), false, 'with one sample');
  await under.clock.advance(15_000);
  under.scrape(rows(150));
  assert.equal(under.store.isWarm(), true);
  assert.equal(await under.valueOf(metric), 10);
});

test('without demand it is warm with the first scrape, and stays so', async () => {
  const under = createNode([]);
  under.scrape(rows(0));
  assert.equal(under.store.isWarm(), true);
  await under.get(metric, 'pods', 'shop', 'web-0');
  under.scrape(rows(1));
  assert.equal(under.store.isWarm(), true);
});

test('it waits for what autoscalers want, and no longer than for second samples', async () => {
  const under = createNode([], { isDemandKnown: () => false });
  under.scrape(rows(0));
  await under.clock.advance(44_999);
  assert.equal(under.store.isWarm(), false);
  await under.clock.advance(1);
  assert.equal(under.store.isWarm(), true);
});

test('a node that was scraped before the demand was known is waited for', async () => {
  let isKnown = false;
  const under = createNode([], { isDemandKnown: () => isKnown });
  under.scrape(rows(0));
  // The demand of a request is like that of an autoscaler.
  await under.get(metric, 'pods', 'shop', 'web-0');
  isKnown = true;
  assert.equal(under.store.isWarm(), false);
  under.store.forget('node-1');
  assert.equal(under.store.isWarm(), true);
});

test('pods without a value are taken for new ones after 30 s and a resolution', async () => {
  const under = createNode([metric]);
  under.scrape(rows(0));
  await under.clock.advance(44_999);
  assert.equal(under.store.isWarm(), false);
  await under.clock.advance(1);
  assert.equal(under.store.isWarm(), true);
});

test('nodes that have no such series are not waited for', async () => {
  const under = createNode([metric]);
  under.fallBack();
  assert.equal(under.store.isWarm(), true);
});
