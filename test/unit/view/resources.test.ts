/** What pods request: of containers while they run, and what kube-scheduler reserves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitedTo, requestedBy, reservedFor } from '../../../src/view/resources.ts';

const container = (cpu?: string, limit?: string) => ({
  resources: {
    ...(cpu === undefined ? {} : { requests: { cpu } }),
    ...(limit === undefined ? {} : { limits: { cpu: limit } }),
  },
});

test('requests of containers and sidecars add up, and an init container counts for the scheduler alone', () => {
  const spec = {
    containers: [container('100m'), container('200m'), container()],
    initContainers: [{ ...container('50m'), restartPolicy: 'Always' }, container('2')],
    overhead: { cpu: '10m' },
  };
  // Not 0.1 + 0.2 + 0.05, which has noise in its last place.
  assert.equal(requestedBy(spec, 'cpu'), 0.35);
  // The init container runs beside the sidecar before it.
  assert.equal(reservedFor(spec, 'cpu'), 2.05 + 0.01);
});

test('a pod whose containers request nothing has no request, and reserves nothing', () => {
  assert.equal(requestedBy({ containers: [container()] }, 'cpu'), undefined);
  assert.equal(reservedFor({ containers: [container()] }, 'cpu'), 0);
});

test('requests and limits of the pod replace those of its containers', () => {
  const spec = {
    resources: { requests: { cpu: '3' }, limits: { cpu: '4' } },
    containers: [container('100m', '1')],
  };
  assert.equal(requestedBy(spec, 'cpu'), 3);
  assert.equal(reservedFor(spec, 'cpu'), 3);
  assert.equal(limitedTo(spec, 'cpu'), 4);
});

test('a pod with a container without a limit has none', () => {
  assert.equal(limitedTo({ containers: [container('1', '2'), container('1', '2')] }, 'cpu'), 4);
  assert.equal(limitedTo({ containers: [container('1', '2'), container('1')] }, 'cpu'), undefined);
});
