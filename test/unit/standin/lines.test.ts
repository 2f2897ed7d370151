import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { describe, test } from 'node:test';
import { cutText, heightOf, type Line, line, paint, tableLines, widthOf, wrapWords } from '../../standin/lines.ts';

const text = ({ spans }: Line): string => spans.map((span) => span.text).join('');

describe('lines for a terminal', () => {
  test('a text that is too long ends with two dots', () => {
    assert.equal(cutText('abcdef', 6), 'abcdef');
    assert.equal(cutText('abcdefg', 6), 'abcd..');
    assert.equal(cutText('abc', 1), '.');
    assert.equal(cutText('abc', 0), '');
  });

  test('characters that a terminal may show in two columns are counted as two', () => {
    assert.equal(widthOf('a\u6f22b'), 4);
    assert.equal(cutText('\u6f22\u6f22\u6f22', 5), '\u6f22..');
  });

  test('a line is cut by what is seen, and styled only where colours are wanted', () => {
    const styled = {
      spans: [
        { text: 'node-1', style: 'cyan' },
        { text: ' failing', style: 'red' },
      ],
    } as const;
    assert.equal(paint(styled, 9, false), 'node-1 ..');
    const coloured = paint(styled, 9, true);
    assert.notEqual(coloured, stripVTControlCharacters(coloured));
    assert.equal(stripVTControlCharacters(coloured), 'node-1 ..');
  });

  test('a line that wraps is not cut, and is as high as the terminal makes it', () => {
    const command = { spans: [{ text: 'x'.repeat(25) }], wraps: true };
    assert.equal(paint(command, 10, false).length, 25);
    assert.equal(heightOf(command, 10), 3);
    assert.equal(heightOf(command, 25), 1);
    assert.equal(heightOf(line('x'.repeat(25)), 10), 1);
  });

  test('a sentence breaks between words, and what is beyond the last row is cut', () => {
    assert.deepEqual(wrapWords('one two three four', 9, 3, ' '), [' one two', ' three', ' four']);
    assert.deepEqual(wrapWords('one two three four', 9, 2), ['one two', 'three f..'.slice(0, 9)]);
    assert.deepEqual(wrapWords('unbreakable', 6, 2), ['unbr..']);
  });
});

describe('a table', () => {
  const columns = [
    { title: 'NAME', cell: ({ name }: { name: string }) => ({ text: name }) },
    { title: 'CPU', isNumber: true, cell: () => ({ text: '12m' }) },
    { title: 'STATE', leftOut: 1, cell: () => ({ text: 'scraped' }) },
    { title: 'PORT', isNumber: true, leftOut: 2, cell: () => ({ text: '10250' }) },
  ];
  const at = (width: number): string[] =>
    tableLines(columns, [{ name: 'a' }, { name: 'longer-name' }], width).map((each) => text(each).trimEnd());

  test('has numbers to the right and texts to the left', () => {
    assert.deepEqual(at(80), [
      'NAME         CPU  STATE     PORT',
      'a            12m  scraped  10250',
      'longer-name  12m  scraped  10250',
    ]);
  });

  test('loses the columns that matter least where it is narrow, and then cuts names', () => {
    assert.deepEqual(at(28), ['NAME         CPU  STATE', 'a            12m  scraped', 'longer-name  12m  scraped']);
    assert.deepEqual(at(20), ['NAME         CPU', 'a            12m', 'longer-name  12m']);
    assert.deepEqual(
      at(14),
      ['NAME       CPU', 'a          12m', 'longer-..  12m'].map((each) => each),
    );
  });
});
