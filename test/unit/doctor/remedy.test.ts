/** Commands of remedies, as a real shell reads them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { command, comment, withInput } from '../../../src/doctor/remedy.ts';

const shell = (script: string): string => execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' });

test('a shell reads every word back as it was', () => {
  const words = fc.array(fc.string({ unit: 'grapheme-ascii', minLength: 1 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(words, (names) => {
      assert.equal(shell(command('printf', '%s|', ...names)), names.map((name) => `${name}|`).join(''));
    }),
    { numRuns: 50 },
  );
});

test('a foreign name runs no command, in a word or in a comment', () => {
  const name = "x'; echo hacked\necho hacked $(echo hacked) `echo hacked`";
  assert.equal(shell(command('printf', '%s', name)), name);
  assert.equal(shell(`${comment(name)}\ntrue`), '');
});

test('a text on standard input is not expanded', () => {
  const text = '{"a": "$HOME `id` \'"}';
  assert.equal(shell(withInput('cat', text)), `${text}\n`);
});
