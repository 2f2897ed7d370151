import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anonymous } from '../../../src/auth/user.ts';
import { callerOf } from '../../../src/server/callers.ts';

const kindOf = (name: string, groups: readonly string[] = ['system:authenticated']) =>
  callerOf({ ...anonymous, name, groups }).kind;

test('controllers of the cluster are callers of their own kind', () => {
  assert.equal(kindOf('system:kube-controller-manager'), 'system');
  assert.equal(kindOf('system:serviceaccount:kube-system:horizontal-pod-autoscaler'), 'system');
  assert.equal(kindOf('system:controller:horizontal-pod-autoscaler'), 'system');
});

test('users, nodes and ServiceAccounts of other namespaces are users', () => {
  for (const name of [
    'alice',
    'system:node:node-a',
    'system:bootstrap:abcdef',
    'system:serviceaccount:shop:default',
    'system:serviceaccount:kube-system',
    'system:serviceaccount:kube-system-2:horizontal-pod-autoscaler',
  ])
    assert.equal(kindOf(name), 'user', name);
});

test('a request without credentials, and one that a proxy names anonymous, is of a stranger', () => {
  assert.equal(callerOf(undefined).kind, 'stranger');
  assert.equal(callerOf(anonymous).kind, 'stranger');
  assert.equal(kindOf('system:kube-controller-manager', ['system:unauthenticated']), 'stranger');
});
