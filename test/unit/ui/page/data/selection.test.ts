import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodView } from '../../../../../src/view/types.ts';
import { selectionOf } from '../../../../../src/ui/page/data/selection.js';

const pod = (name: string, labels: Readonly<Record<string, string>>): PodView => ({
  namespace: 'shop',
  name,
  phase: 'Running',
  status: 'Running',
  restarts: 0,
  labels,
  cpu: {},
  memory: {},
  containers: [],
});

test('a workload is selected by labels that all its pods have, the fewest that tell it from others', () => {
  const web = ['a', 'b'].map((hash) => pod(`web-${hash}`, { team: 'x', app: 'web', 'pod-template-hash': hash }));
  const others = [pod('db-0', { team: 'x', app: 'db' }), pod('cart', { team: 'y', app: 'cart' })];
  const { labelSelector, pods } = selectionOf(web, [...web, ...others]);
  assert.equal(labelSelector, 'app=web');
  assert.deepEqual(pods, web);
  // Neither label is enough, and both together are also those of another workload.
  const alike = [pod('x', { team: 'x', app: 'db' }), pod('y', { team: 'y', app: 'db' })];
  const shared = selectionOf([others[0]!], [...alike, ...web, ...others]);
  assert.equal(shared.labelSelector, 'app=db,team=x');
  assert.deepEqual(
    shared.pods.map(({ name }) => name),
    ['x', 'db-0'],
  );
});

test('all pods are selected where no label tells those of a group from others', () => {
  const all = [pod('a', { team: 'x', 'pod-template-hash': 'a' }), pod('b', { team: 'x' }), pod('c', { team: 'x' })];
  assert.deepEqual(selectionOf(all, all), { labelSelector: undefined, pods: all });
  assert.deepEqual(selectionOf(all.slice(0, 2), all), { labelSelector: undefined, pods: all });
  assert.deepEqual(selectionOf([], all), { labelSelector: undefined, pods: all });
  const markup = pod('d', { app: '<img src=x>', 'a,b': 'c', empty: '' });
  assert.equal(selectionOf([markup], [...all, markup]).labelSelector, 'empty=');
  const first = pod('db-0', {
    app: 'db',
    'statefulset.kubernetes.io/pod-name': 'db-0',
    'apps.kubernetes.io/pod-index': '0',
  });
  assert.equal(selectionOf([first], [...all, first]).labelSelector, 'app=db');
});
