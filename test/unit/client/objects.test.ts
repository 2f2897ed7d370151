import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createObjects } from '../../../src/client/objects.ts';

test('objects equal those of a plain map by both names after any changes', () => {
  const name = fc.constantFrom('', 'a', 'b', 'constructor');
  const step = fc.record({ namespace: name, name, value: fc.option(fc.nat(9)) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const objects = createObjects<number>();
      const model = new Map<string, number>();
      for (const { namespace, name: own, value } of steps) {
        const key = `${namespace}/${own}`;
        if (value === null) {
          assert.equal(objects.delete(namespace, own), model.get(key));
          model.delete(key);
        } else {
          objects.set(namespace, own, value);
          model.set(key, value);
        }
        assert.equal(objects.get(namespace, own), model.get(key));
        assert.equal(objects.size, model.size);
      }
      const ascending = (values: Iterable<number>) => [...values].sort((a, b) => a - b);
      assert.deepEqual(ascending(objects.values()), ascending(model.values()));
      const namespaces = new Set([...model.keys()].map((key) => key.split('/')[0]));
      assert.deepEqual(new Set(objects.namespaces()), namespaces);
    }),
  );
});
