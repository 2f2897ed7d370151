/** Which usages are read for a page of pods. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeContinue } from '../../../src/apimachinery/continuetoken.ts';
import type { ReadQuery, Reads } from '../../../src/view/reads.ts';
import { createMetricsReader } from '../../../src/view/usages.ts';
import { createFakeClock } from '../../fakes/clock.ts';

/** A server with pages, as kubegauge: sorted by namespace, then name. */
function serverOf(names: readonly string[], asked: string[]): Reads {
  const sorted = names
    .map((each) => each.split('/'))
    .map(([namespace = '', name = '']) => ({ namespace, name }))
    .toSorted((a, b) =>
      a.namespace === b.namespace ? (a.name < b.name ? -1 : 1) : a.namespace < b.namespace ? -1 : 1,
    );
  async function* pages(_what: string, _path: string, _size: number, { continue: token = '' }: ReadQuery = {}) {
    let after = decodeContinue(token);
    for (;;) {
      asked.push(`${after.namespace}/${after.name}`);
      const { namespace, name } = after;
      const rest = sorted.filter(
        (each) => each.namespace > namespace || (each.namespace === namespace && each.name > name),
      );
      const page = rest.slice(0, 3);
      yield page.map((metadata) => ({ metadata }));
      const last = page.at(-1);
      if (rest.length <= 3 || last === undefined) return;
      after = last;
    }
  }
  return { pages } as unknown as Reads;
}

const podOf = (key: string) => {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
};

test('where kube-apiserver lists namespaces in another order, each range is read, and not what is between', async () => {
  const asked: string[] = [];
  const between = Array.from({ length: 9 }, (_, at) => `a/m-${at}`);
  const reads = serverOf(['a/b-0', 'a/b-1', ...between, 'a-b/x-0', 'a-b/x-1'], asked);
  const page = ['a-b/x-0', 'a-b/x-1', 'a/b-0', 'a/b-1'].map(podOf);
  const usages = await createMetricsReader(reads, createFakeClock()).pods(page, undefined, undefined);
  for (const { namespace, name } of page) assert.ok(usages.has(`${namespace}/${name}`), name);
  assert.deepEqual(asked, ['a-b/x-', 'a/b-']);
});

test('a page in one order is one range', async () => {
  const asked: string[] = [];
  const page = ['a/b-0', 'a/b-1'].map(podOf);
  const usages = await createMetricsReader(serverOf(['a/b-0', 'a/b-1'], asked), createFakeClock()).pods(
    page,
    undefined,
    undefined,
  );
  assert.deepEqual([usages.size, asked], [2, ['a/b-']]);
});
