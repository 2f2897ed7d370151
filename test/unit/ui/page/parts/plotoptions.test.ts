import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wholeSteps } from '../../../../../src/ui/page/parts/plotoptions.js';

test('an axis of objects has steps of whole numbers only', () => {
  assert.deepEqual(wholeSteps.slice(0, 5), [1, 2, 5, 10, 20]);
  assert.ok(wholeSteps.every((step) => Number.isInteger(step)));
});
