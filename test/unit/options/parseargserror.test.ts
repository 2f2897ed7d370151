import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArgs } from 'node:util';
import { parseArgsProblem } from '../../../src/options/parseargserror.ts';

const hint = (name: string) => (name === 'near' ? 'did you mean --nearest?' : undefined);
const cases: readonly (readonly [what: string, args: readonly string[], text: string])[] = [
  ['an unknown flag', ['--sort-by=cpu'], 'unknown flag --sort-by; see kubegauge x --help'],
  ['an unknown short flag', ['-q'], 'unknown flag -q; see kubegauge x --help'],
  ['an unknown flag with a hint', ['--near'], 'unknown flag --near; did you mean --nearest?'],
  ['a flag without its value', ['-o'], "'-o, --output <value>' argument missing; see kubegauge x --help"],
  ['a switch with a value', ['--once=yes'], "'--once' does not take an argument; see kubegauge x --help"],
  ['a value that looks like a flag', ['-o', '-q'], "'-o' argument is ambiguous; see kubegauge x --help"],
  ['an argument', ['extra'], 'kubegauge x has no argument extra; see kubegauge x --help'],
];
for (const [what, args, text] of cases) {
  test(`${what} is one sentence without advice for programmers`, () => {
    assert.throws(
      () =>
        parseArgs({ args: [...args], options: { output: { type: 'string', short: 'o' }, once: { type: 'boolean' } } }),
      (error) => {
        assert.equal(parseArgsProblem(error, 'kubegauge x', hint), text);
        return true;
      },
    );
  });
}
