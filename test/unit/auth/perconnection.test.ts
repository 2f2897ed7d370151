import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { perConnection } from '../../../src/auth/perconnection.ts';
import { makeAuthority } from '../../fakes/certificates.ts';

const authority = makeAuthority();
const one = authority.issue({ cn: 'one' }).cert;
const two = authority.issue({ cn: 'two' }).cert;

test('a certificate is read once per connection, and again when the connection presents another one', () => {
  let reads = 0;
  const subjectOf = perConnection((certificate) => {
    reads += 1;
    return certificate.subject;
  });
  const [here, there] = [{}, {}];
  // Node makes another object for the same certificate each time.
  for (let time = 0; time < 3; time += 1) assert.equal(subjectOf(new X509Certificate(one), here), 'CN=one');
  assert.equal(reads, 1);
  assert.equal(subjectOf(new X509Certificate(one), there), 'CN=one');
  assert.equal(subjectOf(new X509Certificate(two), here), 'CN=two');
  assert.equal(subjectOf(new X509Certificate(one), here), 'CN=one');
  assert.equal(reads, 4);
});

test('a certificate that cannot be read is read again', () => {
  let reads = 0;
  const failing = perConnection(() => {
    reads += 1;
    throw new Error('unreadable');
  });
  const connection = {};
  for (let time = 0; time < 2; time += 1) assert.throws(() => failing(new X509Certificate(one), connection));
  assert.equal(reads, 2);
});
