import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { cipherList } from '../../../src/tls/ciphers.ts';

test("no suites mean Go's default: forward secrecy, no CBC with SHA-256", () => {
  const suites = cipherList([]).split(':');
  assert.ok(suites.includes('ECDHE-RSA-AES128-SHA'));
  assert.ok(suites.every((suite) => suite.startsWith('TLS_') || suite.startsWith('ECDHE-')));
  assert.ok(!suites.some((suite) => suite.endsWith('AES128-SHA256') && !suite.includes('GCM')));
  createSecureContext({ ciphers: cipherList([]) });
});

test("Go's names become a list that OpenSSL takes", () => {
  const ciphers = cipherList(['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256']);
  assert.equal(ciphers, 'ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256');
  createSecureContext({ ciphers });
});

test('an unknown suite is named', () => {
  assert.throws(() => cipherList(['TLS_NOPE', 'TLS_AES_128_GCM_SHA256']), /unknown TLS_NOPE; known are/);
});
