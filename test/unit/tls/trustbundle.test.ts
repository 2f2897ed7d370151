import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseTrustBundle } from '../../../src/tls/trustbundle.ts';
import { makeAuthority } from '../../fakes/certificates.ts';

const first = makeAuthority('first');
const second = makeAuthority('second');

describe('a trust bundle', () => {
  test('is all certificates of a PEM text, in order', () => {
    const bundle = parseTrustBundle(`# two CAs\r\n${first.cert}${first.key}\n\n${second.cert}`, 'ca.crt');
    assert.deepEqual(
      bundle.certificates.map(({ subject }) => subject),
      ['CN=first', 'CN=second'],
    );
    assert.equal(bundle.pem, first.cert + second.cert);
  });

  test('may have Windows line ends', () => {
    assert.equal(parseTrustBundle(first.cert.replaceAll('\n', '\r\n'), 'ca.crt').pem, first.cert);
  });

  const check = (what: string, text: string, message: RegExp) =>
    void test(`is not ${what}`, () => assert.throws(() => parseTrustBundle(text, 'ca.crt'), message));
  check('an empty text', '', /ca\.crt holds no certificate; expected PEM/);
  check('a key', first.key, /ca\.crt holds no certificate/);
  check('a certificate without its end', first.cert.slice(0, -30), /certificate 1 in ca\.crt is broken/);
  for (const [which, text, left] of [
    ['first', first.cert.slice(0, 100) + second.cert, second.cert],
    ['second', first.cert + second.cert.slice(0, 100), first.cert],
  ] as const) {
    test(`skips a damaged ${which} certificate and keeps the good one`, () => {
      assert.equal(parseTrustBundle(text, 'ca.crt').pem, left);
    });
  }
  check('a thousand certificates', first.cert.repeat(1000), /ca\.crt holds 1000 certificates; at most 500/);

  test('is an Error that names its source, or a bundle, for any text', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', '\n', 'MIIB'),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        assert.throws(() => parseTrustBundle(pieces.join(''), 'ca.crt'), /ca\.crt/);
      }),
    );
  });
});
