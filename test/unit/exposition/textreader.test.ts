import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ExpositionError } from '../../../src/exposition/sample.ts';
import { TextReader } from '../../../src/exposition/textreader.ts';
import { type Collected, collect } from './collect.ts';
import { type Read, readText, showing } from './read.ts';

const read = (text: string, names = ['a', 'a_b'], labels = ['x', 'y']) =>
  collect(readText, Buffer.from(text), names, labels);

const sample = (
  family: string,
  labels: Record<string, string>,
  value: number,
  timestampMs = Number.NaN,
): Collected => ({
  family,
  labels,
  value,
  timestampMs,
});

describe('lines of the text format', () => {
  checkSamples('no line at all', '');
  checkSamples('blank lines and comments', '\n  \t\n# HELP a what\n#\n# a 1\n\n');
  checkSamples('no labels', 'a 1\n', sample('a', {}, 1));
  checkSamples('empty braces', 'a{} 1\n', sample('a', {}, 1));
  checkSamples('labels and a time', 'a{x="1",y="2"} 3 4\n', sample('a', { x: '1', y: '2' }, 3, 4));
  checkSamples('a comma behind the last label', 'a{x="1",} 3\n', sample('a', { x: '1' }, 3));
  checkSamples('a negative time', 'a 1 -62135596800000\n', sample('a', {}, 1, -62135596800000));
  checkSamples('blanks everywhere', ' \ta\t{ x = "1" , y = "2" }  3\t 4 \n', sample('a', { x: '1', y: '2' }, 3, 4));
  checkSamples(
    'values that are no numbers',
    'a NaN\na +Inf\na -Inf\n',
    sample('a', {}, Number.NaN),
    sample('a', {}, Infinity),
    sample('a', {}, -Infinity),
  );
  checkSamples('names that begin alike', 'a_b_c 1\na_b 2\na 3\nab 4\n', sample('a_b', {}, 2), sample('a', {}, 3));
  checkSamples('other families, however odd their labels', 'b{x="a 1",y="\\"\\na 2"} 3\na 4\n', sample('a', {}, 4));
  checkSamples('escapes', 'a{x="\\"\\\\\\n\\\\n",y="z"} 1\n', sample('a', { x: '"\\\n\\n', y: 'z' }, 1));
  checkSamples('an unknown escape stays as it is', 'a{x="\\d"} 1\n', sample('a', { x: '\\d' }, 1));
  checkSamples(
    'braces, commas, equals and quotes in a value',
    'a{x="},y=\\"2\\"} 9",y="1"} 3\n',
    sample('a', { x: '},y="2"} 9', y: '1' }, 3),
  );
  checkSamples('a comment in a value', 'a{x="# TYPE a gauge"} 1\n', sample('a', { x: '# TYPE a gauge' }, 1));
  checkSamples('more than ASCII in a value', 'a{x="\u00e9\u{1f600}"} 1\n', sample('a', { x: '\u00e9\u{1f600}' }, 1));
});

describe('a body in another format is rejected with an offset:', () => {
  checkError('a 1', 0, /cut off/);
  checkError('a 1\na 2', 4, /cut off/);
  checkError('# HELP', 0, /cut off/);
  checkError('<html>\n', 0, /neither a metric name nor a comment/);
  checkError('{"a":1}\n', 0, /neither a metric name nor a comment/);
  checkError('a\n', 1, /not a number/);
  checkError('a \n', 2, /not a number/);
  checkError('a x\n', 2, /not a number/);
  checkError('a 1 2 3\n', 6, /something follows/);
  checkError('a 1 1.5\n', 4, /not a time/);
  checkError('a 1 1e300\n', 4, /not a time/);
  checkError('a 1 9300000000000000000\n', 4, /not a time/);
  checkError('a{\n', 2, /not a label/);
  checkError('a{x\n', 2, /not a label/);
  checkError('a{="1"} 1\n', 2, /not a label/);
  checkError('a{x=1} 1\n', 4, /without a quote/);
  checkError('a{x="1\n', 5, /without an end/);
  checkError('a{x="1\\"\n', 5, /without an end/);
  checkError('a{x="1\\\n', 5, /without an end/);
  checkError('a{x="1"y="2"} 1\n', 7, /neither a comma/);
  checkError('a{x="1"}\n', 8, /not a number/);
  checkError(`a{${'x="1",'.repeat(65)}} 1\n`, 2 + 64 * 6, /more than 64 labels/);
});

