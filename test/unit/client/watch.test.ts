import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLineSplitter } from '../../../src/client/watch.ts';

test('lines are the same however they are split into chunks', () => {
  const text = fc.array(
    fc.string({ unit: 'grapheme', maxLength: 12 }).map((line) => line.replaceAll('\n', ' ')),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(text, fc.array(fc.nat(200), { maxLength: 12 }), (lines, cuts) => {
      const split = createLineSplitter(1000);
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const found = chunksOf(bytes, cuts).flatMap((chunk) => split(chunk).map(String));
      assert.deepEqual(found, lines);
    }),
  );
});

test('text after the last newline is no line yet', () => {
  const split = createLineSplitter(100);
  assert.deepEqual(split(Buffer.from('{"a":1}\n{"b"')).map(String), ['{"a":1}']);
  assert.deepEqual(split(Buffer.from(':2}\n')).map(String), ['{"b":2}']);
});

test('a line without an end is rejected at its limit', () => {
  const split = createLineSplitter(10);
  split(Buffer.from('12345'));
  assert.throws(() => split(Buffer.from('678901')), /longer than 10 bytes/);
});

function chunksOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const edges = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
}
