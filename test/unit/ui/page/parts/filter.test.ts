import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matches } from '../../../../../src/ui/page/parts/filter.js';

test('each word of a filter must be in one of the texts, in any case', () => {
  assert.equal(matches('', ['web']), true);
  assert.equal(matches('WEB node-1', ['shop-web', 'node-1']), true);
  assert.equal(matches('web node-2', ['shop-web', 'node-1', undefined]), false);
});

test('a word with = is a label that must have just that value', () => {
  const labels = { app: 'Web', 'app.kubernetes.io/name': 'a=b' };
  assert.equal(matches('app=web', [], labels), true);
  assert.equal(matches('app.kubernetes.io/name=a=b', [], labels), true);
  assert.equal(matches('app=we', ['app=we'], labels), false);
  assert.equal(matches('toString=', [], labels), false);
});

test('a label is found whatever the case of its key', () => {
  assert.equal(matches('appName=web', [], { appName: 'Web' }), true);
  assert.equal(matches('appname=web', [], { appName: 'web' }), true);
  assert.equal(matches('toString=web', [], {}), false);
});
