/** Golden values are from Go's %q. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { excerpt, excerptLimit, quote } from '../../../src/apimachinery/quote.ts';

describe('quoted', () => {
  check('nope', '"nope"');
  check('', '""');
  check('a"b\\c', '"a\\"b\\\\c"');
  check('\x00\x1b\x7f', '"\\x00\\x1b\\x7f"');
  check('\x07\b\f\n\r\t\v', '"\\a\\b\\f\\n\\r\\t\\v"');
  check('jos\u00e9 \u65e5 \u{1f600}', '"jos\u00e9 \u65e5 \u{1f600}"');
  check('\u00a0\u200b\u2028', '"\\u00a0\\u200b\\u2028"');
  check('\u{e0001}', '"\\U000e0001"');
  check('\ud800', '"\ufffd"'); // half a character is not text
});

function check(text: string, quoted: string): void {
  test(quoted, () => assert.equal(quote(text), quoted));
}

test('a text beyond the limit of an excerpt is cut', () => {
  assert.equal(excerpt('a'.repeat(excerptLimit)), 'a'.repeat(excerptLimit));
  assert.equal(excerpt('a'.repeat(excerptLimit + 1)), `${'a'.repeat(excerptLimit)}...`);
  for (const character of ['a', '<', '"', '\u0001', '\u{e0001}']) {
    const { length } = quote(character.repeat(1_000_000));
    assert.ok(
      length <= excerptLimit * 4 + 5 || (character === '\u{e0001}' && length <= excerptLimit * 5 + 5),
      `${length}`,
    );
  }
  assert.equal(quote('\u{1f600}'.repeat(excerptLimit)).isWellFormed(), true);
});
