/** Bytes before the certificates are skipped or rejected with errors of ours, in pieces of any size. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Asn1Error } from '../../../src/tls/asn1.ts';
import { PeerFlight, PeerFlightError, flightLimitBytes } from '../../../src/tls/peerflight.ts';
import { ecKeys, rawCertificate, rsaSpki, spkiOf } from '../../fakes/rawcertificates.ts';

const uint = (value: number, bytes: number) => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
};
const vector = (bytes: number, content: Uint8Array) => Buffer.concat([uint(content.length, bytes), content]);
const record = (type: number, content: Uint8Array) => Buffer.concat([Buffer.from([type, 3, 3]), vector(2, content)]);
const message = (type: number, body: Uint8Array) => Buffer.concat([Buffer.from([type]), vector(3, body)]);
const certificates = (...list: readonly Buffer[]) =>
  message(11, vector(3, Buffer.concat(list.map((each) => vector(3, each)))));
const hello = message(1, Buffer.alloc(200));
const good = rawCertificate({ subject: 'a', issuer: 'b', spki: spkiOf(ecKeys()) });
const bad = rawCertificate({ subject: 'a', issuer: 'b', spki: rsaSpki(16_384) });
const reader = () => new PeerFlight(() => undefined);

/** A handshake of TLS 1.2 in records of a given size. */
function records(messages: Buffer, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < messages.length; at += size) parts.push(record(22, messages.subarray(at, at + size)));
  return Buffer.concat(parts);
}

test('certificates are found in records and pieces of any size', () => {
  for (const [list, isGood] of [
    [[good, good], true],
    [[good, bad], false],
    [[bad], false],
    [[], true],
  ] as const) {
    for (const size of [1, 3, 100, 16_384]) {
      for (const step of [1, 7, 1_000, 100_000]) {
        const flight = reader();
        const bytes = records(Buffer.concat([hello, certificates(...list)]), size);
        const read = () => {
          for (let at = 0; at < bytes.length; at += step) flight.read(bytes.subarray(at, at + step));
        };
        if (isGood) read();
        else assert.throws(read, Asn1Error);
        assert.equal(flight.done, isGood, `${list.length} in records of ${size}, pieces of ${step}`);
      }
    }
  }
});

describe('a flight is rejected with', () => {
  const cases: ReadonlyMap<string, readonly [Buffer, RegExp]> = new Map([
    ['a first message in the form of SSL 2.0', [Buffer.from('802e0100020015', 'hex'), /TLS/]],
    ['a record that is too long', [Buffer.concat([Buffer.from([22, 3, 3]), uint(17_000, 2)]), /too long/]],
    ['data before the handshake', [record(23, Buffer.alloc(40)), /before/]],
    ['a compressed certificate', [record(22, message(25, Buffer.alloc(10))), /compressed/]],
    ['a list that is longer than its message', [record(22, message(11, uint(9, 3))), /malformed/]],
    ['a list that is shorter than its message', [record(22, message(11, Buffer.alloc(9))), /malformed/]],
    ['a certificate that is longer than the list', [record(22, message(11, vector(3, uint(9, 3)))), /malformed/]],
    ['bytes behind a certificate', [record(22, certificates(Buffer.concat([good, good]))), /malformed/]],
    ['a flight without an end', [Buffer.alloc(flightLimitBytes + 1, 22), /more than/]],
  ]);
  for (const [what, [bytes, expected]] of cases) {
    test(what, () => {
      assert.throws(
        () => reader().read(bytes),
        (error: unknown) =>
          (error instanceof PeerFlightError || error instanceof Asn1Error) && expected.test(error.message),
      );
    });
  }
});

test('any bytes throw only these errors', () => {
  const whole = records(Buffer.concat([hello, certificates(good, good)]), 300);
  const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(changes, fc.integer({ min: 1, max: 2_000 }), (edits, step) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of edits) bytes[at] = value;
      const flight = reader();
      try {
        for (let at = 0; at < bytes.length; at += step) flight.read(bytes.subarray(at, at + step));
      } catch (error) {
        assert.ok(error instanceof PeerFlightError || error instanceof Asn1Error, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a message in records of one byte costs no more than its bytes', () => {
  const bytes = records(Buffer.concat([message(1, Buffer.alloc(10_000)), certificates(good, good)]), 1);
  let copied = 0;
  const { concat } = Buffer;
  Buffer.concat = (list, ...rest) => {
    const joined = concat(list, ...rest);
    copied += joined.length;
    return joined;
  };
  const flight = reader();
  try {
    flight.read(bytes);
  } finally {
    Buffer.concat = concat;
  }
  assert.ok(flight.done);
  assert.ok(copied < 4 * bytes.length, `${copied} bytes were copied`);
});
