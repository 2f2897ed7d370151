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

test('emoji that terminals show in two columns are two wide, also those outside of the blocks of pictures', () => {
  const wide = [
    '\u231a',
    '\u26a1',
    '\u2705',
    '\u274c',
    '\u2b50',
    '\u{1f004}',
    '\u{1f680}',
    '\u6f22',
    '\uac00',
    '\u{20000}',
  ];
  assert.deepEqual(
    wide.filter((each) => widthOf(each) !== 2),
    [],
  );
  // Symbols that are emoji by a variation selector only.
  assert.deepEqual(
    ['\u2764', '\u26a0', '\u{1f321}', '\u2593', '\u2026'].filter((each) => widthOf(each) !== 1),
    [],
  );
});
