import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { cipherList, cipherWarnings } from '../../../src/tls/ciphers.ts';

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

test('a suite that Go calls insecure is accepted with a warning', () => {
  // Go's tls.InsecureCipherSuites.
  const insecure = [
    'TLS_RSA_WITH_RC4_128_SHA',
    'TLS_RSA_WITH_3DES_EDE_CBC_SHA',
    'TLS_RSA_WITH_AES_128_CBC_SHA',
    'TLS_RSA_WITH_AES_256_CBC_SHA',
    'TLS_RSA_WITH_AES_128_CBC_SHA256',
    'TLS_RSA_WITH_AES_128_GCM_SHA256',
    'TLS_RSA_WITH_AES_256_GCM_SHA384',
    'TLS_ECDHE_ECDSA_WITH_RC4_128_SHA',
    'TLS_ECDHE_RSA_WITH_RC4_128_SHA',
    'TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA',
    'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256',
    'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256',
  ];
  for (const suite of insecure) {
    const [warning = ''] = cipherWarnings([suite]);
    assert.ok(warning.includes(suite), suite);
    assert.equal(/never used/.test(warning), /RC4|3DES/.test(suite), suite);
    createSecureContext({ ciphers: cipherList([suite]) });
  }
  assert.deepEqual(cipherWarnings(cipherList([]).split(':')), []);
  const suites = ['TLS_ECDHE_RSA_WITH_RC4_128_SHA', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'];
  assert.equal(cipherList(suites), 'ECDHE-RSA-AES128-GCM-SHA256');
});

test('the default has the order of Go', () => {
  const order = cipherList([])
    .split(':')
    .filter((suite) => !suite.startsWith('TLS_'));
  assert.deepEqual(order, [
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
    'ECDHE-ECDSA-AES128-SHA',
    'ECDHE-RSA-AES128-SHA',
    'ECDHE-ECDSA-AES256-SHA',
    'ECDHE-RSA-AES256-SHA',
  ]);
});

test('suites of TLS 1.3 are those that Go has', () => {
  assert.throws(() => cipherList(['TLS_AES_128_CCM_SHA256']), /unknown TLS_AES_128_CCM_SHA256/);
});
