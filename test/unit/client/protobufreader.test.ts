/** Kubernetes' protobuf decodes to what JSON does, for any object. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { encodeProtobuf, ProtobufWriter } from '../../../src/apimachinery/protobuf.ts';
import { listOf, objectMeta, watchEvent } from '../../../src/client/kubernetesmessages.ts';
import { createProtobufDecoder, isProtobuf, type Message, ProtobufError } from '../../../src/client/protobufreader.ts';
import { encodeEvent, encodeList, encodeObject } from '../../fakes/kubeprotobuf.ts';

const pod: Message = { 1: { name: 'metadata', kind: 'message', message: objectMeta(['wanted', 'also']) } };
const decoder = createProtobufDecoder();

/** Few, so that words repeat; some are not ASCII. */
const word = fc.oneof(
  fc.constantFrom('app', 'web', 'tier', 'wanted', 'also'),
  fc.string({ unit: 'binary', maxLength: 200 }),
);
const texts = fc.dictionary(word, word, { maxKeys: 6 });
const metadata = fc.record(
  { name: word, namespace: word, uid: word, resourceVersion: word, labels: texts, annotations: texts },
  { requiredKeys: ['name'] },
);

describe('an object in protobuf', () => {
  test('is read as in JSON, without empty and unlisted fields', () => {
    fc.assert(
      fc.property(metadata, (each) => {
        const object = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: each };
        assert.deepEqual(decoder.object(encodeObject(object), pod), { ...object, metadata: wantedOf(each) });
      }),
    );
  });

  test('is read the same in a list and in a watch', () => {
    fc.assert(
      fc.property(fc.array(metadata, { maxLength: 5 }), (all) => {
        const type = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' };
        const list = { ...type, metadata: { resourceVersion: '7', continue: 'next' } };
        const objects = all.map((each) => ({ ...type, metadata: each }));
        const items = all.length === 0 ? {} : { items: all.map((each) => ({ metadata: wantedOf(each) })) };
        assert.deepEqual(decoder.object(encodeList({ ...list, items: objects }), listOf(pod)), { ...list, ...items });
        for (const object of objects) {
          const event = decoder.message(encodeEvent('ADDED', object).subarray(4), watchEvent);
          const expected = { type: 'ADDED', object: { raw: encodeObject(object) } };
          assert.deepEqual(event, expected);
        }
      }),
    );
  });

  test('is read without a message that lacks the path it requires', () => {
    const wanted: Message = { 1: { name: 'state', kind: 'message', message: {} } };
    const conditional = (kind: 'message' | 'list'): Message => ({
      2: { name: 'it', kind, message: wanted, requires: [[1, 4], [3]] },
      5: { name: 'next', kind: 'text' },
    });
    const write = (number: number, inner: number, repeated: number) => {
      const writer = new ProtobufWriter();
      for (let index = 0; index < repeated; index += 1) {
        writer.message(2, () => {
          writer.string(1, '');
          writer.message(number, () => {
            writer.integer(2, 7);
            writer.message(inner, () => writer.integer(1, 9));
            writer.integer(6, 1);
          });
          writer.string(9, 'after');
        });
      }
      writer.string(5, 'next');
      return writer.bytes();
    };
    const read = (bytes: Buffer, kind: 'message' | 'list') => Object.keys(decoder.message(bytes, conditional(kind)));
    for (const kind of ['message', 'list'] as const) {
      for (const bytes of [write(4, 3, 1), write(4, 3, 2)]) assert.deepEqual(read(bytes, kind), ['it', 'next']);
      for (const bytes of [write(2, 3, 2), write(4, 2, 2), write(5, 3, 1), write(4, 3, 0)])
        assert.deepEqual(read(bytes, kind), ['next']);
    }
  });

  test('interns equal words only', () => {
    // The codes of the first are the bytes of the second, and both have the same slot.
    for (const bytes of ['\u00cc\u008d', '\u030d', 'app', 'app'].map((text) => Buffer.from(text))) {
      const read = decoder.message(Buffer.concat([Buffer.from([0x0a, bytes.length]), bytes]), {
        1: { name: 'it', kind: 'word' },
      });
      assert.equal(read['it'], bytes.toString('utf8'));
    }
  });

  test('may be a Status instead', () => {
    const status = { kind: 'Status', apiVersion: 'v1', message: 'too old', code: 410 };
    assert.deepEqual(decoder.object(encodeObject(status), pod), status);
  });

  test('may have unknown fields of each wire type', () => {
    const unknown = Buffer.from([0x28, 0xff, 0x01, 0x31, 1, 2, 3, 4, 5, 6, 7, 8, 0x3d, 1, 2, 3, 4, 0x42, 2, 9, 9]);
    const bytes = encodeProtobuf('v1', 'Pod', (writer) => {
      writer.raw(unknown);
      writer.message(1, () => {
        writer.raw(Buffer.from([0xa2, 0x06, 1, 0]));
        writer.string(1, 'a');
      });
      writer.raw(unknown);
    });
    assert.deepEqual(decoder.object(bytes, pod), { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } });
  });
});

