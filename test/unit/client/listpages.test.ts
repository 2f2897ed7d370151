import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listPages, type PageQuery } from '../../../src/client/listpages.ts';

const pages = [
  { metadata: { continue: 'a' }, items: [1, 2] },
  { metadata: { continue: 'b' }, items: [3] },
  { metadata: { continue: '' }, items: [4] },
];

describe('listPages', () => {
  test('sends the token of each page with the next request, until there is none', async () => {
    const asked: PageQuery[] = [];
    const read: unknown[] = [];
    const reading = listPages((query) => {
      asked.push(query);
      return Promise.resolve(pages[asked.length - 1]);
    }, 2);
    for await (const page of reading) read.push(page);
    assert.deepEqual(read, pages);
    assert.deepEqual(asked, [{ limit: '2' }, { limit: '2', continue: 'a' }, { limit: '2', continue: 'b' }]);
  });

  test('sends nothing more once its caller has ended it', async () => {
    let asked = 0;
    const endless = listPages(() => {
      asked += 1;
      return Promise.resolve({ metadata: { continue: 'more' }, items: [] });
    }, 1);
    for await (const page of endless) {
      assert.ok(page);
      if (asked === 3) break;
    }
    assert.equal(asked, 3);
  });

  test('ends with the error of a page', async () => {
    const failing = listPages(() => Promise.reject(new Error('410')), 1);
    await assert.rejects(failing.next(), /410/);
  });
});
