import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFrameSplitter } from '../../../src/client/frames.ts';

test('frames are the same however they are split into chunks', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
      fc.array(fc.nat(2000), { maxLength: 12 }),
      (contents, cuts) => {
        const split = createFrameSplitter(300);
        const bytes = Buffer.concat(contents.map(frame));
        const edges = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const chunks = edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
        const found = chunks.flatMap((chunk) => split(chunk).map((each) => Buffer.from(each)));
        assert.deepEqual(
          found,
          contents.map((content) => Buffer.from(content)),
        );
      },
    ),
  );
});

test('a frame is returned with its last byte', () => {
  const split = createFrameSplitter(100);
  const bytes = frame(Buffer.from('abc'));
  assert.deepEqual(split(bytes.subarray(0, 6)), []);
  assert.deepEqual(split(bytes.subarray(6)).map(String), ['abc']);
});

test('a frame is rejected by its length, before its content', () => {
  const split = createFrameSplitter(10);
  assert.throws(() => split(Buffer.from([0, 0, 0, 11])), /longer than 10 bytes/);
});

function frame(content: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(content.length);
  return Buffer.concat([head, content]);
}
