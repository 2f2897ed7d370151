import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkGoAccepts, validityProblem } from '../../../src/tls/servingrules.ts';
import { parseCertificates } from '../../../src/tls/trustbundle.ts';
import { makeAuthority } from '../../fakes/certificates.ts';
import { servingCases } from './servingcases.ts';

describe('a serving certificate', () => {
  for (const { what, chain, reason } of servingCases) {
    const check = () => checkGoAccepts(parseCertificates(chain, 'tls.crt'), 'tls.crt');
    if (reason === undefined) test(`${what} is accepted`, check);
    else {
      test(`${what} is refused with the reason`, () => {
        assert.throws(check, (error: Error) => {
          assert.match(error.message, reason);
          assert.match(
            error.message,
            /certificate .*in tls\.crt .*; kube-apiserver and other Go clients would refuse it$/,
          );
          return true;
        });
      });
    }
  }

  test('is valid from its first second to its last, as in Go', () => {
    const [notBefore, notAfter] = [new Date('2026-11-29T10:00:00Z'), new Date('2026-11-29T12:00:00Z')];
    const { cert } = makeAuthority().issue({ cn: 'x', notBefore, notAfter });
    const problemAt = (ms: number) => parseCertificates(cert, 'x').map((each) => validityProblem(each, ms))[0];
    assert.equal(problemAt(notBefore.getTime()), undefined);
    assert.equal(problemAt(notAfter.getTime()), undefined);
    assert.equal(problemAt(notBefore.getTime() - 1), 'is not valid before 2026-11-29T10:00:00.000Z');
    assert.equal(problemAt(notAfter.getTime() + 1), 'has expired at 2026-11-29T12:00:00.000Z');
  });
});
