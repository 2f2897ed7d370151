import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ElementSplitter } from '../../../src/promql/elementsplitter.ts';
import { KnownElements } from '../../../src/promql/knownelements.ts';
import { createShapeFold } from '../../../src/prometheussource/seriesshapes.ts';

const limits = { bytes: 1e6, elements: 1_000, elementBytes: 10_000, envelopeBytes: 10_000, depth: 8 };

/** Returns what the fold makes of an answer, the number of series that it got, and of those that were counted; or the error. */
function fold(text: string, size: number, known: KnownElements | undefined) {
  const shapes = createShapeFold();
  let added = 0;
  const add = (element: string) => {
    shapes.add(JSON.parse(element) as Record<string, unknown>);
    added += 1;
  };
  const splitter = new ElementSplitter(['data'], limits, add, known);
  try {
    const bytes = Buffer.from(text);
    for (let from = 0; from < bytes.length; from += size) splitter.write(bytes.subarray(from, from + size));
    return { result: shapes.result(), envelope: splitter.end(), elements: splitter.elements, added };
  } catch (error) {
    return { error: error instanceof Error ? error.name : 'unknown' };
  }
}

/** Few names and values, so that shapes repeat; some need escapes. */
const label = fc.constantFrom('__name__', 'pod', 'po', 'namespace', 'a"b', 'é', 'x\\');
const value = fc.constantFrom('up', 'down', '', 'web-0', 'a"b', '\\', 'ü', '\n', '{', ']', ',');
const series = fc
  .array(fc.tuple(label, fc.oneof({ weight: 9, arbitrary: value }, { weight: 1, arbitrary: fc.jsonValue() })), {
    maxLength: 4,
  })
  .map((pairs) => Object.fromEntries(pairs));

test('series of known shapes fold to the same as when each is parsed', () => {
  const answer = fc.record({
    all: fc.array(series, { maxLength: 40 }),
    size: fc.integer({ min: 1, max: 400 }),
    spaces: fc.constantFrom(undefined, 1),
    damage: fc.option(fc.record({ at: fc.nat(3_000), byte: fc.constantFrom('"', '\\', '}', '{', ',', '\u0001', 'x') })),
  });
  fc.assert(
    fc.property(answer, ({ all, size, spaces, damage }) => {
      const whole = JSON.stringify({ status: 'success', data: all }, undefined, spaces);
      const text = damage === null ? whole : `${whole.slice(0, damage.at)}${damage.byte}${whole.slice(damage.at + 1)}`;
      const { added: _slow, ...slow } = { added: 0, ...fold(text, size, undefined) };
      const { added: _fast, ...fast } = { added: 0, ...fold(text, size, new KnownElements('__name__')) };
      assert.deepEqual(fast, slow);
    }),
    { numRuns: 2_000 },
  );
});

test('a series of a known shape is not parsed', () => {
  const all = Array.from({ length: 100 }, (_, index) => ({ __name__: `m${index % 3}`, pod: `web-${index}` }));
  const { added, elements } = {
    added: 0,
    elements: 0,
    ...fold(JSON.stringify({ data: all }), 1e6, new KnownElements('__name__')),
  };
  assert.deepEqual({ added, elements }, { added: 3, elements: 100 });
});

test('shapes that take turns stay known', () => {
  const all = Array.from({ length: 1_000 }, (_, index) => ({ __name__: `m${index % 16}`, pod: `web-${index}` }));
  assert.equal({ added: 0, ...fold(JSON.stringify({ data: all }), 1e6, new KnownElements('__name__')) }.added, 16);
});
