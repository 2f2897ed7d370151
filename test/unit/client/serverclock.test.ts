import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createServerClock, isDatedByServer } from '../../../src/client/serverclock.ts';
import { createFakeClock } from '../../fakes/clock.ts';

test("the server's clock follows the Date of its last valid response", () => {
  const clock = createFakeClock(Date.parse('2026-11-22T20:00:00Z'));
  const server = createServerClock(clock);
  assert.equal(server.aheadMs(), 0);
  server.onDate('Sun, 22 Nov 2026 21:00:00 GMT');
  assert.equal(server.aheadMs(), 3_600_000);
  for (const bad of [undefined, '', 'yesterday', ['Sun, 22 Nov 2026 22:00:00 GMT', 'Sun, 22 Nov 2026 22:00:00 GMT']])
    server.onDate(bad);
  assert.equal(server.aheadMs(), 3_600_000);
  server.onDate('Sun, 22 Nov 2026 19:59:58 GMT');
  assert.equal(server.aheadMs(), -2_000);
});

test('only kube-apiserver dates by its clock, not the servers and nodes that it forwards to', () => {
  const own = [
    '/api/v1/nodes?limit=500',
    '/version',
    '/apis/apps/v1/deployments',
    '/apis/autoscaling/v2/horizontalpodautoscalers?limit=1',
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    '/apis/apiregistration.k8s.io/v1/apiservices',
    '/apis/mymetrics.k8s.io/v1/things',
  ];
  const others = [
    '/apis/metrics.k8s.io/v1beta1/nodes?limit=500',
    '/apis/metrics.k8s.io?timeout=1s',
    '/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/*/x',
    '/apis/external.metrics.k8s.io/v1beta1/',
    '/apis/wardle.example.com/v1/flunders',
    '/api/v1/nodes/node-a/proxy/metrics/resource',
    '/api/v1/namespaces/shop/pods/web-0:8080/proxy?x=1',
    '/api/v1/namespaces/shop/services/web/proxy',
  ];
  assert.deepEqual(
    [...own, ...others].filter((path) => isDatedByServer(path)),
    own,
  );
});
