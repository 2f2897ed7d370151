/** Columns of a terminal: widths, cuts, and text from outside. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fit, paintSpans, widthOf } from '../../../src/terminal/text.ts';

test('wide characters take two columns, and marks that combine none', () => {
  assert.equal(widthOf('web'), 3);
  assert.equal(widthOf('東京'), 4);
  assert.equal(widthOf('e\u0301'), 1);
});

test('a text is padded or cut to its columns', () => {
  assert.equal(fit('web', 5), 'web  ');
  assert.equal(fit('web', 5, 'right'), '  web');
  assert.equal(fit('abcdef', 4), 'abc~');
  assert.equal(fit('東京都', 4), '東~ ');
  assert.equal(fit('abc', 0), '');
});

test('a line has no more columns than it may have, and no control character of a text', () => {
  const spans = [{ text: 'a\u001b[31mb\n', tone: 'bad' as const }, { text: 'long'.repeat(10) }];
  const line = paintSpans(spans, 20, false);
  assert.equal(line, String.raw`a\x1b[31mb\x0alongl~`);
  assert.equal(widthOf(line), 20);
});

test('tones are sequences around the text, only with colours', () => {
  assert.equal(paintSpans([{ text: 'x', tone: 'good' }], 5, true), '\u001b[32mx\u001b[39m');
  assert.equal(paintSpans([{ text: 'x', tone: 'good' }], 5, false), 'x');
});
