import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiPath, linkTo, placeOf, podLink } from '../../../../src/ui/page/routes.js';

test('a place is read as it was written, whatever its parts contain', () => {
  const parts = ['pods', 'a/b', '<img src=x onerror=alert(1)>', '100%', '#?&'];
  assert.deepEqual(placeOf(linkTo(...parts)).path, parts);
  assert.equal(podLink({ namespace: 'shop', name: 'web-0' }), '#/pods/shop/web-0');
});

test('an address that a person typed is read as far as it can be', () => {
  assert.deepEqual(
    ['', '#', '#/', '#pods', '#/pods//', '#/%zz'].map((hash) => placeOf(hash).path),
    [[], [], [], ['pods'], ['pods'], ['%zz']],
  );
});

test('a request has the parameters that are set, escaped, and is relative to the page', () => {
  assert.equal(
    apiPath('pods', { namespace: 'a b', node: undefined, limit: 500 }),
    'api/pods?namespace=a%20b&limit=500',
  );
  assert.equal(apiPath('summary'), 'api/summary');
});
