import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AutoscalerLog } from '../../../src/ui/autoscalerlog.ts';
import { parseAutoscalerObject } from '../../../src/view/autoscalerviews.ts';
import { autoscaler } from '../../fakes/kubeobjects.ts';

/** Returns the view of an autoscaler on pods' metrics. */
function viewOf(metrics: readonly (readonly [name: string, current: string])[]) {
  const spec = metrics.map(([name]) => ({ type: 'Pods', pods: { metric: { name }, target: { averageValue: '100' } } }));
  const currentMetrics = metrics.map(([, averageValue]) => ({ type: 'Pods', pods: { current: { averageValue } } }));
  return (
    parseAutoscalerObject({ ...autoscaler('shop', 'web', spec), status: { currentMetrics } })?.view ?? assert.fail()
  );
}

test('metrics of one name have a name of their own and a line each, in the order of the spec', () => {
  const log = new AutoscalerLog();
  const first = viewOf([
    ['requests', '10'],
    ['requests', '20'],
  ]);
  const second = viewOf([
    ['requests', '11'],
    ['cpu', '1'],
    ['requests', '21'],
  ]);
  log.add([first], 1_000_000);
  log.add([second], 1_015_000);
  const [series] = log.read({ sinceSeconds: 3_600 }, 1_015_000);
  assert.deepEqual(
    second.metrics.map(({ name, current }) => [name, current]),
    [
      ['requests', '11'],
      ['cpu', '1'],
      ['requests (2)', '21'],
    ],
    'a list and the plots name the same metrics',
  );
  assert.deepEqual(
    series?.metrics.map(({ name, current }) => [name, current]),
    [
      ['requests', [10, 11]],
      ['requests (2)', [20, 21]],
      ['cpu', [null, 1]],
    ],
  );
});

test('a number that another metric has as its name is left out', () => {
  const { metrics } = viewOf(['a', 'a', 'a (2)', 'a', 'a (2)'].map((name) => [name, '1']));
  assert.deepEqual(
    metrics.map(({ name }) => name),
    ['a', 'a (3)', 'a (2)', 'a (4)', 'a (2) (2)'],
  );
});
