/** Findings of the doctor about several autoscalers together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNodeWorld } from '../fakes/nodeworld.ts';

const autoscalersPath = '/apis/autoscaling/v2/horizontalpodautoscalers';

/** As kube-controller-manager leaves it: it stops all autoscalers of one target. */
function autoscaler(name: string, creationTimestamp: string, target = 'web'): object {
  const conditions = [{ type: 'ScalingActive', status: 'False', reason: 'AmbiguousSelector', message: 'pods by many' }];
  return {
    metadata: { namespace: 'shop', name, creationTimestamp },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target }, metrics: [] },
    status: { conditions },
  };
}

test('several autoscalers of one target are one finding, whose command deletes each younger one once', async () => {
  await using world = await createNodeWorld();
  const items = [
    autoscaler('keda', '2026-11-29T13:00:00Z'),
    autoscaler('web', '2026-11-29T12:00:00Z'),
    autoscaler('again', '2026-11-29T14:00:00Z'),
    autoscaler('api', '2026-11-29T13:00:00Z', 'api'),
    autoscaler('api-too', '2026-11-29T13:00:00Z', 'api'),
  ];
  world.apiServer.documents.set(autoscalersPath, { items });
  const { findings } = await world.examine();
  const rivals = findings.filter(({ check }) => check === 'autoscalers');
  assert.deepEqual(
    rivals.map(({ code, object, remedy }) => [code, object, remedy]),
    [
      ['autoscaler-rivals', 'HorizontalPodAutoscaler shop/web', 'kubectl --namespace shop delete hpa/keda hpa/again'],
      ['autoscaler-rivals', 'HorizontalPodAutoscaler shop/api', 'kubectl --namespace shop delete hpa/api-too'],
    ],
  );
});
