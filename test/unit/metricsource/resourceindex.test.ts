import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createResourceIndex } from '../../../src/metricsource/resourceindex.ts';
import { describedResource } from '../../fakes/discovery.ts';

const index = createResourceIndex([
  describedResource('', 'v1', 'pods', 'Pod'),
  describedResource('', 'v1', 'events', 'Event'),
  describedResource('apps', 'v1', 'deployments', 'Deployment'),
  describedResource('events.k8s.io', 'v1', 'events', 'Event'),
  describedResource('networking.k8s.io', 'v1', 'ingresses', 'Ingress'),
  describedResource('apps.example.com', 'v1', 'deployments', 'Deployment'),
  describedResource('apps.example.com', 'v1', 'pods', 'Pod'),
]);

const found = (name: string) => {
  const resource = index.resourceFor(name);
  return resource && `${resource.resource}.${resource.group}`;
};

test('a resource is found by plural and singular, with its group or without, and the first one in order wins', () => {
  assert.deepEqual(['pods', 'pod', 'event', 'events.events.k8s.io', 'deployment.apps'].map(found), [
    'pods.',
    'pods.',
    'events.',
    'events.events.k8s.io',
    'deployments.apps',
  ]);
});

test('case does not count in the name of a resource, but in its group', () => {
  assert.deepEqual(['Pods', 'POD', 'Deployment.apps', 'deployments.Apps'].map(found), [
    'pods.',
    'pods.',
    'deployments.apps',
    undefined,
  ]);
});

test('an empty group is none, and a group may be the beginning of one if no resource has it', () => {
  assert.deepEqual(['pods.', 'Ingress.networking', 'pod.apps', 'deployments.app', 'deployments.apps.'].map(found), [
    'pods.',
    'ingresses.networking.k8s.io',
    'pods.apps.example.com',
    'deployments.apps',
    'deployments.apps.example.com',
  ]);
});

test('short names, versions and empty names are none', () => {
  assert.deepEqual(['po', 'pods.v1', 'deployments.v1.apps', '', '.apps'].map(found), Array(5).fill(undefined));
});
