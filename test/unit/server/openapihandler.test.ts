/** Answers are compared with what metrics-server v0.9.0 was seen to answer. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { metricsOpenApi } from '../../../src/api/openapi/metricsgroup.ts';
import { createOpenApi } from '../../../src/api/openapi/openapi.ts';
import { createOpenApiHandlers } from '../../../src/server/openapihandler.ts';
import type { ShortReply } from '../../../src/server/reply.ts';
import { requestInfo } from '../../../src/server/requestinfo.ts';

const openApi = createOpenApi({ title: 'kubegauge', version: 'v1.2.3' }, [metricsOpenApi()]);
const endpoints = createOpenApiHandlers(openApi, () => Date.UTC(2026, 10, 22, 19, 50, 57));
const v1 = '/openapi/v3/apis/metrics.k8s.io/v1';

async function ask(target: string, headers: Readonly<Record<string, string>> = {}): Promise<ShortReply> {
  const info = requestInfo('GET', target);
  const endpoint = info && endpoints.get(info.path);
  assert.ok(endpoint, target);
  return endpoint({
    info,
    header: (name) => headers[name] ?? '',
    signal: () => new AbortController().signal,
    caller: { kind: 'user', name: 'alice' },
  });
}

const hash = openApi.v3.get('apis/metrics.k8s.io/v1')?.hash ?? '';
const protobuf = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

describe('v2 in the media type of Accept', () => {
  const check = (accept: string, expected: string) =>
    test(`${accept || '(none)'}: ${expected || 406}`, async () => {
      const { status, contentType, body, headers } = await ask('/openapi/v2', { accept });
      assert.equal(contentType, expected);
      assert.equal(status, expected === '' ? 406 : 200);
      assert.equal(headers?.['vary'], 'Accept-Encoding, Accept');
      const bodies = new Map([
        ['application/json', openApi.v2.json],
        [protobuf, openApi.v2.protobuf()],
      ]);
      assert.equal(Buffer.compare(Buffer.from(body), bodies.get(expected) ?? Buffer.alloc(0)), 0);
    });
  check('', 'application/json');
  check('application/json', 'application/json');
  check('application/json;g=x', 'application/json');
  check('*/*', 'application/json');
  check('application/*', 'application/json');
  check('text/*,application/json', 'application/json');
  check('text/html;q=1,*/*;q=0.1', 'application/json');
  check(protobuf, protobuf);
  check(protobuf.replace('v2.v1', 'v2@v1'), protobuf);
  check(`${protobuf},application/json`, protobuf);
  check(`application/json;q=0.1,${protobuf};q=0.5`, protobuf);
  check('text/html', '');
  check('foo', '');
  check(', ,', '');
  check(protobuf.replace('v2', 'v3'), '');
});

describe('v2 is compressed by Accept-Encoding', () => {
  const check = (acceptEncoding: string, expected: boolean) =>
    test(acceptEncoding, async () => {
      const { body, headers } = await ask('/openapi/v2', { 'accept-encoding': acceptEncoding });
      assert.equal(headers?.['content-encoding'], expected ? 'gzip' : undefined);
      const plain = expected ? gunzipSync(body) : Buffer.from(body);
      assert.equal(Buffer.compare(plain, openApi.v2.json), 0);
      assert.equal(headers?.['etag'], `"${openApi.v2.hash}"`);
    });
  check('gzip', true);
  check('br, gzip;q=0.5', true);
  check('GZIP', true);
  check('identity', false);
  check('gzip;q=0', false);
  check('br, gzip; q=0.0', false);
  check('x-gzip', false);
});

describe('If-None-Match of a document', () => {
  const etag = `"${openApi.v2.hash}"`;
  const check = (ifNoneMatch: string, expected: number) =>
    test(`${ifNoneMatch.replace(openApi.v2.hash, '<hash>')}: ${expected}`, async () => {
      const reply = await ask('/openapi/v2', { 'if-none-match': ifNoneMatch, 'accept-encoding': 'gzip' });
      assert.equal(reply.status, expected);
      assert.equal(reply.headers?.['etag'], etag);
      if (expected === 304) assert.deepEqual([reply.contentType, reply.body], ['', '']);
    });
  check(etag, 304);
  check(`W/${etag}`, 304);
  check('*', 304);
  check(`"a", ${etag}`, 304);
  check('"a"', 200);
  check(openApi.v2.hash, 200);
});

describe('v3', () => {
  test('the index is served for any Accept header, and 304 for its ETag', async () => {
    const { status, contentType, headers, body } = await ask('/openapi/v3', { accept: 'text/html' });
    assert.deepEqual([status, contentType], [200, 'application/json']);
    assert.equal(Buffer.compare(Buffer.from(body), openApi.v3Index.json), 0);
    assert.equal((await ask('/openapi/v3', { 'if-none-match': headers?.['etag'] ?? '' })).status, 304);
  });

  test('a document may be cached for a year under a link with its hash', async () => {
    const { status, headers } = await ask(`${v1}?hash=${hash}`);
    assert.equal(status, 200);
    assert.deepEqual(headers, {
      vary: 'Accept',
      'cache-control': 'public, immutable',
      expires: 'Mon, 22 Nov 2027 19:50:57 GMT',
      etag: `"${hash}"`,
    });
  });

  test('a document may not be cached under a link without a hash', async () => {
    for (const target of [v1, `${v1}?hash=`])
      assert.deepEqual((await ask(target)).headers, { vary: 'Accept', etag: `"${hash}"` });
  });

  test('a link with an unknown hash leads to the current document, which may be cached for some seconds', async () => {
    for (const unknown of ['ABC', hash.toLowerCase(), `${hash}0`]) {
      const { status, contentType, headers, body } = await ask(`${v1}?hash=${unknown}`);
      assert.deepEqual([status, contentType], [200, 'application/json']);
      assert.deepEqual(headers, { vary: 'Accept', 'cache-control': 'public, max-age=10', etag: `"${hash}"` });
      assert.equal(
        Buffer.compare(Buffer.from(body), openApi.v3.get('apis/metrics.k8s.io/v1')?.json ?? Buffer.alloc(0)),
        0,
      );
    }
  });

  test('a link with an unknown hash and the current ETag is answered by 304', async () => {
    const { status, headers } = await ask(`${v1}?hash=ABC`, { 'if-none-match': `"${hash}"` });
    assert.deepEqual([status, headers?.['cache-control']], [304, 'public, max-age=10']);
  });

  test('the ETag gets 304, and an unknown media type 406 without a body', async () => {
    assert.equal((await ask(`${v1}?hash=${hash}`, { 'if-none-match': `"${hash}"` })).status, 304);
    const { status, body, contentType } = await ask(v1, { accept: 'text/html' });
    assert.deepEqual([status, body, contentType], [406, '', '']);
  });

  test('a document is served as protobuf', async () => {
    const type = protobuf.replace('v2', 'v3');
    const { contentType, body } = await ask(v1, { accept: type.replace('v3.', 'v3@') });
    assert.equal(contentType, type);
    assert.ok(Buffer.from(body).subarray(0, 7).equals(Buffer.from('\n\x053.0.0', 'latin1')));
  });
});
