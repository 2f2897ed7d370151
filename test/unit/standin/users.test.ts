import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAllowed, readerUser, serverUser } from '../../standin/users.ts';

test('the server may read its own /status and nothing else, as by the ClusterRole of the manifests', () => {
  const asked = { user: serverUser.username, groups: serverUser.groups, group: '', verb: 'get' };
  assert.equal(isAllowed({ ...asked, path: '/status' }), true);
  assert.equal(isAllowed({ ...asked, path: '/metrics' }), false);
  assert.equal(isAllowed({ ...asked, path: '/status', verb: 'post' }), false);
  assert.equal(isAllowed({ ...asked, group: 'metrics.k8s.io' }), false);
  assert.equal(isAllowed({ ...asked, user: readerUser.username, path: '/status' }), true);
});
