import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodView } from '../../../../../src/view/types.ts';
import {
  commonSource,
  groupMeasurement,
  groupOf,
  groupsOf,
  whyUnmeasured,
  workloadLabels,
  workloadOf,
} from '../../../../../src/ui/page/parts/sums.js';
import { barePodView as pod } from '../../../../fakes/clusterview.ts';

test('a group adds up what is known, has the age of its oldest usage, and counts pods without usage', () => {
  const pods = [
    pod('a', { timestampMs: 2000, cpu: { used: 1, requested: 2 }, memory: { used: 10 }, restarts: 1 }),
    pod('b', { timestampMs: 1000, cpu: { used: 0.5 }, memory: { used: 20 }, restarts: 2 }),
    pod('c', { reason: 'a container restarted' }),
  ];
  const [group] = groupsOf(pods, ({ namespace }: PodView) => namespace);
  assert.ok(group);
  assert.deepEqual(
    { ...group, pods: group.pods.length },
    {
      key: 'shop',
      pods: 3,
      count: 3,
      missing: 1,
      partial: 0,
      cpu: { used: 1.5, requested: 2, ofRequest: { used: 1, of: 2 } },
      memory: { used: 30, ofRequest: {} },
      restarts: 3,
      timestampMs: 1000,
    },
  );
  assert.deepEqual(groupMeasurement(group), { timestampMs: 1000, reason: '1 of 3 pods have no usage' });
});

test('the share of the request compares usage and requests of the same pods', () => {
  const shareOf = (...cpu: PodView['cpu'][]) =>
    groupOf(
      'shop',
      cpu.map((view, index) => pod(`${index}`, { cpu: view })),
    ).cpu.ofRequest;
  assert.deepEqual(shareOf({ requested: 1 }, { used: 0.5 }), { of: 1 }, 'what requests is not measured');
  assert.deepEqual(shareOf({ requested: 1 }, { used: 0.5, requested: 1 }), { used: 0.5, of: 1 });
  assert.deepEqual(shareOf({ used: 0.5, usedWithRequest: 0.1, requested: 1 }), { used: 0.1, of: 1 });
  assert.deepEqual(shareOf({ used: 0.5 }), {});
});

test('a pod of which a container has no usage counts as such, and not for the share of the request', () => {
  const whole = pod('a', { cpu: { used: 1, requested: 2 }, memory: { used: 10 } });
  const partial = pod('b', {
    cpu: { used: 0.1, requested: 4, isPartial: true },
    memory: { used: 5, isPartial: true },
    reason: 'no usage of container app: CrashLoopBackOff',
  });
  const group = groupOf('shop', [whole, partial]);
  assert.deepEqual([group.count, group.missing, group.partial], [2, 0, 1]);
  assert.deepEqual(group.cpu, { used: 1.1, requested: 6, ofRequest: { used: 1, of: 2 } });
  assert.deepEqual(groupMeasurement(group), { reason: '1 of 2 pods lack the usage of a container' });
  assert.deepEqual(groupOf('shop', [partial]).cpu.ofRequest, { of: 4 });
});

test('pods that have ended count for nothing, as in the sums of nodes', () => {
  const requesting = { cpu: { requested: 1 }, memory: { requested: 10 } };
  const ended = ['Succeeded', 'Failed'].map((phase) => pod(phase, { ...requesting, phase, restarts: 1 }));
  const running = pod('a', { cpu: { used: 0.5, requested: 1 }, memory: {} });
  const { count, missing, cpu, memory, restarts } = groupOf('jobs', [...ended, running]);
  assert.deepEqual(
    { count, missing, cpu, memory, restarts },
    {
      count: 1,
      missing: 0,
      cpu: { used: 0.5, requested: 1, ofRequest: { used: 0.5, of: 1 } },
      memory: { ofRequest: {} },
      restarts: 2,
    },
  );
  const all = groupOf('jobs', ended);
  assert.equal(all.count, 0);
  assert.deepEqual(groupMeasurement(all), { reason: 'all of its pods have ended' });
  assert.equal(whyUnmeasured(all), 'all of its pods have ended');
  assert.deepEqual(groupMeasurement(groupOf('jobs', [])), {}, 'while pods are read');
  const waiting = pod('b', { reason: 'it waits for a node' });
  assert.equal(whyUnmeasured(groupOf('jobs', [...ended, waiting])), 'it waits for a node');
});

test('a group without any usage has the reason of its pods, if they have the same', () => {
  const ended = pod('a', { reason: 'it has ended' });
  const group = (...pods: PodView[]) => whyUnmeasured(groupOf('jobs', pods));
  assert.equal(group(ended, { ...ended, name: 'b' }), 'it has ended');
  assert.equal(group(ended, pod('b', { reason: 'it waits for a node' })), '2 of 2 pods have no usage');
  assert.equal(group(ended, pod('b', { cpu: { used: 1 } })), undefined);
});

test('a pod without a controller is its own workload', () => {
  assert.deepEqual(workloadOf(pod('a')), { kind: 'Pod', name: 'a' });
  assert.deepEqual(workloadOf(pod('a', { workload: { kind: 'Deployment', name: 'web' } })), {
    kind: 'Deployment',
    name: 'web',
  });
});

test('a sum has the source that all its usages have, and none of several', () => {
  const [cadvisor, resource] = ['cadvisor', 'resource'].map((source) => ({ timestampMs: 1, source }));
  assert.ok(cadvisor !== undefined && resource !== undefined);
  assert.equal(commonSource([cadvisor, { reason: 'it has ended' }, cadvisor]), 'cadvisor');
  assert.equal(commonSource([cadvisor, resource]), undefined);
  assert.equal(commonSource([cadvisor, { timestampMs: 1 }]), undefined);
  assert.equal(commonSource([]), undefined);
});

test('workloads of one name have different labels', () => {
  const of = (name: string, kind: string, workload: string) => pod(name, { workload: { kind, name: workload } });
  const pods = [
    of('web-abc-1', 'Deployment', 'web'),
    of('web-0', 'StatefulSet', 'web'),
    of('db-0', 'StatefulSet', 'db'),
  ];
  assert.deepEqual(
    [...workloadLabels([...pods, of('web-abc-2', 'Deployment', 'web')])],
    [
      ['web-abc-1', 'web (Deployment)'],
      ['web-0', 'web (StatefulSet)'],
      ['db-0', 'db'],
      ['web-abc-2', 'web (Deployment)'],
    ],
  );
});
