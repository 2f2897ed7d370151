import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateOf } from '../../../../src/kubelet/http/responsehead.ts';

test('a Date is the time of the node, where a node can have it', () => {
  for (const ms of [0, 1_795_000_000_000, Date.UTC(9998, 11, 31)]) {
    assert.equal(dateOf(new Date(ms).toUTCString()), ms);
  }
});

test('a Date that no clock shows is none', () => {
  for (const ms of [-1_000, Date.UTC(-1), Date.UTC(9999), Date.UTC(10_000), 8.64e15, -8.64e15]) {
    assert.equal(dateOf(new Date(ms).toUTCString()), undefined, `${ms}`);
  }
  for (const text of ['', 'now', 'Thu, 32 Foo 2026 25:00:00 GMT']) assert.equal(dateOf(text), undefined, text);
});
