/** external.metrics.k8s.io over the wire. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { ExternalSample } from '../../src/metricsource/source.ts';
import { startValueServer, type ValueServer } from './valueserver.ts';

const X = '/apis/external.metrics.k8s.io/v1beta1';
const shop = `${X}/namespaces/shop`;
const timestampMs = Date.UTC(2026, 10, 29, 1, 9, 35);

let server: ValueServer;
before(async () => {
  server = await startValueServer();
});
after(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  server.source.external = ['queue_depth', 'queue_total'];
  server.source.onExternal = () => [sample({ queue: 'orders' }, 30_000n), sample({ queue: 'mails' }, 12_000n)];
  server.source.externalQuestions.length = 0;
});

function sample(labels: Readonly<Record<string, string>> | undefined, valueMilli: bigint): ExternalSample {
  return { labels: labels && new Map(Object.entries(labels)), timestampMs, valueMilli };
}

const ask = (target: string, options: Parameters<ValueServer['ask']>[1] = {}) => server.ask(target, options);

describe('an external metric', () => {
  test("has an item for each series, in the source's order, with the sample's time and all labels", async () => {
    assert.equal(
      (await ask(`${shop}/queue_depth`)).text,
      '{"kind":"ExternalMetricValueList","apiVersion":"external.metrics.k8s.io/v1beta1","metadata":{},"items":[{"metricName":"queue_depth","metricLabels":{"queue":"orders"},"timestamp":"2026-11-29T01:09:35Z","value":"30"},{"metricName":"queue_depth","metricLabels":{"queue":"mails"},"timestamp":"2026-11-29T01:09:35Z","value":"12"}]}\n',
    );
  });

  test('that is a scalar has metricLabels null, and one without labels has none', async () => {
    server.source.onExternal = () => [sample(undefined, 42_000n)];
    assert.match((await ask(`${shop}/queue_total`)).text, /"metricLabels":null,/);
    server.source.onExternal = () => [sample({}, 42_000n)];
    assert.match((await ask(`${shop}/queue_total`)).text, /"metricLabels":\{\},/);
  });

  test('with a window has the key window', async () => {
    server.source.onExternal = () => [{ ...sample({}, 1000n), windowSeconds: 60 }];
    assert.match((await ask(`${shop}/queue_total`)).text, /"timestamp":"2026-11-29T01:09:35Z","window":60,"value":"1"/);
  });

  test('without a value is an empty list, and an unknown one is a 404', async () => {
    server.source.onExternal = () => [];
    const empty = await ask(`${shop}/queue_depth`);
    assert.deepEqual([empty.status, empty.body.items], [200, []]);
    for (const namespace of ['shop', 'default']) {
      const { status, body } = await ask(`${X}/namespaces/${namespace}/nope`);
      assert.deepEqual([status, body.message], [404, 'the server could not find the metric nope for ']);
    }
  });

  test('of a namespace whose name none can have is an empty list, and no source writes it into a query', async () => {
    const { status, body } = await ask(`${X}/namespaces/${encodeURIComponent('shop"} or secret{a="')}/queue_depth`);
    assert.deepEqual([status, body.items], [200, []]);
    assert.equal(server.source.externalQuestions.length, 0);
  });

  test("is selected by labelSelector, which is the metric's; metricLabelSelector is ignored", async () => {
    await ask(`${shop}/queue_depth?labelSelector=queue%3Dorders&metricLabelSelector=a%3D%3D%3Db`);
    const [question] = server.source.externalQuestions;
    assert.deepEqual([question?.metric, question?.namespace], ['queue_depth', 'shop']);
    assert.deepEqual(question?.selector.requirements, [
      { key: 'queue', operator: 'In', values: ['orders'], isSet: false },
    ]);
  });

  test('is refused by 400 with a malformed selector, and with one that no source can apply', async () => {
    for (const selector of ['a%3D%3D%3Db', 'queue%3E1', 'a-b%3Dc']) {
      assert.equal((await ask(`${shop}/queue_depth?labelSelector=${selector}`)).status, 400);
    }
    assert.equal(server.source.externalQuestions.length, 0);
  });

  test('is not watched: 405 with details', async () => {
    const { status, body } = await ask(`${shop}/queue_depth?watch=true`);
    assert.equal(status, 405);
    assert.equal(body.message, 'watch is not supported on resources of kind "*.external.metrics.k8s.io"');
    assert.deepEqual(body.details, { group: 'external.metrics.k8s.io', kind: '*' });
  });

  test('ignores limit, fieldSelector and resourceVersion; resourceVersionMatch alone is a 422', async () => {
    const { text } = await ask(`${shop}/queue_depth`);
    for (const query of ['limit=1', 'fieldSelector=metadata.name%3Da', 'resourceVersion=abc']) {
      assert.equal((await ask(`${shop}/queue_depth?${query}`)).text, text);
    }
    const { status, body } = await ask(`${shop}/queue_depth?resourceVersionMatch=Exact`);
    assert.equal(status, 422);
    assert.equal(body.reason, 'Invalid');
  });

  test('is read at no other path and by no other method', async () => {
    for (const path of ['queue_depth', 'namespaces/shop/queue_depth/orders', 'namespaces/shop']) {
      const { status, body } = await ask(`${X}/${path}`);
      assert.deepEqual([status, body.message], [404, 'the server could not find the requested resource']);
    }
    assert.equal((await ask(`${shop}/queue_depth/`)).status, 200);
    for (const method of ['HEAD', 'POST', 'DELETE'] as const) {
      assert.equal((await ask(`${shop}/queue_depth`, { method })).status, 405);
    }
  });

  test("is protobuf with the adapter's order of fields, and neither a table nor metadata", async () => {
    const headers = { accept: 'application/vnd.kubernetes.protobuf' };
    const hex = (await ask(`${shop}/queue_depth`, { headers })).bytes.toString('hex');
    const name = Buffer.from('queue_depth').toString('hex');
    const labels = `120f0a05${Buffer.from('queue').toString('hex')}1206${Buffer.from('orders').toString('hex')}`;
    assert.ok(hex.includes(`0a0b${name}${labels}1a0808`), hex);
    for (const kind of ['Table', 'PartialObjectMetadataList']) {
      const accept = `application/json;as=${kind};v=v1;g=meta.k8s.io`;
      assert.equal((await ask(`${shop}/queue_depth`, { headers: { accept } })).status, 406);
    }
  });
});
