import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { compress } from '../../../src/server/compress.ts';
import { jsonReply } from '../../../src/server/reply.ts';

const large = Buffer.alloc(131_073, 'a');

describe('131,073 bytes are', () => {
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

test('131,072 bytes are never compressed', async () => {
  const reply = jsonReply(large.subarray(1));
  assert.equal(await compress(reply, 'gzip'), reply);
});
