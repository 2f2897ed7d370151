import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { compress, compressMetrics, prefersGzip } from '../../../src/server/compress.ts';
import { jsonReply, type ShortReply } from '../../../src/server/reply.ts';

const large = Buffer.alloc(131_073, 'a');

describe('a response of 131,073 bytes with Accept-Encoding', () => {
  const check = (acceptEncoding: string, compressed: boolean) =>
    test(`${acceptEncoding || '(nothing)'}: ${compressed ? 'compressed' : 'as they are'}`, async () => {
      const { headers, body } = await compress(jsonReply(large), acceptEncoding);
      assert.equal(headers?.['content-encoding'], compressed ? 'gzip' : undefined);
      assert.equal(headers?.['vary'], compressed ? 'Accept-Encoding' : undefined);
      assert.ok(Buffer.isBuffer(body));
      assert.deepEqual(compressed ? gunzipSync(body) : body, large);
    });
  check('gzip', true);
  check('deflate, gzip , br', true);
  check('gzip;q=1.0', false);
  check('GZIP', false);
  check('identity', false);
  check('', false);
});

test('a response of 131,072 bytes is never compressed', async () => {
  const reply = jsonReply(large.subarray(1));
  assert.equal(await compress(reply, 'gzip'), reply);
});

describe('metrics of any length with Accept-Encoding', () => {
  const reply: ShortReply = { status: 200, contentType: 'text/plain', headers: { a: 'b' }, body: 'up 1' };
  const check = (acceptEncoding: string, compressed: boolean) =>
    test(`${acceptEncoding || '(nothing)'}: ${compressed ? 'compressed' : 'as they are'}`, async () => {
      assert.equal(prefersGzip(acceptEncoding), compressed);
      const { headers, body } = await compressMetrics(reply, acceptEncoding);
      assert.deepEqual(headers, compressed ? { a: 'b', 'content-encoding': 'gzip' } : { a: 'b' });
      assert.equal(compressed ? gunzipSync(body).toString() : body, 'up 1');
    });
  check('gzip', true);
  check(' gzip ', true);
  check('\tgzip\t', true);
  check('deflate , gzip , br', true);
  check('gzip;q=1.0', true);
  check('gzip ; q=0.5', true);
  check('identity;q=0.2, gzip;q=0.5', true);
  check('*, gzip', false);
  check('*', false);
  check('*;q=0, gzip', true);
  check('identity, gzip', false);
  check('gzip;q=0', false);
  check('gzip;level=1', false);
  check('gzip;q=2', false);
  check('deflate;level=1, gzip', false);
  check('deflate x, gzip', false);
  check(', gzip', false);
  check('GZIP', false);
  check('x-gzip', false);
  check('identity', false);
  check('', false);
});
