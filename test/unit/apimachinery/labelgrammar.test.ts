/** Label selectors made from the grammar, with what they mean known before they are written down. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LabelRequirement } from '../../../src/apimachinery/labelparser.ts';
import { parseLabelSelector } from '../../../src/apimachinery/labels.ts';
import { StatusError } from '../../../src/apimachinery/status.ts';

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const within = (characters: string, limits: fc.StringConstraints) =>
  fc.string({ unit: fc.constantFrom(...characters.split('')), ...limits });

/** At most 63 characters with a letter or digit at both ends, few of them, so that selectors and labels meet. */
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'in', 'notin', 'In', '5', '7') },
  { weight: 1, arbitrary: within(alphanumeric, { minLength: 1, maxLength: 1 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(within(alphanumeric, { minLength: 1, maxLength: 1 }), within(`${alphanumeric}-_.`, { maxLength: 61 }))
      .map(([edge, middle]) => edge + middle + edge),
  },
);
const domain = fc.constantFrom('x', 'example.com', 'a-b.c-d', `${'a'.repeat(250)}.a`);
const key = fc.oneof(
  { weight: 4, arbitrary: name },
  { weight: 1, arbitrary: fc.tuple(domain, name).map(([prefix, rest]) => `${prefix}/${rest}`) },
);
const value = fc.oneof(name, fc.constant(''));
/** As a value, a whole number has no sign. */
const number = fc.nat(12).map(String);
const blanks = within(' \t\r\n', { maxLength: 2 });
const space = within(' \t\r\n', { minLength: 1, maxLength: 2 });

interface Written {
  readonly text: string;
  readonly means: LabelRequirement;
}

const exists = fc.tuple(key, blanks).map(
  ([k, end]): Written => ({
    text: k + end,
    means: { key: k, operator: 'Exists', values: [], isSet: false },
  }),
);
const doesNotExist = fc.tuple(blanks, key).map(
  ([between, k]): Written => ({
    text: `!${between}${k}`,
    means: { key: k, operator: 'DoesNotExist', values: [], isSet: false },
  }),
);
const compared = fc.tuple(key, blanks, fc.constantFrom('=', '==', '!='), blanks, value).map(
  ([k, before, sign, after, of]): Written => ({
    text: k + before + sign + after + of,
    means: { key: k, operator: sign === '!=' ? 'NotIn' : 'In', values: [of], isSet: false },
  }),
);
const ordered = fc.tuple(key, blanks, fc.constantFrom('>', '<'), blanks, number).map(
  ([k, before, sign, after, bound]): Written => ({
    text: k + before + sign + after + bound,
    means: { key: k, operator: sign === '>' ? 'Gt' : 'Lt', values: [bound], isSet: false },
  }),
);
const listed = fc
  .tuple(
    key,
    space,
    fc.constantFrom('in', 'notin'),
    blanks,
    fc.array(fc.tuple(blanks, value, blanks), { minLength: 1, maxLength: 4 }),
  )
  .map(
    ([k, before, word, after, items]): Written => ({
      text: `${k}${before}${word}${after}(${items.map((item) => item.join('')).join(',')})`,
      means: {
        key: k,
        operator: word === 'in' ? 'In' : 'NotIn',
        values: [...new Set(items.map(([, each]) => each))].sort(),
        isSet: true,
      },
    }),
  );
const selector = fc.array(fc.tuple(blanks, fc.oneof(exists, doesNotExist, compared, ordered, listed), blanks), {
  maxLength: 5,
});
const textOf = (parts: readonly (readonly [string, Written, string])[]) =>
  parts.map(([before, { text }, after]) => before + text + after).join(',');
const labels = fc
  .array(fc.tuple(key, fc.oneof(value, number, fc.constant('not a number'))), { maxLength: 4 })
  .map((pairs) => new Map(pairs));

/** Reports whether labels match, by what Kubernetes' documentation says of each operator. */
function holds({ key: wanted, operator, values }: LabelRequirement, of: ReadonlyMap<string, string>): boolean {
  const found = of.get(wanted);
  switch (operator) {
    case 'Exists':
      return found !== undefined;
    case 'DoesNotExist':
      return found === undefined;
    case 'In':
      return found !== undefined && values.includes(found);
    case 'NotIn':
      return found === undefined || !values.includes(found);
    case 'Gt':
      return found !== undefined && /^[0-9]+$/.test(found) && Number(found) > Number(values[0]);
    case 'Lt':
      return found !== undefined && /^[0-9]+$/.test(found) && Number(found) < Number(values[0]);
  }
}

test('any selector of the grammar is parsed into its requirements', () => {
  fc.assert(
    fc.property(selector, (parts) => {
      const means = parts.map(([, each]) => each.means);
      const expected = means.toSorted((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
      assert.deepEqual(parseLabelSelector(textOf(parts)).requirements, expected);
    }),
    { numRuns: 500 },
  );
});

test('any selector of the grammar matches the objects that meet all requirements', () => {
  fc.assert(
    fc.property(selector, labels, (parts, of) => {
      const expected = parts.every(([, { means }]) => holds(means, of));
      assert.equal(parseLabelSelector(textOf(parts)).matches(of), expected);
    }),
    { numRuns: 1000 },
  );
});

test('a selector with one character changed is another selector or a bad request', () => {
  const change = fc.tuple(
    fc.nat(),
    fc.nat(1),
    fc.oneof(fc.constantFrom(...'=!<>(), /-.\0'.split('')), fc.string({ maxLength: 1 })),
  );
  fc.assert(
    fc.property(selector, change, (parts, [where, removed, added]) => {
      const text = textOf(parts);
      const at = where % (text.length + 1);
      const changed = text.slice(0, at) + added + text.slice(at + removed);
      try {
        parseLabelSelector(changed).matches(new Map());
      } catch (error) {
        assert.ok(error instanceof StatusError && error.code === 400, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
