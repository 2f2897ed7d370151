/** Tests what the normaliser removes, and what it must keep. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { differencesBetween } from '../../conformance/compare.ts';
import { verdict } from '../../conformance/judge.ts';
import { type NormaliseOptions, normalise } from '../../conformance/normalise.ts';

function answer(body: string | Buffer, headers: Readonly<Record<string, string>> = {}, options: NormaliseOptions = {}) {
  return normalise({ status: 200, headers: new Map(Object.entries(headers)), body: Buffer.from(body) }, options);
}

describe('times', () => {
  const check = (field: string, expected: unknown) =>
    test(field, () => assert.deepEqual(answer(`{${field}}\n`).body, expected));
  check('"timestamp":"2026-11-22T19:45:15Z"', { timestamp: '<timestamp>' });
  check('"timestamp":"2026-11-22T19:45:15.5Z"', { timestamp: '2026-11-22T19:45:15.5Z' });
  check('"timestamp":null', { timestamp: null });
  check('"window":"10s"', { window: '<window>' });
  check('"window":"10.0s"', { window: '10.0s' });
  check('"metadata":{"creationTimestamp":"2026-11-22T19:45:15Z"}', {
    metadata: { creationTimestamp: '<creationTimestamp>' },
  });
  check('"cells":["a","100m","1k","15s"]', { cells: ['a', '100m', '1k', '<window>'] });
});

test('containers have no order, keys and items do', () => {
  const containers = (...names: string[]) =>
    answer(`{"containers":[${names.map((name) => `{"name":"${name}"}`).join()}]}\n`);
  assert.deepEqual(differencesBetween(containers('a', 'b'), containers('b', 'a')), []);
  assert.equal(differencesBetween(answer('{"items":[1,2]}\n'), answer('{"items":[2,1]}\n')).length, 2);
  assert.deepEqual(differencesBetween(answer('{"a":1,"b":2}\n').body, answer('{"b":2,"a":1}\n').body), [
    ': keys a,b -> b,a',
  ]);
});

describe('the form of JSON', () => {
  const check = (text: string, form: string) => test(JSON.stringify(text), () => assert.equal(answer(text).form, form));
  check('{"a":"\\u003cb\\u003e"}\n', 'compact JSON');
  check('{"a":"<b>"}\n', 'text');
  check('{"a":1}', 'bare JSON');
  check('{"a":"<b>"}', 'unescaped JSON');
  check('{\n  "a": 1\n}', 'indented JSON');
  check('{\n  "a": 1\n}\n', 'text');
  check('{"a": 1}\n', 'text');
  check('', 'empty');
  check('ok', 'text');
});

test('of the headers only framing and dates are dropped', () => {
  const { headers } = answer('', {
    date: 'x',
    'content-length': '3',
    'audit-id': '0d3e1f2a-1111-4222-8333-444455556666',
    etag: `"${'A'.repeat(128)}"`,
    vary: 'Accept-Encoding\nAccept',
    warning: 'w',
  });
  assert.deepEqual(headers, {
    'audit-id': '<uuid>',
    etag: '"<sha512>"',
    vary: 'Accept-Encoding, Accept',
    warning: 'w',
  });
  assert.equal(answer('', { 'audit-id': 'x' }).headers['audit-id'], 'x');
});

test('gzip is undone, and stays visible in the header', () => {
  const { body, headers } = answer(gzipSync('{"a":1}\n'), { 'content-encoding': 'gzip' });
  assert.deepEqual(body, { a: 1 });
  assert.equal(headers['content-encoding'], 'gzip');
});

test('protobuf is read field by field, empty ones too', () => {
  const list =
    '6b3873000a290a166d6574726963732e6b38732e696f2f76316265746131120f4e6f64654d6574726963734c69737412080a060a0012001a001a002200';
  const { form, body } = answer(Buffer.from(list, 'hex'));
  assert.equal(form, 'protobuf');
  assert.deepEqual(body, [
    { typeMeta: [{ apiVersion: 'metrics.k8s.io/v1beta1' }, { kind: 'NodeMetricsList' }] },
    { raw: [{ metadata: [{ selfLink: '' }, { resourceVersion: '' }, { continue: '' }] }] },
    { contentEncoding: '' },
    { contentType: '' },
  ]);
});

test('protobuf with an unknown field is an error', () => {
  assert.throws(() => answer(Buffer.from('6b387300 2a00'.replace(' ', ''), 'hex')), /unknown field 5/);
});

describe('a stated difference', () => {
  const real = { status: 200, headers: {}, form: 'compact JSON', body: ['major', 'emulationMajor'] };
  test('holds when our answer is the one that follows', () => {
    assert.deepEqual(verdict({ differs: 'version' }, real, { ...real, body: ['major'] }), []);
  });
  test('fails when the answers are equal', () => {
    assert.match(verdict({ differs: 'version' }, real, real)[0] ?? '', /equal, although/);
  });
  test('fails when they differ in another way', () => {
    assert.match(verdict({ differs: 'version' }, real, { ...real, status: 500 })[0] ?? '', /other than stated/);
  });
});
