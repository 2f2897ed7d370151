/** Our histogram exposes what prom-client's would. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { createLabelledHistogram, createQuickHistogram, createRegistry } from '../../src/monitoring.ts';

test('a quick histogram is exposed as prom-client exposes its own, for any values', async () => {
  const config = { name: 'age_seconds', help: 'Age.', buckets: [1, 1.364, 2, 5] };
  const values = fc.array(fc.oneof(fc.double({ min: -10, max: 10, noNaN: true }), fc.constantFrom(0, 1, 1.364, 2, 5)));
  await fc.assert(
    fc.asyncProperty(values, async (observed) => {
      const [ours, theirs] = [new Registry(), new Registry()];
      const quick = createQuickHistogram(ours, config);
      const reference = new Histogram({ ...config, registers: [theirs] });
      for (const value of observed) {
        quick.observe(value);
        reference.observe(value);
      }
      assert.equal(await ours.metrics(), await theirs.metrics());
    }),
  );
});

test('a labelled histogram is exposed as prom-client exposes its own', async () => {
  const config = { name: 'age_seconds', help: 'Age.', buckets: [1, 5] };
  const [ours, theirs] = [new Registry(), new Registry()];
  const quick = createLabelledHistogram(ours, { ...config, label: 'node' });
  const reference = new Histogram({ ...config, labelNames: ['node'], registers: [theirs] });
  for (const [node, value] of [
    ['a', 0.5],
    ['b"', 7],
    ['a', 3],
    ['c', 1],
  ] as const) {
    quick.of(node).observe(value);
    reference.observe({ node }, value);
  }
  quick.remove('c');
  reference.remove({ node: 'c' });
  assert.equal(await ours.metrics(), await theirs.metrics());
});

test('the registry has the process metrics that cost nothing between scrapes', async () => {
  const text = await createRegistry().metrics();
  const prefixes = ['process_cpu_', 'process_resident_', 'process_open_fds', 'nodejs_heap_space_', 'nodejs_version_'];
  for (const prefix of prefixes) assert.match(text, new RegExp(`^${prefix}.* \\d`, 'm'), prefix);
  assert.doesNotMatch(text, /^nodejs_(eventloop|gc)_/m);
});
