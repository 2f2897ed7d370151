import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { parseNumber } from '../../../src/exposition/number.ts';
import { ExpositionError } from '../../../src/exposition/sample.ts';
import { formatFloat } from '../../fakes/exposition.ts';

const parse = (text: string): number => {
  const body = Buffer.from(`before${text}after`);
  return parseNumber(body, 6, body.length - 5);
};

describe('numbers of the text format', () => {
  check('0', 0);
  check('-0', -0);
  check('1', 1);
  check('+1', 1);
  check('-1.5', -1.5);
  check('1.', 1);
  check('.5', 0.5);
  check('1.7953776e+09', 1795377600);
  check('1e-09', 1e-9);
  check('1E22', 1e22);
  check('1e23', 1e23);
  check('812345.678901', 812345.678901);
  check('1311.8488909999999', 1311.8488909999999);
  check('9007199254740991', 9007199254740991);
  check('9007199254740993', 9007199254740992);
  check('1.8446744073709552e+19', 2 ** 64);
  check('1e999', Number.POSITIVE_INFINITY);
  check('1e-999', 0);
  check('0e999', 0);
  check('NaN', Number.NaN);
  check('Inf', Number.POSITIVE_INFINITY);
  check('+Inf', Number.POSITIVE_INFINITY);
  check('-Inf', Number.NEGATIVE_INFINITY);
});

describe('words are read in any case, as by Prometheus and metrics-server: not every kubelet is written in Go:', () => {
  check('nan', Number.NaN);
  check('NAN', Number.NaN);
  check('inf', Number.POSITIVE_INFINITY);
  check('+INF', Number.POSITIVE_INFINITY);
  check('-inf', Number.NEGATIVE_INFINITY);
  check('Infinity', Number.POSITIVE_INFINITY);
  check('+infinity', Number.POSITIVE_INFINITY);
  check('-Infinity', Number.NEGATIVE_INFINITY);
});

describe('text that is no number is rejected with its offset:', () => {
  for (const text of [
    '',
    '+',
    '-',
    '.',
    '-.',
    'e5',
    '1e',
    '1e+',
    '1x',
    '0x10',
    '1_000',
    '1,5',
    '0x1p4',
    '+nan',
    'infi',
    'Inf1',
    '+-inf',
    '--1',
    '1 ',
  ]) {
    test(JSON.stringify(text), () => {
      assert.throws(
        () => parse(text),
        (error) => error instanceof ExpositionError && error.offset === 6,
      );
    });
  }
});

test('any double as Go and JavaScript write it is parsed exactly', () => {
  fc.assert(
    fc.property(fc.double(), (value) => {
      assert.ok(Object.is(parse(formatFloat(value)), value));
      if (Number.isFinite(value)) assert.ok(Object.is(parse(String(value)), value === 0 ? 0 : value));
    }),
    { numRuns: 2000 },
  );
});

test('any decimal text is parsed as by Number', () => {
  const digits = fc.stringMatching(/^[0-9]{1,24}$/);
  const sign = fc.constantFrom('', '+', '-');
  const exponent = fc
    .tuple(fc.constantFrom('e', 'E'), sign, fc.stringMatching(/^[0-9]{1,3}$/))
    .map((part) => part.join(''));
  const decimal = fc.tuple(
    sign,
    digits,
    fc.oneof(
      fc.constant(''),
      digits.map((part) => `.${part}`),
    ),
    fc.oneof(fc.constant(''), exponent),
  );
  fc.assert(
    fc.property(decimal, (parts) => {
      const text = parts.join('');
      assert.ok(Object.is(parse(text), Number(text)), text);
    }),
    { numRuns: 5000 },
  );
});

function check(text: string, value: number): void {
  test(text, () => assert.ok(Object.is(parse(text), value)));
}
