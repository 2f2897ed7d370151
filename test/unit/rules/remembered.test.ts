import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remembered } from '../../../src/rules/remembered.ts';

test('each of the last texts is computed once, also where the result is undefined, and older ones are dropped', () => {
  const computed: string[] = [];
  const lengthOf = remembered((text) => {
    computed.push(text);
    return text === 'none' ? undefined : text.length;
  }, 2);
  for (const text of ['none', 'a', 'none', 'b', 'a', 'none']) lengthOf(text);
  assert.deepEqual(computed, ['none', 'a', 'b']);
  for (const text of ['c', 'd', 'e', 'f']) lengthOf(text);
  assert.equal(lengthOf('none'), undefined);
  assert.deepEqual(computed, ['none', 'a', 'b', 'c', 'd', 'e', 'f', 'none']);
});