test('a family that was not requested is reported', () => {
  assert.equal(read('a 1\na_b 2\n').hasOtherFamilies, false);
  assert.equal(read('# HELP b what\na 1\n').hasOtherFamilies, false);
  assert.equal(read('a 1\nb 2\n').hasOtherFamilies, true);
});

test('a part of a larger buffer is read alone', () => {
  const memory = Buffer.from('a 1\na 2\na 3\n');
  assert.deepEqual(collect(readText, memory.subarray(4, 8), ['a'], []).samples, [sample('a', {}, 2)]);
});

test('any bytes yield samples or an ExpositionError inside the body', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .array(fc.constantFrom('a', 'a_b', '{', '}', '"', ',', '=', 'x', '\\', '\n', ' ', '1', '-', '#'), {
        maxLength: 60,
      })
      .map((parts) => Buffer.from(parts.join(''))),
  );
  fc.assert(
    fc.property(bytes, (body) => {
      try {
        collect(readText, body, ['a', 'a_b'], ['x']);
      } catch (error) {
        assert.ok(error instanceof ExpositionError && error.offset >= 0 && error.offset <= body.length, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

function checkSamples(what: string, text: string, ...expected: readonly Collected[]): void {
  test(what, () => assert.deepEqual(read(text).samples, expected));
}

function checkError(text: string, offset: number, message: RegExp): void {
  test(JSON.stringify(text), () => {
    assert.throws(
      () => read(text),
      (error) => error instanceof ExpositionError && error.offset === offset && message.test(error.message),
    );
  });
}

describe('a body in chunks', () => {
  const lines = 'a{x="1"} 1 5\nb{y="a 2\\"} 7"} 2\n# a 9\n  a_b{y="3"} 3\na 4\n';

  test('of any size has the same samples as in one chunk', () => {
    const whole = read(lines);
    for (let size = 1; size <= lines.length; size += 1) {
      const inChunks: Read = (bytes, names, visit) => {
        const reader = new TextReader(names, showing(visit));
        for (let at = 0; at < bytes.length; at += size) {
          // The chunk is borrowed.
          const piece = Buffer.from(bytes.subarray(at, at + size));
          reader.write(piece);
          piece.fill(0);
        }
        return reader.end();
      };
      assert.deepEqual(collect(inChunks, Buffer.from(lines), ['a', 'a_b'], ['x', 'y']), whole, `${size}`);
    }
  });

  test('is read while it arrives', () => {
    const seen: number[] = [];
    const reader = new TextReader(
      ['a'],
      showing(({ value }) => void seen.push(value)),
    );
    reader.write(Buffer.from('a 1\na 2\na 3'));
    assert.deepEqual(seen, [1, 2]);
    reader.write(Buffer.from('4\n'));
    assert.deepEqual(seen, [1, 2, 34]);
  });

  test('has errors with offsets in the body', () => {
    const reader = new TextReader(
      ['a'],
      showing(() => {}),
    );
    reader.write(Buffer.from('a 1\na '));
    assert.throws(() => reader.write(Buffer.from('x\n')), /not a number at byte 6/);
    const other = new TextReader(
      ['a'],
      showing(() => {}),
    );
    other.write(Buffer.from('a 1\na 2\n'));
    assert.throws(() => other.write(Buffer.from('a 3\n?\n')), /neither a metric name nor a comment at byte 12/);
  });

  test('of a byte each takes no memory for each of them', () => {
    const reader = new TextReader(
      ['a'],
      showing(() => {}),
    );
    const byte = Buffer.from('#');
    const newline = Buffer.from('\n');
    const before = process.memoryUsage();
    for (let count = 0; count < 3_000_000; count += 1) reader.write(count % 1_000 === 0 ? newline : byte);
    const after = process.memoryUsage();
    // Kept one by one: half a gigabyte.
    assert.ok(after.heapUsed + after.external - before.heapUsed - before.external < 64e6);
  });

  test('with a line that does not end is rejected', () => {
    const reader = new TextReader(
      ['a'],
      showing(() => {}),
    );
    const piece = Buffer.alloc(64 * 1024, 'a');
    assert.throws(() => {
      for (let count = 0; count < 20; count += 1) reader.write(piece);
    }, /a line of more than 1048576 bytes at byte 0/);
  });
});

test('a time is any int64, as in protobuf', () => {
  const times: number[] = [];
  readText(Buffer.from('a 1 9007199254740993\na 1 -9223372036854775808\n'), ['a'], (sample) =>
    times.push(sample.timestampMs),
  );
  assert.deepEqual(times, [9_007_199_254_740_992, -9_223_372_036_854_775_808]);
});
