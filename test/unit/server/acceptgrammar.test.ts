/** Accept headers from the grammar of HTTP, and any others by the algorithm of goautoneg. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mediaTypes } from '../../../src/apimachinery/encoding.ts';
import { type Clause, parseAccept } from '../../../src/server/accept.ts';
import { negotiate, noTransform } from '../../../src/server/negotiate.ts';
import { requestInfo } from '../../../src/server/requestinfo.ts';

const token = fc.string({ unit: fc.constantFrom(...'abzAZ019.+-_!#$&^'.split('')), minLength: 1, maxLength: 8 });
const spaces = fc.constantFrom('', '', ' ', '  ');
/** Three digits at most, as HTTP has it. */
const quality = fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000);
const parameter = fc.tuple(
  token.filter((name) => name !== 'q'),
  token,
);
const clause = fc.record(
  {
    type: token,
    subtype: token,
    quality,
    parameters: fc.uniqueArray(parameter, { selector: ([name]) => name, maxLength: 3 }).map((pairs) => new Map(pairs)),
  },
  { noNullPrototype: true },
);

/** With spaces anywhere but around q, where goautoneg refuses them. */
function write({ type, subtype, quality: q, parameters }: Clause, space: string, qAt: number): string {
  const texts = [...parameters].map(([name, value]) => `${space}${name}${space}=${space}${value}${space}`);
  // 1 is what is meant where nothing is said.
  if (q !== 1) texts.splice(qAt, 0, `${space}q=${q}`);
  return [`${space}${type}/${subtype}${space}`, ...texts].join(';');
}

test('a header of the grammar is parsed into its clauses, the best first and otherwise in their order', () => {
  fc.assert(
    fc.property(fc.array(clause, { maxLength: 12 }), spaces, fc.nat(3), (clauses, space, qAt) => {
      const header = clauses.map((each) => write(each, space, qAt)).join(',');
      assert.deepEqual(
        parseAccept(header),
        clauses.toSorted((a, b) => b.quality - a.quality),
      );
    }),
    { numRuns: 500 },
  );
});

test('the offered media type that the header prefers is chosen', () => {
  const offered = fc.constantFrom(...mediaTypes, 'text/html', 'application/cbor');
  const info = requestInfo('GET', '/');
  assert.ok(info);
  fc.assert(
    fc.property(fc.array(fc.tuple(offered, quality), { minLength: 1, maxLength: 6 }), (wishes) => {
      const accept = wishes.map(([type, q]) => `${type};q=${q}`).join(', ');
      const accepted = negotiate({ info, header: (name) => (name === 'accept' ? accept : '') }, noTransform);
      const best = wishes
        .filter(([type]) => mediaTypes.some((each) => each === type))
        .toSorted(([, a], [, b]) => b - a);
      assert.equal(accepted?.mediaType, best[0]?.[0]);
    }),
    { numRuns: 500 },
  );
});

test('any other header is parsed as by goautoneg', () => {
  const pieces = fc.constantFrom(
    'a',
    'b',
    '*',
    '/',
    ';',
    ',',
    '=',
    'q',
    'q=',
    '0.5',
    '1',
    '.',
    '-',
    'e',
    ' ',
    '\t',
    'x',
  );
  const header = fc.oneof(
    fc.array(pieces, { maxLength: 16 }).map((parts) => parts.join('')),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    // Beyond a dozen, Go sorts in another way.
    fc.property(
      header.map((text) => text.split(',', 12).join(',')),
      (text) => {
        assert.deepEqual(parseAccept(text), goautoneg(text));
      },
    ),
    { numRuns: 3000 },
  );
});

/** Step by step, as in the Go code. */
function goautoneg(header: string): Clause[] {
  const clauses: Clause[] = [];
  let rest = header;
  while (rest !== '') {
    let part: string;
    [part, rest] = cut(rest, ',');
    let [range, parameterText] = cut(trimSpaces(part), ';');
    const [type, subtypes] = cut(range, '/');
    if (subtypes === '' && trimSpaces(type) !== '*') continue;
    const [subtype, tooMuch] = subtypes === '' ? ['*', ''] : cut(subtypes, '/');
    if (tooMuch !== '') continue;
    const parameters = new Map<string, string>();
    let q = 1;
    while (parameterText !== '') {
      [range, parameterText] = cut(parameterText, ';');
      const [name, values] = cut(range, '=');
      if (values === '') continue;
      const [value, others] = cut(values, '=');
      if (others !== '') continue;
      if (trimSpaces(name) === 'q') q = parseFloat64(value);
      else parameters.set(trimSpaces(name), trimSpaces(value));
    }
    clauses.push({ type: trimSpaces(type), subtype: trimSpaces(subtype), quality: q, parameters });
  }
  return insertionSort(clauses);
}

function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function trimSpaces(text: string): string {
  return text.replace(/^ +/, '').replace(/ +$/, '');
}

/** Parses as strconv.ParseFloat, decimals only: the pieces make nothing else. Go's have half the digits, which decides nothing here. */
function parseFloat64(text: string): number {
  return /^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?$/i.test(text) ? Number.parseFloat(text) : 0;
}

function insertionSort(clauses: Clause[]): Clause[] {
  const isLess = (a: Clause, b: Clause) =>
    a.quality > b.quality || (a.type !== '*' && b.type === '*') || (a.subtype !== '*' && b.subtype === '*');
  for (let end = 1; end < clauses.length; end += 1) {
    for (let at = end; at > 0; at -= 1) {
      const [before, here] = [clauses[at - 1], clauses[at]];
      if (before === undefined || here === undefined || !isLess(here, before)) break;
      clauses.splice(at - 1, 2, here, before);
    }
  }
  return clauses;
}
