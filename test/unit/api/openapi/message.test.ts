/** Bytes are those of the protobuf encoding's own documentation, or worked out by hand after it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { each, flag, message, named, one, text, wrapped, wrappedFlag } from '../../../../src/api/openapi/message.ts';

describe('a message', () => {
  const encode = message({ name: one(2), tags: each(4), hidden: flag(19), inner: one(20, wrapped(1, text)) }, 31);
  const check = (name: string, value: object, hex: string) =>
    test(name, () => assert.equal(encode(value).toString('hex'), hex));
  check('text', { name: 'testing' }, '120774657374696e67');
  check('nothing, also where a value is undefined', { name: undefined }, '');
  check('a list: a field for each item', { tags: ['a', ''] }, '2201612200');
  check('true, with a tag of two bytes', { hidden: true }, '980101');
  check('false is not written', { hidden: false }, '');
  check('a message in a message', { inner: 'a' }, 'a201030a0161');
  check('fields in the order of their numbers', { inner: 'a', name: 'b' }, '120162a201030a0161');
  check('a length of two bytes', { name: 'a'.repeat(200) }, `12c801${'61'.repeat(200)}`);
  check('an extension as YAML', { 'x-a': 'list' }, `fa010e0a03782d6112071205${Buffer.from('list\n').toString('hex')}`);

  test('rejects a key that its table lacks, and a value of another type', () => {
    assert.throws(() => encode({ pattern: 'a' }), /does not know pattern/);
    assert.throws(() => encode({ constructor: 'a' }), /does not know constructor/);
    assert.throws(() => encode({ name: 7 }), /7 should be a text/);
    assert.throws(() => encode('a'), /"a" should be an object/);
  });

  test('has lists and objects as YAML in its extensions', () => {
    const yaml = (value: unknown) => encode({ 'x-a': value }).toString('latin1');
    assert.ok(yaml(['a', 'b']).endsWith('- a\n- b\n'));
    assert.ok(yaml([{ group: '', kind: 'A' }]).endsWith('- group: ""\n  kind: A\n'));
  });
});

test('a map is a message of names and values', () => {
  assert.equal(named(1, text)({ a: 'b' }).toString('hex'), '0a060a0161120162');
});

test('a flag in a choice is written even when it is false', () => {
  assert.equal(wrappedFlag(2)(false).toString('hex'), '1000');
  assert.equal(wrappedFlag(2)(true).toString('hex'), '1001');
});
