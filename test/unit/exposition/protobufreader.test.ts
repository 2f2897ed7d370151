import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { DelimitedReader } from '../../../src/exposition/protobufreader.ts';
import { ExpositionError } from '../../../src/exposition/sample.ts';
import { encodeDelimited, type Family } from '../../fakes/exposition.ts';
import { collect } from './collect.ts';
import { readDelimited } from './read.ts';

const families: readonly Family[] = [
  {
    name: 'a',
    help: 'what',
    type: 'counter',
    samples: [
      { labels: { x: '1', y: '"\n\\' }, value: 1.5, timestampMs: 1795377600123 },
      { labels: { x: '2' }, value: 0, timestampMs: -62135596800000 },
    ],
  },
  { name: 'a_b', help: 'other', type: 'gauge', samples: [{ labels: {}, value: Number.NaN }] },
  { name: 'c', help: 'unwanted', type: 'gauge', samples: [{ labels: { x: '3' }, value: 3 }] },
];

const read = (body: Uint8Array, names = ['a_b', 'a']) => collect(readDelimited, body, names, ['x', 'y']);

const bytes = (...values: (number | string | readonly number[])[]): Buffer =>
  Buffer.concat(values.map((value) => (typeof value === 'string' ? Buffer.from(value) : Buffer.from([value].flat()))));

/** A body of one message. */
const message = (...values: Parameters<typeof bytes>): Buffer => {
  const content = bytes(...values);
  return bytes(content.length, [...content]);
};

test('samples of requested families have labels, value and time', () => {
  const { samples, hasOtherFamilies } = read(encodeDelimited(families));
  assert.deepEqual(samples, [
    { family: 'a', labels: { x: '1', y: '"\n\\' }, value: 1.5, timestampMs: 1795377600123 },
    { family: 'a', labels: { x: '2' }, value: 0, timestampMs: -62135596800000 },
    { family: 'a_b', labels: {}, value: Number.NaN, timestampMs: Number.NaN },
  ]);
  assert.equal(hasOtherFamilies, true);
});

test('a family that was not requested is reported', () => {
  assert.equal(read(encodeDelimited(families.slice(0, 2))).hasOtherFamilies, false);
  assert.equal(read(Buffer.alloc(0)).hasOtherFamilies, false);
});

test('the name may come last, and unknown fields of every type are skipped', () => {
  const metric = [0x22, 14, 0x2a, 9, 9, 0, 0, 0, 0, 0, 0, 0x10, 0x40, 0x50, 1];
  const body = message(
    [0x50, 0x80, 1],
    [0x51, 1, 2, 3, 4, 5, 6, 7, 8],
    [0x52, 1, 0],
    [0x55, 1, 2, 3, 4],
    metric.slice(0, 1),
    13,
    metric.slice(2),
    [0x0a, 1],
    'a',
  );
  assert.deepEqual(read(body).samples, [{ family: 'a', labels: {}, value: 4, timestampMs: Number.NaN }]);
});

test('a family that was not requested is not parsed', () => {
  assert.equal(read(message([0x0a, 1], 'z', [0xff, 0xff, 0xff])).hasOtherFamilies, true);
});

describe('bytes that are no such messages are rejected:', () => {
  check('text', Buffer.from('# HELP a what\n'), /not delimited protobuf/);
  check('a length that does not end', Buffer.alloc(11, 0xff), /does not end/);
  check('a negative length', bytes([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), /cut off/);
  check('an empty message', bytes(0), /without a name/);
  check('field number 0', message([0x02, 0]), /not a protobuf field/);
  check('a group', message([0x53]), /wire type 3/);
  check('a metric longer than its family', message([0x0a, 1], 'a', [0x22, 9, 0]), /cut off/);
  check('a label longer than its metric', message([0x0a, 1], 'a', [0x22, 3, 0x0a, 9, 0]), /cut off/);
  check(
    'a double longer than its value',
    message([0x0a, 1], 'a', [0x22, 4, 0x12, 2, 0x09, 0]),
    /beyond the end of its message/,
  );
  check(
    'a time longer than its metric',
    message([0x0a, 1], 'a', [0x22, 2, 0x30, 0x80]),
    /beyond the end of its message/,
  );
  check('a histogram', message([0x0a, 1], 'a', [0x22, 2, 0x3a, 0]), /no gauge, counter or untyped/);
});

test('a body cut anywhere but between families is rejected, and between them has fewer samples', () => {
  const body = encodeDelimited(families);
  const whole = read(body).samples;
  const ends = new Set([0, 1, 2].map((count) => encodeDelimited(families.slice(0, count)).length));
  for (let length = 0; length < body.length; length += 1) {
    if (ends.has(length))
      assert.deepEqual(
        read(body.subarray(0, length)).samples,
        whole.slice(0, read(body.subarray(0, length)).samples.length),
      );
    else assert.throws(() => read(body.subarray(0, length)), ExpositionError, `cut at ${length}`);
  }
});

test('any bytes yield samples or an ExpositionError inside the body', () => {
  const valid = encodeDelimited(families);
  const damaged = fc
    .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    .map((changes) => {
      const body = Buffer.from(valid);
      for (const [at, byte] of changes) body[at] = byte;
      return body;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged), (body) => {
      try {
        read(body);
      } catch (error) {
        assert.ok(error instanceof ExpositionError && error.offset >= 0 && error.offset <= body.length, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

function check(what: string, body: Buffer, expected: RegExp): void {
  test(what, () => {
    assert.throws(
      () => read(body),
      (error) => error instanceof ExpositionError && expected.test(error.message),
    );
  });
}

test('a filtered body is read to its end, another one until the requested families have come', () => {
  const sink = { visit: () => 0, add: () => undefined, needsValue: () => true };
  const hasEnoughAfter = (of: readonly Family[]) => {
    const reader = new DelimitedReader(['a', 'a_b'], sink, { until: [0] });
    reader.write(encodeDelimited(of));
    return reader.hasEnough;
  };
  const [a, , c] = families;
  assert.ok(a && c);
  assert.equal(hasEnoughAfter([a]), false);
  assert.equal(hasEnoughAfter([c, a]), true);
});
