import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnswerLimits } from '../../../src/promql/answerlimits.ts';
import { AnswerLimitError, ElementSplitter } from '../../../src/promql/elementsplitter.ts';

const limits: AnswerLimits = { bytes: 1e6, elements: 1_000, elementBytes: 10_000, envelopeBytes: 10_000, depth: 12 };

/** Cuts the text into chunks of at most `size` bytes. */
function split(text: string, path: readonly string[], size: number, own: Partial<AnswerLimits> = {}) {
  const elements: unknown[] = [];
  const splitter = new ElementSplitter(path, { ...limits, ...own }, (element) => elements.push(JSON.parse(element)));
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += size) splitter.write(bytes.subarray(from, from + size));
  return { elements, envelope: JSON.parse(splitter.end()) };
}

test('an answer is split like JSON.parse reads it, wherever its chunks end', () => {
  const document = fc.record({
    before: fc.jsonValue({ maxDepth: 2 }),
    elements: fc.array(fc.jsonValue({ maxDepth: 3 })),
    after: fc.jsonValue({ maxDepth: 2 }),
    spaces: fc.constantFrom(undefined, 1, '\t'),
    size: fc.integer({ min: 1, max: 40 }),
  });
  fc.assert(
    fc.property(document, ({ before, elements, after, spaces, size }) => {
      const whole = { warnings: before, data: { resultType: 'vector', result: elements, after }, stats: after };
      const text = JSON.stringify(whole, undefined, spaces);
      const read = split(text, ['data', 'result'], size);
      assert.deepEqual(read.elements, JSON.parse(JSON.stringify(elements)));
      assert.deepEqual(read.envelope, JSON.parse(JSON.stringify({ ...whole, data: { ...whole.data, result: [] } })));
    }),
  );
});

test('only the array at the path is split, not one of the same name elsewhere', () => {
  const text = '{"result":[1],"data":{"x":{"result":[2]},"y":[{"result":[3]}],"result":[4,"5",[6],{"data":[7]}]}}';
  const { elements, envelope } = split(text, ['data', 'result'], 7);
  assert.deepEqual(elements, [4, '5', [6], { data: [7] }]);
  assert.deepEqual(envelope, { result: [1], data: { x: { result: [2] }, y: [{ result: [3] }], result: [] } });
});

test('an answer with null in place of the array has no elements', () => {
  assert.deepEqual(split('{"data":{"result":null}}', ['data', 'result'], 100), {
    elements: [],
    envelope: { data: { result: null } },
  });
});

test('a cut answer is refused', () => {
  assert.throws(() => split('{"data":[{"a":"b"},{"a', ['data'], 5), /ends in the middle/);
});

test('each limit of an answer is named when it is reached', () => {
  const of = (text: string, own: Partial<AnswerLimits>) => () => split(text, ['data'], 4, own);
  assert.throws(of('{"data":[1,2,3]}', { elements: 2 }), /more than 2 series/);
  assert.throws(of('{"data":["123456789"]}', { elementBytes: 8 }), /more than 8 bytes/);
  assert.throws(of('{"x":"123456789","data":[]}', { envelopeBytes: 8 }), /beside its series/);
  assert.throws(of('{"data":[[[[[1]]]]]}', { depth: 4 }), AnswerLimitError);
});
