import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Pageable, pageable, pageOf, pageSearchLimit } from '../../../src/api/page.ts';
import { decodeContinue, type ListPosition } from '../../../src/apimachinery/continuetoken.ts';

import { parseFieldSelector } from '../../../src/apimachinery/fields.ts';
import { parseLabelSelector } from '../../../src/apimachinery/labels.ts';
import { selection } from '../../../src/api/slices.ts';

interface Named {
  readonly namespace: string;
  readonly name: string;
}

function sortedPods(count: number): Named[] {
  return Array.from({ length: count }, (_, index) => ({
    namespace: index < count / 2 ? 'a' : 'b',
    name: String(index).padStart(6, '0'),
  }));
}

/** Returns the pages that a client gets that follows the tokens. */
function pagesOf(list: Pageable<Named>, limit: number, isSelected?: (object: Named) => boolean, cost = 1) {
  const pages: ReturnType<typeof pageOf<Named>>[] = [];
  let after: ListPosition | undefined;
  do {
    const page = pageOf(list, undefined, { limit, after }, isSelected === undefined ? undefined : { isSelected, cost });
    pages.push(page);
    after = page.metadata.continue === undefined ? undefined : decodeContinue(page.metadata.continue);
  } while (after !== undefined);
  return pages;
}

describe('pages of a list', () => {
  test('have together the list, none more objects than the limit, and say how many remain', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.integer({ min: 1, max: 50 }), (count, limit) => {
        const all = sortedPods(count);
        let remaining = count;
        for (const { objects, metadata } of pagesOf(
          pageable(() => all),
          limit,
        )) {
          assert.ok(objects.length <= limit);
          remaining -= objects.length;
          assert.equal(metadata.remainingItemCount, remaining === 0 ? undefined : remaining);
        }
        assert.equal(remaining, 0);
        assert.deepEqual(
          pagesOf(
            pageable(() => all),
            limit,
          ).flatMap(({ objects }) => objects),
          all,
        );
      }),
    );
  });

  test('have together the selected objects, and do not say how many remain', () => {
    const all = sortedPods(100);
    const isSelected = ({ name }: Named) => name.endsWith('7');
    const pages = pagesOf(
      pageable(() => all),
      3,
      isSelected,
    );
    assert.deepEqual(
      pages.map(({ objects }) => objects.length),
      [3, 3, 3, 1],
    );
    assert.deepEqual(
      pages.flatMap(({ objects }) => objects),
      all.filter(isSelected),
    );
    assert.ok(pages.every(({ metadata }) => metadata.remainingItemCount === undefined));
  });

  test('go on behind an object that is gone', () => {
    const all = sortedPods(10);
    const first = pageOf(
      pageable(() => all),
      undefined,
      { limit: 4, after: undefined },
      undefined,
    );
    const rest = all.toSpliced(3, 1);
    const after = decodeContinue(first.metadata.continue ?? '');
    assert.deepEqual(
      pageOf(
        pageable(() => rest),
        undefined,
        { limit: 100, after },
        undefined,
      ).objects,
      all.slice(4),
    );
  });

  test('have all that follows without a limit', () => {
    const all = sortedPods(10);
    const after = { namespace: 'a', name: '000002' };
    const { objects, metadata } = pageOf(
      pageable(() => all),
      undefined,
      { limit: undefined, after },
      undefined,
    );
    assert.deepEqual(objects, all.slice(3));
    assert.deepEqual(metadata, {});
  });

  test('end before their limit where a selector finds little, with a token', () => {
    const cost = 64;
    const all = sortedPods(2 * Math.ceil(pageSearchLimit / (1 + cost)) + 10);
    const pages = pagesOf(
      pageable(() => all),
      5,
      ({ name }) => name === all.at(-1)?.name,
      cost,
    );
    assert.deepEqual(
      pages.map(({ objects }) => objects.length),
      [0, 0, 1],
    );
  });

  test('look at fewer objects the more a selector requires', () => {
    const costs = ['', 'a', 'a,b=c', Array.from({ length: 256 }, (_, index) => `!a${index}`).join()].map(
      (text) => selection(parseLabelSelector(text), parseFieldSelector('')).cost,
    );
    assert.equal(costs[0], 0);
    assert.ok(costs.every((cost, index) => index === 0 || cost > costs[index - 1]!));
    assert.ok(selection(undefined, parseFieldSelector('metadata.name=a')).cost > 0);
  });
});
