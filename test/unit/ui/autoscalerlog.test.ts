import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AutoscalerLog } from '../../../src/ui/autoscalerlog.ts';

test('metrics of one name have a line each, in the order of the spec', () => {
  const log = new AutoscalerLog();
  const target = { kind: 'Deployment', name: 'web' };
  const metric = (current: string) => ({ name: 'requests', current, target: '100' });
  const autoscaler = { namespace: 'shop', name: 'web', target, minReplicas: 1, maxReplicas: 9 };
  log.add([{ ...autoscaler, metrics: [metric('10'), metric('20')] }], 1_000_000);
  log.add([{ ...autoscaler, metrics: [metric('11'), { name: 'cpu', target: '50%' }, metric('21')] }], 1_015_000);
  const [series] = log.read({ sinceSeconds: 3_600 }, 1_015_000);
  assert.deepEqual(
    series?.metrics.map(({ name, current }) => [name, current]),
    [
      ['requests', [10, 11]],
      ['requests (2)', [20, 21]],
      ['cpu', [null, null]],
    ],
  );
});
