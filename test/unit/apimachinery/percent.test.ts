import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { percentDecode } from '../../../src/apimachinery/percent.ts';

describe('what is percent-encoded', () => {
  const check = (text: string, expected: string | undefined) =>
    test(JSON.stringify(text), () => assert.equal(percentDecode(text), expected));
  check('', '');
  check('a+b', 'a+b');
  check('a%2Fb%2fc', 'a/b/c');
  check('%C3%A9', '\u00e9');
  check('\u00c3\u00a9', '\u00e9'); // the same two bytes, as Node hands them over
  check('\u00c3%A9', '\u00e9');
  check('%25%32%35', '%25');
  check('%e4', '\ufffd');
  check('%', undefined);
  check('%2', undefined);
  check('a%2xb', undefined);
  check('%%2f', undefined);
});

const hexOf = (byte: number, isUpper: boolean) => {
  const hex = byte.toString(16).padStart(2, '0');
  return isUpper ? hex.toUpperCase() : hex;
};

test('any bytes are decoded, however many are encoded', () => {
  const byte = fc.record({ byte: fc.nat(255), isEncoded: fc.boolean(), isUpper: fc.boolean() });
  fc.assert(
    fc.property(fc.array(byte), (bytes) => {
      const text = bytes.map((each) =>
        each.isEncoded || each.byte === 0x25 ? `%${hexOf(each.byte, each.isUpper)}` : String.fromCharCode(each.byte),
      );
      const expected = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
        Uint8Array.from(bytes, (each) => each.byte),
      );
      assert.equal(percentDecode(text.join('')), expected);
    }),
    { numRuns: 500 },
  );
});

test('any text is decoded or malformed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const isWellFormed = text
        .split('%')
        .slice(1)
        .every((rest) => /^[0-9a-f]{2}/i.test(rest));
      assert.equal(percentDecode(text) !== undefined, isWellFormed);
    }),
  );
});
