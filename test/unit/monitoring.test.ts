/** Our own histogram tells what prom-client's would. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { createQuickHistogram } from '../../src/monitoring.ts';

test('a quick histogram is exposed as one of prom-client, whatever it observes', async () => {
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
