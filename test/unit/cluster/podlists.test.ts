import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createPodLists } from '../../../src/cluster/podlists.ts';

interface Pod {
  readonly namespace: string;
  readonly name: string;
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));

describe('lists of pods', () => {
  test('equal the sorted pods after any changes, from any position on, and count them', () => {
    const name = fc.constantFrom('a', 'a-b', 'ab', 'b', 'c', 'd');
    const namespace = fc.constantFrom('n', 'n-1', 'm', 'o');
    const step = fc.record({
      namespace,
      name,
      is: fc.constantFrom('set', 'deleted'),
      read: fc.constantFrom('list', 'page', 'nothing'),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        namespace,
        name,
        fc.boolean(),
        (steps, atNamespace, atName, isAll) => {
          const pods = new Map<string, Map<string, Pod>>();
          const lists = createPodLists<Pod>({ within: (of) => pods.get(of), namespaces: () => pods.keys() });
          const position = { namespace: atNamespace, name: atName };
          const within = isAll ? undefined : atNamespace;
          for (const { is, read, ...pod } of steps) {
            const of = pods.get(pod.namespace) ?? new Map<string, Pod>();
            if (is === 'set') of.set(pod.name, { ...pod });
            else of.delete(pod.name);
            if (of.size > 0) pods.set(pod.namespace, of);
            else pods.delete(pod.namespace);
            lists.changed(pod);
            const expected = [...pods.values()]
              .flatMap((each) => [...each.values()])
              .filter((each) => within === undefined || each.namespace === within)
              .sort((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name));
            if (read === 'list') assert.deepEqual(lists.list(within), expected);
            if (read !== 'page') continue;
            const behind = expected.filter(
              (each) => each.namespace > atNamespace || (each.namespace === atNamespace && each.name > atName),
            );
            assert.deepEqual([...lists.behind(undefined, within)], expected);
            assert.deepEqual([...lists.behind(position, within)], behind);
            assert.equal(lists.countBehind(position, within), behind.length);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
