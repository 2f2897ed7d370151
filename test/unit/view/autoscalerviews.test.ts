/** Metrics of autoscalers as people read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAutoscalerObject } from '../../../src/view/autoscalerviews.ts';
import { autoscaler } from '../../fakes/kubeobjects.ts';

const resource = (name: string, target: object) => ({ type: 'Resource', resource: { name, target } });

test('each type of metric has its name, its current value, its target, and their ratio', () => {
  const object = autoscaler('shop', 'web', [
    resource('cpu', { type: 'Utilization', averageUtilization: 50 }),
    resource('memory', { type: 'AverageValue', averageValue: '200Mi' }),
    {
      type: 'ContainerResource',
      containerResource: { name: 'cpu', container: 'app', target: { averageUtilization: 80 } },
    },
    { type: 'Pods', pods: { metric: { name: 'requests' }, target: { averageValue: '1k' } } },
    { type: 'External', external: { metric: { name: 'queue' }, target: { value: '10' } } },
  ]);
  const status = {
    currentReplicas: 3,
    desiredReplicas: 4,
    lastScaleTime: '2026-01-02T03:04:05Z',
    currentMetrics: [
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 75, averageValue: '75m' } } },
      { type: 'Resource', resource: { name: 'memory', current: { averageValue: '100Mi' } } },
      { type: '' },
      { type: 'Pods', pods: { current: { averageValue: '500' } } },
      { type: 'External', external: { current: { value: '20' } } },
    ],
  };
  const view = parseAutoscalerObject({ ...object, status })?.view;
  assert.deepEqual(view?.metrics, [
    { name: 'cpu', current: '75%', target: '50%', ratio: 1.5 },
    { name: 'memory', current: '100Mi', target: '200Mi', ratio: 0.5 },
    { name: 'cpu of container app', target: '80%' },
    { name: 'requests', current: '500', target: '1k', ratio: 0.5 },
    { name: 'queue', current: '20', target: '10', ratio: 2 },
  ]);
  assert.deepEqual(
    [view.minReplicas, view.maxReplicas, view.replicas, view.desiredReplicas, view.lastScaleMs],
    [1, 10, 3, 4, Date.parse('2026-01-02T03:04:05Z')],
  );
});

test('a limit that is reached is the reason', () => {
  const message = 'the desired replica count is more than the maximum replica count';
  const conditions = [{ type: 'ScalingLimited', status: 'True', reason: 'TooManyReplicas', message }];
  const known = parseAutoscalerObject({ ...autoscaler('shop', 'web', []), status: { conditions } });
  assert.equal(known?.view.reason, message);
});

test('a current value is written in the unit of its target', () => {
  const cases = [
    ['150k', '167021097m', '167k'],
    ['1k', '1500m', '1.5'],
    ['500m', '333m', '333m'],
    ['2', '0', '0'],
    ['200Mi', '157286400', '150Mi'],
    ['1Gi', '104857600', '100Mi'],
    ['5M', '12345678', '12.3M'],
  ] as const;
  for (const [target, current, written] of cases) {
    const object = autoscaler('shop', 'web', [
      { type: 'Pods', pods: { metric: { name: 'requests' }, target: { averageValue: target } } },
    ]);
    const status = { currentMetrics: [{ type: 'Pods', pods: { current: { averageValue: current } } }] };
    assert.equal(parseAutoscalerObject({ ...object, status })?.view.metrics[0]?.current, written);
  }
});

test('replicas that the controller has not computed yet are unknown, not 0', () => {
  const status = { currentReplicas: 1, desiredReplicas: 0 };
  const object = autoscaler('jobs', 'worker', []);
  assert.equal(parseAutoscalerObject({ ...object, status })?.view.desiredReplicas, undefined);
  const toZero = { ...object, spec: { ...(object.spec as object), minReplicas: 0 } };
  assert.equal(parseAutoscalerObject({ ...toZero, status })?.view.desiredReplicas, 0);
});
