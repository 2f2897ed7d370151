/** Templates of queries, and names by regular expressions, beside Go's own. */
import assert from 'node:assert/strict';
import { TemplateError } from '../../../src/rules/template/error.ts';
import { parseTemplate } from '../../../src/rules/template/template.ts';
import { findGo, type GoQueryData } from '../gocompare.ts';
import { mutate } from '../mutate.ts';
import type { Random } from '../random.ts';
import type { FuzzTarget } from '../target.ts';

const fields = ['Series', 'LabelMatchers', 'LabelValuesByName', 'GroupBy', 'GroupBySlice'];

const real = [
  'sum(rate(<<.Series>>{<<.LabelMatchers>>,container!="POD"}[2m])) by (<<.GroupBy>>)',
  '<<- if .LabelValuesByName.verb ->> a <<- else if eq .Series "b" ->> b <<- else ->> c <<- end ->>',
  'x{<<range $i, $e := .GroupBySlice>><<if $i>>,<<end>><<$e>>=~"<<index $.LabelValuesByName $e>>"<<end>>}',
  '<<with $n := index .LabelValuesByName "namespace">><<printf "%s-%q" $n $n | print>><<else>>none<<end>>',
  '<<range $k, $v := .LabelValuesByName>><<$k>>=<<$v | printf "%q">> <<else>>no<<end>>',
  '<<if and (gt (len .GroupBySlice) 0) (not (eq (index .GroupBySlice 0) "node"))>><<slice .Series 1 3>><<end>>',
  '<</* comment */>><<println `raw` 1 2 true (len .Series)>><<index .Series 0>><<"q\\n\\t\\x41">>',
  "<<$x := 1>><<$x = 'a'>><<$x>><<range .GroupBySlice>><<break>><<end>><<range .GroupBySlice>><<continue>><<end>>",
];

const expressions = [
  '.Series',
  '.LabelMatchers',
  '.LabelValuesByName',
  '.LabelValuesByName.pod',
  '.LabelValuesByName.none',
  '.GroupBy',
  '.GroupBySlice',
  '$',
  '$.Series',
  '.',
  '$x',
  '$i',
  'nil',
  'true',
  'false',
  '0',
  '1',
  '-2',
  '0x10',
  '1_0',
  "'a'",
  '"pod"',
  '"é\\u00e9"',
  '`raw`',
  '"%s"',
  '"%5d|%-4s|%q"',
  '"%v"',
  '"%x"',
  '"%.2s"',
  '"%03d"',
];
const names = [
  'and',
  'or',
  'not',
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'len',
  'index',
  'slice',
  'print',
  'printf',
  'println',
];
const words = [
  ...expressions,
  ...names,
  '<<',
  '>>',
  '<<-',
  '->>',
  '<<end>>',
  '<<else>>',
  'if',
  'range',
  'with',
  '|',
  ':=',
  '(',
  ')',
  ' ',
];

function expression(random: Random, depth: number): string {
  if (depth === 0 || random.once(3)) return random.of(expressions);
  const count = random.below(4);
  const args = Array.from({ length: count }, () => expression(random, depth - 1));
  const call = [random.of(names), ...args].join(' ');
  return random.once(4) ? `(${expression(random, depth - 1)} | ${call})` : `(${call})`;
}

function piece(random: Random, depth: number): string {
  const left = random.once(4) ? '<<- ' : '<<';
  const right = random.once(4) ? ' ->>' : '>>';
  const value = expression(random, 2).replace(/^\((.*)\)$/, '$1');
  const inner = () => pieces(random, depth - 1);
  switch (depth === 0 ? random.below(3) : random.below(9)) {
    case 0:
      return ` text\n${random.of(['{', '}', ' ', '"'])} `;
    case 1:
    case 2:
      return `${left}${value}${random.once(5) ? ` | ${random.of(names)}` : ''}${right}`;
    case 3:
      return `${left}if ${value}${right}${inner()}<<else if ${expression(random, 1)}>>${inner()}<<end>>`;
    case 4:
      return `${left}with ${random.once(2) ? '$x := ' : ''}${value}${right}${inner()}<<else>>${inner()}<<end>>`;
    case 5:
      return `${left}range ${random.of(['', '$x := ', '$i, $x := ', '$x = '])}${value}${right}${inner()}${random.of(['', '<<break>>', '<<continue>>'])}<<else>>${inner()}<<end>>`;
    case 6:
      return `${left}$x ${random.of([':=', '='])} ${value}${right}`;
    case 7:
      return `${left}/* ${random.of(['', 'a', '>>'])} */${right}`;
    default:
      return `${left}if ${value}${right}${inner()}<<end>>`;
  }
}

function pieces(random: Random, depth: number): string {
  return Array.from({ length: 1 + random.below(3) }, () => piece(random, depth)).join('');
}

const data: GoQueryData = {
  Series: 'http_requests_total',
  LabelMatchers: 'namespace="shop",pod=~"a|b"',
  LabelValuesByName: { namespace: 'shop', pod: 'a|b', 'é.x': 'ü' },
  GroupBy: 'pod',
  GroupBySlice: ['pod'],
};
const external: GoQueryData = { ...data, LabelMatchers: '', LabelValuesByName: {}, GroupBy: '', GroupBySlice: [] };

/** Messages for templates that this interpreter refuses and Go does not. */
const stricter = [
  /only whole numbers are supported/,
  /is not supported/,
  /are not supported/,
  /^printf/,
  /the data as a whole cannot be printed/,
  /slice cuts a character/,
  /can.t evaluate field .*; there are/,
  /overflows int/,
  /more than \d+ steps|longer than \d+|at most \d+ are read|nested deeper/,
];

async function check(input: Buffer): Promise<boolean> {
  const text = input.toString('utf8');
  const go = await findGo();
  let accepted = true;
  for (const sample of [data, external]) {
    const ours = run(text, sample);
    if (ours.error !== undefined) accepted = false;
    if (go === undefined) continue;
    const theirs = await go({ Template: text, Data: sample });
    if (ours.error === undefined)
      assert.deepEqual({ output: ours.output }, { output: theirs.failure ?? theirs.output });
    else if (theirs.failure === undefined) {
      const { problem } = ours.error;
      assert.ok(
        stricter.some((each) => each.test(problem)) || theirs.output.includes('%!'),
        `refused: ${problem}; Go writes ${JSON.stringify(theirs.output)}`,
      );
    }
  }
  return accepted;
}

function run(text: string, sample: GoQueryData): { readonly output: string; readonly error?: TemplateError } {
  try {
    const template = parseTemplate(text, fields);
    const values = new Map(Object.entries(sample.LabelValuesByName));
    return { output: template.execute({ ...sample, LabelValuesByName: values }) };
  } catch (error) {
    if (error instanceof TemplateError) return { output: '', error };
    throw error;
  }
}

export const targets: readonly FuzzTarget[] = [
  {
    name: 'rules/template',
    make: (random) =>
      random.once(3)
        ? mutate(
            random,
            Buffer.from(random.of(real)),
            words,
            real.map((each) => Buffer.from(each)),
          )
        : Buffer.from((random.once(4) ? '<<$x := 0>>' : '') + pieces(random, 2)),
    check,
  },
];
