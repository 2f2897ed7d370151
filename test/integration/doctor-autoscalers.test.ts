/** Findings of the doctor about several autoscalers together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pod } from '../fakes/kubeobjects.ts';
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

test('pods of a target are young for minutes where usages come from Prometheus', async () => {
  await using world = await createNodeWorld();
  const { documents, objects } = world.apiServer;
  const message = 'did not receive metrics for targeted pods (pods might be unready)';
  const conditions = [{ type: 'ScalingActive', status: 'False', reason: 'FailedGetResourceMetric', message }];
  const failing = { ...autoscaler('web', '2026-11-29T12:00:00Z'), status: { conditions } };
  documents.set(autoscalersPath, { items: [failing] });
  documents.set('/apis/apps/v1/namespaces/shop/deployments/web/scale', { status: { selector: 'app=web' } });
  const startedAt = new Date(Date.now() - 180_000).toISOString();
  const status = { containerStatuses: [{ name: 'web', state: { running: { startedAt } } }] };
  const labels = { app: 'web' };
  objects.set(pod('shop', 'web-1', { nodeName: 'node-a', labels, spec: { containers: [{ name: 'web' }] }, status }));
  documents.set('/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods', { items: [] });
  const seen = async () => {
    const { findings } = await world.examine();
    return findings.filter(({ check }) => check === 'autoscalers').map(({ code, severity }) => [code, severity]);
  };
  assert.deepEqual(await seen(), [['autoscaler-no-usage', 'error']]);
  world.setArgs('--resource-metrics=prometheus', '--config=/etc/adapter/config.yaml');
  assert.deepEqual(await seen(), [['autoscaler-pods-young', 'note']]);
});

test('an autoscaler of another kind of the same name, of another API, takes no explanation away', async () => {
  await using world = await createNodeWorld();
  const { documents } = world.apiServer;
  const message = 'deployments/scale.apps "web" not found';
  const conditions = [{ type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', message }];
  const ofApi = (name: string, apiVersion: string) => ({
    ...autoscaler(name, '2026-11-29T12:00:00Z'),
    spec: { scaleTargetRef: { apiVersion, kind: 'Deployment', name: 'web' }, metrics: [] },
    status: { conditions },
  });
  documents.set(autoscalersPath, { items: [ofApi('built-in', 'apps/v1'), ofApi('other', 'example.org/v1')] });
  documents.set('/apis/apps/v1/namespaces/shop/deployments', { items: [{ metadata: { name: 'web2' } }] });
  const { findings } = await world.examine();
  const [finding] = findings.filter(({ object }) => object === 'HorizontalPodAutoscaler shop/built-in');
  assert.match(finding?.problem ?? '', /is web2 meant\?/);
});

test('a name that would end the paste into a terminal is escaped in every field of a finding', async () => {
  await using world = await createNodeWorld();
  const name = 'web\u001b[201~\rrm x';
  const conditions = [{ type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', message: 'timed out' }];
  const failing = { ...autoscaler('web', '2026-11-29T12:00:00Z', name), status: { conditions } };
  world.apiServer.documents.set(autoscalersPath, { items: [failing] });
  const { findings } = await world.examine();
  const [found] = findings.filter(({ check }) => check === 'autoscalers');
  assert.equal(found?.problem, 'the scale of deployment/web\\x1b[201~\\x0drm x cannot be read or changed');
  assert.equal(found.remedy, "kubectl --namespace shop get 'deployment/web\\x1b[201~\\x0drm x' -o yaml");
});