describe('malformed protobuf', () => {
  const refused = (what: string, bytes: Buffer) =>
    void test(`is refused: ${what}`, () => assert.throws(() => decoder.object(bytes, pod), ProtobufError));
  const inEnvelope = (...bytes: number[]) => encodeProtobuf('v1', 'Pod', (writer) => writer.raw(Buffer.from(bytes)));

  refused('no bytes', Buffer.alloc(0));
  refused('JSON', Buffer.from('{"kind":"Pod"}'));
  refused('a field beyond the end', inEnvelope(0x0a, 5, 1));
  refused('a field beyond its message, though not beyond the bytes', inEnvelope(0x0a, 2, 0x0a, 4, 0x28, 1, 0x28, 1));
  refused('a length beyond 2^53', inEnvelope(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01));
  refused('a number that does not end', inEnvelope(0x28, 0xff));
  refused('a number of eleven bytes', inEnvelope(0x28, ...Array.from({ length: 10 }, () => 0x80), 1));
  refused('a fixed number beyond the end', inEnvelope(0x31, 1, 2, 3));
  refused('a group', inEnvelope(0x2b, 0x2c));
  refused('a listed field of another type', inEnvelope(0x08, 1));

  test('any bytes, including a damaged object, yield an object or a ProtobufError', () => {
    const object = encodeObject({
      kind: 'Node',
      apiVersion: 'v1',
      metadata: { name: 'a', labels: { a: 'b' } },
      status: {},
    });
    const damage = fc.array(fc.tuple(fc.nat(object.length - 1), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(damage, fc.nat(object.length), fc.uint8Array({ maxLength: 60 }), (changes, length, tail) => {
        const bytes = Buffer.concat([object.subarray(0, length), tail]);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        try {
          decoder.object(bytes, pod);
        } catch (error) {
          assert.ok(error instanceof ProtobufError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('JSON is not taken for protobuf', () => {
    assert.ok(!isProtobuf(Buffer.from('{}')));
    assert.ok(!isProtobuf(Buffer.from('k8')));
    assert.ok(isProtobuf(encodeObject({ kind: 'Pod', apiVersion: 'v1', metadata: {} })));
  });
});

test('numbers are exact up to 2^53', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const writer = new ProtobufWriter();
      writer.integer(1, value);
      assert.deepEqual(decoder.message(writer.bytes(), { 1: { name: 'it', kind: 'integer' } }), { it: value });
    }),
  );
});

/** Maps in place of objects, without empty values. */
function wantedOf(each: Readonly<Record<string, string | Readonly<Record<string, string>>>>): object {
  const wanted: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(each)) {
    if (typeof value === 'string') {
      if (value !== '') wanted[name] = value;
      continue;
    }
    const entries = Object.entries(value).filter(([key]) => name === 'labels' || key === 'wanted' || key === 'also');
    if (entries.length > 0) wanted[name] = new Map(entries);
  }
  return wanted;
}
