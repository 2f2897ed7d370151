/** Field selectors made from the grammar, with what they mean known before they are written down. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseFieldSelector, requireKnownFields } from '../../../src/apimachinery/fields.ts';

const known = fc.constantFrom('metadata.name', 'metadata.namespace');
/** Has no escapes, so it cannot hold what ends it, and begins no escape of a comma before it. */
const anyKey = fc
  .string({ unit: 'binary', maxLength: 8 })
  .map((text) => text.replaceAll(/[=!,\\]/g, ''))
  .filter((text) => text !== '');
const value = fc.oneof(
  fc.constantFrom('', 'a', 'b'),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({ unit: fc.constantFrom('a', '\\', ',', '=', '!'), maxLength: 8 }),
);
const sign = fc.constantFrom('=', '==', '!=');
const termsOf = (key: fc.Arbitrary<string>) => fc.array(fc.tuple(key, sign, value), { maxLength: 5 });
/** Commas beside each other, and at both ends, mean nothing. */
const commas = fc.array(fc.constantFrom(',', ',,'), { minLength: 6, maxLength: 6 });

type Term = readonly [key: string, sign: string, value: string];

function textOf(terms: readonly Term[], separators: readonly string[]): string {
  const texts = terms.map(([key, operator, of]) => key + operator + of.replaceAll(/[\\,=]/g, '\\$&'));
  return texts.map((text, index) => text + separators[index]).join('');
}

test('any selector of the grammar is parsed into its requirements', () => {
  fc.assert(
    fc.property(termsOf(fc.oneof(known, anyKey)), commas, (terms, separators) => {
      const expected = terms.map(([key, operator, of]) =>
        JSON.stringify({ key, operator: operator === '!=' ? 'NotIn' : 'In', values: [of] }),
      );
      const { requirements } = parseFieldSelector(textOf(terms, separators));
      assert.deepEqual(requirements.map((each) => JSON.stringify(each)).sort(), expected.sort());
    }),
    { numRuns: 1000 },
  );
});

test('any selector over known fields matches the objects that meet all requirements', () => {
  const object = fc.record({ name: value, namespace: value });
  fc.assert(
    fc.property(termsOf(known), commas, object, (terms, separators, { name, namespace }) => {
      const expected = terms.every(([key, operator, of]) => {
        const isEqual = of === (key === 'metadata.name' ? name : namespace);
        return operator === '!=' ? !isEqual : isEqual;
      });
      const selector = parseFieldSelector(textOf(terms, separators));
      requireKnownFields(selector);
      assert.equal(selector.matches({ name, namespace }), expected);
    }),
    { numRuns: 1000 },
  );
});

test('a selector with another field is a bad request that names it', () => {
  fc.assert(
    fc.property(anyKey, sign, value, (key, operator, of) => {
      const selector = parseFieldSelector(textOf([[key, operator, of]], [',']));
      assert.throws(() => requireKnownFields(selector), { code: 400, message: /is not a known field selector/ });
    }),
  );
});
