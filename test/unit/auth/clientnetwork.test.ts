import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkOf } from '../../../src/auth/clientnetwork.ts';

test('the network of a client is its IPv4 address, or the /64 of its IPv6 address', () => {
  assert.equal(networkOf('10.0.0.1'), '10.0.0.1');
  assert.equal(networkOf('::ffff:10.0.0.1'), '10.0.0.1');
  assert.equal(networkOf('2001:db8:0:1:2:3:4:5'), '2001:db8:0:1');
  assert.equal(networkOf('2001:DB8::1'), networkOf('2001:db8::2'));
  assert.notEqual(networkOf('2001:db8:0:1::1'), networkOf('2001:db8:0:2::1'));
  assert.equal(networkOf('fe80::1%eth0'), networkOf('fe80::2'));
  assert.equal(networkOf('::1'), '0:0:0:0');
  assert.equal(networkOf(''), '');
});
