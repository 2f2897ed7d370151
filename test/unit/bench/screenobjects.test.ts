/** The API server of the screens' benchmarks answers usages as kubegauge does. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { field, items, text } from '../../../src/client/json.ts';
import { createUsageLists, nodeUsagesPath, wholePod } from '../../bench/screenobjects.ts';

const pods = Array.from({ length: 900 }, (_, index) => wholePod(index, 30));
const { lists } = createUsageLists(30, pods);

function read(path: string, query: Readonly<Record<string, string>>): unknown {
  return lists.get(path)?.(new URLSearchParams(query));
}

/** Returns the names of each page. */
function pagesOf(path: string, query: Readonly<Record<string, string>>): readonly (readonly string[])[] {
  const pages: string[][] = [];
  let token: string | undefined = '';
  while (token !== undefined) {
    const page = read(path, { ...query, ...(token !== '' && { continue: token }) });
    pages.push(items(field(page, 'items')).map((item) => String(field(field(item, 'metadata'), 'name'))));
    token = text(field(field(page, 'metadata'), 'continue'));
  }
  return pages;
}

describe('usages of a screen', () => {
  test('come in pages, each object once', () => {
    const pages = pagesOf('/apis/metrics.k8s.io/v1beta1/pods', { limit: '500' });
    assert.deepEqual(
      pages.map(({ length }) => length),
      [500, 400],
    );
    assert.deepEqual(pages.flat().toSorted(), pods.map(({ metadata }) => metadata.name).toSorted());
    assert.equal(pagesOf(nodeUsagesPath, {}).flat().length, 30);
  });

  test('have a history, whose pages end between objects', () => {
    const pages = pagesOf(nodeUsagesPath, { sinceSeconds: '900', limit: '100' });
    assert.deepEqual(
      pages.map((page) => [page.length, new Set(page).size]),
      Array.from({ length: 5 }, () => [90, 6]),
    );
    assert.equal(field(read(nodeUsagesPath, { sinceSeconds: '0' }), 'reason'), 'BadRequest');
  });
});
