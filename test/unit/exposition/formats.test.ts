/** Both formats of the same families have the same samples. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ExpositionError } from '../../../src/exposition/sample.ts';
import { encodeDelimited, encodeText, type Family } from '../../fakes/exposition.ts';
import { collect } from './collect.ts';
import { readDelimited, readText } from './read.ts';

const labelNames = ['container', 'id', 'pod'];

const family = (name: string) =>
  fc.record({
    name: fc.constant(name),
    help: fc.string({ unit: 'binary', maxLength: 20 }),
    type: fc.constantFrom('counter' as const, 'gauge' as const),
    samples: fc.array(
      fc.record(
        {
          labels: fc.dictionary(fc.constantFrom(...labelNames), fc.string({ unit: 'binary', maxLength: 12 })),
          value: fc.double(),
          timestampMs: fc.integer({ min: -62135596800000, max: 8.64e15 }),
        },
        { requiredKeys: ['labels', 'value'] },
      ),
      { maxLength: 5 },
    ),
  });

const anyFamilies: fc.Arbitrary<Family[]> = fc.tuple(family('a'), family('a_b'), family('z'));

test('text and delimited protobuf of any families give equal samples', () => {
  fc.assert(
    fc.property(anyFamilies, (families) => {
      const text = collect(readText, encodeText(families), ['a', 'a_b'], labelNames);
      const delimited = collect(readDelimited, encodeDelimited(families), ['a', 'a_b'], labelNames);
      assert.deepEqual(text, delimited);
      assert.equal(text.samples.length, (families[0]?.samples.length ?? 0) + (families[1]?.samples.length ?? 0));
    }),
    { numRuns: 500 },
  );
});

test('text cut anywhere is rejected, and at the end of a line has fewer samples, never a wrong number', () => {
  fc.assert(
    fc.property(anyFamilies, (families) => {
      const body = encodeText(families);
      const whole = collect(readText, body, ['a', 'a_b'], labelNames).samples;
      for (let length = 1; length < body.length; length += 1) {
        const cut = body.subarray(0, length);
        if (cut.at(-1) === 0x0a) {
          const { samples } = collect(readText, cut, ['a', 'a_b'], labelNames);
          assert.deepEqual(samples, whole.slice(0, samples.length));
        } else {
          assert.throws(() => collect(readText, cut, ['a', 'a_b'], labelNames), ExpositionError);
        }
      }
    }),
    { numRuns: 30 },
  );
});
