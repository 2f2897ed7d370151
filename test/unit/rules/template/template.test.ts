/** Templates of queries: each answer in the table is Go's own. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { nestingLimit, outputLimit, TemplateError } from '../../../../src/rules/template/error.ts';
import { parseTemplate } from '../../../../src/rules/template/template.ts';

const fields = ['Series', 'LabelMatchers', 'LabelValuesByName', 'GroupBy', 'GroupBySlice'];

/** As test/fuzz/gotemplate got it. */
const custom = {
  Series: 'http_requests_total',
  LabelMatchers: 'namespace="shop",pod=~"a|b"',
  LabelValuesByName: new Map([
    ['namespace', 'shop'],
    ['pod', 'a|b'],
    ['é.x', 'ü'],
  ]),
  GroupBy: 'pod',
  GroupBySlice: ['pod'],
};
const external = { ...custom, LabelMatchers: '', LabelValuesByName: new Map(), GroupBy: '', GroupBySlice: [] };

interface Case {
  readonly template: string;
  /** Null where Go fails. */
  readonly custom: string | null;
  readonly external: string | null;
}

const cases = JSON.parse(
  readFileSync(path.resolve(import.meta.dirname, '../../../testdata/rules/templates.json'), 'utf8'),
) as readonly Case[];

/** Templates that Go executes and this interpreter refuses, with the reason. */
const refused: ReadonlyMap<string, RegExp> = new Map([
  ['<<.>>', /the data as a whole/],
  ['<<1.5>>', /only whole numbers/],
  ['<<1i>>', /only whole numbers/],
  ['<<html "<">>', /"html" is not supported/],
  ['<<define "x">>a<<end>>', /<<define>> is not supported/],
  ['<<block "x" .>>a<<end>>', /<<block>> is not supported/],
  ['<<if false>><<.Nope>><<end>>', /can't evaluate field Nope; there are \.Series/],
]);

test('templates with if, range, printf, len, index and trim markers work as in Go', () => {
  assert.ok(cases.length > 150, 'the table is read');
  for (const { template, ...expected } of cases) {
    const found = { custom: run(template, custom), external: run(template, external) };
    // Go writes mistakes of printf into the query: %!d(string=a).
    const reason = refused.get(template) ?? (expected.custom?.includes('%!') === true ? /printf/ : undefined);
    if (reason === undefined) assert.deepEqual(found, expected, template);
    else assert.match(problemOf(template), reason);
  }
});

function run(template: string, data: typeof custom): string | null {
  try {
    return parseTemplate(template, fields).execute(data);
  } catch (error) {
    if (error instanceof TemplateError) return null;
    throw error;
  }
}

function problemOf(template: string, data = custom): string {
  try {
    return parseTemplate(template, fields).execute(data);
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
}

test('a mistake in printf is refused with its directive, where Go writes it into the query', () => {
  assert.match(problemOf('<<printf "%d" "a">>'), /printf "%d" cannot format string/);
  assert.match(problemOf('<<printf "%s">>'), /printf "%s": an argument is missing/);
  assert.match(problemOf('<<printf "a" 1>>'), /1 arguments have no verb/);
  assert.match(problemOf('<<printf "%z" 1>>'), /use %s %v/);
});

test('an unknown field is refused when the template is parsed, in a branch that never runs as well', () => {
  for (const template of ['<<.Nope>>', '<<if false>><<$.Nope.x>><<end>>', '<<print (len .Nope)>>', '<<(.Nope).x>>']) {
    assert.throws(() => parseTemplate(template, fields), /can't evaluate field Nope/, template);
  }
  // Within with and range, dot is another value.
  parseTemplate('<<with .LabelValuesByName>><<.Nope>><<end>>', fields);
});

test('an error has the line of the template', () => {
  assert.equal(problemOf('a\nb <<foo>>'), 'line 2: function "foo" not defined');
  assert.equal(problemOf('a\n\n<<index .GroupBySlice 7>>'), 'line 3: index out of range: 7');
});

test('output, steps, nesting, width and length have limits', () => {
  const many = `<<range 1000000>><<end>>`;
  assert.match(problemOf(many), /more than 100000 steps/);
  const long = { ...custom, Series: 'x'.repeat(outputLimit) };
  assert.match(problemOf('<<.Series>>y', long), /the output is longer than/);
  const deep = '<<if true>>'.repeat(nestingLimit + 1) + '<<end>>'.repeat(nestingLimit + 1);
  assert.match(problemOf(deep), /nested deeper than 100/);
  const parentheses = `<<${'('.repeat(nestingLimit + 1)}1${')'.repeat(nestingLimit + 1)}>>`;
  assert.match(problemOf(parentheses), /nested deeper than 100/);
  assert.match(problemOf('<<printf "%100000s" "a">>'), /at most 1000 characters/);
  assert.match(problemOf('x'.repeat(65_537)), /at most 65536 are read/);
});
