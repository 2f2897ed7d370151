/** Golden bytes are those of the Go libraries and of the real server. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeStatus } from '../../../src/apimachinery/metaprotobuf.ts';
import { encodeProtobuf } from '../../../src/apimachinery/protobuf.ts';
import { notFound, type StatusError, unauthorized, unsupportedMediaType } from '../../../src/apimachinery/status.ts';

describe('the bytes of a Status', () => {
  const check = (name: string, error: StatusError, hex: string) =>
    test(name, () => assert.equal(encodeStatus(error.toStatus()).toString('hex'), hex));
  check(
    'with details',
    notFound({ group: '', resource: 'node' }, 'nope'),
    '6b3873000a0c0a027631120653746174757312490a060a0012001a0012074661696c7572651a156e6f646520226e6f706522206e6f7420666f756e6422084e6f74466f756e642a120a046e6f706512001a046e6f6465280032003094031a002200',
  );
  check(
    'with empty details',
    unsupportedMediaType(),
    '6b3873000a0c0a027631120653746174757312530a060a0012001a0012074661696c7572651a1b3431353a20556e737570706f72746564204d6564696120547970652214556e737570706f727465644d65646961547970652a0a0a0012001a0028003200309f031a002200',
  );
  check(
    'without details',
    unauthorized(),
    '6b3873000a0c0a027631120653746174757312300a060a0012001a0012074661696c7572651a0c556e617574686f72697a6564220c556e617574686f72697a65643091031a002200',
  );
});

describe('a message', () => {
  const check = (length: number) =>
    test(`of ${length} bytes has its length before it and the next field after it`, () => {
      const bytes = encodeProtobuf('', '', (writer) => writer.raw(Buffer.alloc(length, 0x2a)));
      const { value, end } = readVarint(bytes, bytes.indexOf(0x12, 9) + 1);
      assert.equal(value, length);
      assert.deepEqual(
        bytes.subarray(end),
        Buffer.concat([Buffer.alloc(length, 0x2a), Buffer.from('1a002200', 'hex')]),
      );
    });
  for (const length of [0, 1, 127, 128, 1023, 1024, 16_383, 16_384, 3_000_000]) check(length);
});

test('numbers above 2^32 are varints', () => {
  const bytes = encodeProtobuf('', '', (writer) => writer.integer(1, 2 ** 53));
  assert.ok(bytes.includes(Buffer.from('088080808080808010', 'hex')));
});

test('text is UTF-8 with its length in bytes', () => {
  const bytes = encodeProtobuf('', '', (writer) => writer.string(1, 'jos\u00e9'));
  assert.ok(bytes.includes(Buffer.from('0a056a6f73c3a9', 'hex')));
});

function readVarint(bytes: Buffer, start: number): { value: number; end: number } {
  let value = 0;
  let end = start;
  for (let factor = 1; ; factor *= 0x80) {
    const byte = bytes[end++] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, end };
  }
}
