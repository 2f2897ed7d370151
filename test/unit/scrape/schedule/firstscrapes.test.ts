import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createFirstScrapes,
  longestFirstScrapeMs,
  longestWithoutScrapeMs,
} from '../../../../src/scrape/schedule/firstscrapes.ts';
import { createFakeClock } from '../../../fakes/clock.ts';

function setUp(...nodes: readonly string[]) {
  const clock = createFakeClock();
  const scrapes = createFirstScrapes(clock);
  for (const node of nodes) scrapes.expect(node);
  return { clock, scrapes };
}

describe('first scrapes are over', () => {
  test('where no node is expected', () => assert.equal(setUp().scrapes.areOver(), true));

  test('when each node was scraped or has left', () => {
    const { scrapes } = setUp('a', 'b');
    scrapes.scraped('a');
    assert.equal(scrapes.areOver(), false);
    scrapes.left('b');
    assert.equal(scrapes.areOver(), true);
  });

  test('some seconds after the first one, however late that was: others are retried at the same time', async () => {
    const { clock, scrapes } = setUp('a', 'b');
    await clock.advance(2 * longestFirstScrapeMs);
    scrapes.scraped('a');
    await clock.advance(longestFirstScrapeMs - 1);
    assert.equal(scrapes.areOver(), false);
    await clock.advance(1);
    assert.equal(scrapes.areOver(), true);
  });

  test('later without any', async () => {
    const { clock, scrapes } = setUp('a');
    await clock.advance(longestWithoutScrapeMs - 1);
    assert.equal(scrapes.areOver(), false);
    await clock.advance(1);
    assert.equal(scrapes.areOver(), true);
  });
});
