/** Regular expressions and the names made of them: each answer in the table is Go's own. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { expand, unknownReference } from '../../../src/rules/expansion.ts';
import { compilePattern, PatternError } from '../../../src/rules/pattern.ts';

interface Case {
  readonly pattern: string;
  readonly as: string;
  readonly subject: string;
  readonly failure?: string;
  readonly matched?: boolean;
  readonly groups?: number;
  readonly output?: string;
}

const cases = JSON.parse(
  readFileSync(path.resolve(import.meta.dirname, '../../testdata/rules/patterns.json'), 'utf8'),
) as readonly Case[];

test("regular expressions are Go's RE2: lookahead is refused, matches are unanchored, (?P<n>...) is accepted", () => {
  assert.ok(cases.length > 30, 'the table is read');
  for (const { pattern, as, subject, ...expected } of cases) {
    // Go allows two groups of one name, RE2 does not.
    if (pattern === '(?P<n>a)(?P<n>b)') assert.match(answerOf(pattern, as, subject).failure ?? '', /duplicate/);
    else assert.deepEqual(answerOf(pattern, as, subject), expected, `${pattern} ${as}`);
  }
});

function answerOf(source: string, as: string, subject: string): Omit<Case, 'pattern' | 'as' | 'subject'> {
  try {
    const pattern = compilePattern(source);
    const match = pattern.match(subject);
    assert.equal(pattern.test(subject), match !== undefined);
    const output = match === undefined ? '' : expand(as, pattern, match);
    return { matched: match !== undefined, groups: pattern.groups, output };
  } catch (error) {
    if (error instanceof PatternError) return { failure: error.message };
    throw error;
  }
}

test('a pattern takes time in proportion to its text', () => {
  const pattern = compilePattern('(a*)*b|(a|aa)+c');
  assert.equal(pattern.test('a'.repeat(100_000)), false);
});

test('a reference to a group that the pattern does not have is found, with what was probably meant', () => {
  const pattern = compilePattern('^(?P<first>.*)_(total)$');
  assert.deepEqual(unknownReference('$1_per_second', pattern), { group: '1_per_second', meant: '${1}_per_second' });
  assert.deepEqual(unknownReference('x_$first_x', pattern), { group: 'first_x', meant: '${first}_x' });
  assert.deepEqual(unknownReference('${1_x}', pattern), { group: '1_x' });
  assert.deepEqual(unknownReference('$3', pattern), { group: '3' });
  for (const as of ['$1', '$2-$first', '${1}_x', '$$1_x', '$0', 'x$', '${', '$-']) {
    assert.equal(unknownReference(as, pattern), undefined, as);
  }
});
