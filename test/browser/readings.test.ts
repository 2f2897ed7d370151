/** When the page in a browser reads, and by which clock it computes ages. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page, Route } from 'playwright-core';
import { refreshSeconds } from '../../src/ui/limits.ts';
import { closeSharedBrowser, openPage, readAgain, sharedBrowser } from './browser.ts';
import { createScene, serveScene } from './scene.ts';

let browser: Browser;
before(async () => {
  browser = await sharedBrowser();
});
after(closeSharedBrowser);

/** Holds all requests of a path until they are released, and counts them. */
async function hold(page: Page, path: string): Promise<{ readonly count: () => number; release(): Promise<void> }> {
  const held: Route[] = [];
  let count = 0;
  let isHeld = true;
  await page.route(`**/api/${path}*`, async (route) => {
    count += 1;
    if (isHeld) held.push(route);
    else await route.continue();
  });
  return {
    count: () => count,
    async release() {
      isHeld = false;
      await Promise.all(held.map((route) => route.continue()));
    },
  };
}

describe('readings of the page', () => {
  test('a slow reading goes on when the interval changes', async () => {
    await using ui = await serveScene(createScene());
    await using opened = await openPage(browser, ui.newLink());
    const { page, problems } = opened;
    const pods = await hold(page, 'pods');
    await page.evaluate(() => history.replaceState(null, '', '#/pods'));
    await page.reload();
    // The summary says how often to read.
    await page.locator(`.live[data-tip*="again every ${refreshSeconds} s"]`).waitFor();
    const answered = page.waitForResponse((response) => response.url().includes('/api/summary'));
    await readAgain(page);
    await (await answered).finished();
    await page.getByPlaceholder('Filter').fill('web');
    await pods.release();
    await page.locator('.pods .rowlink').first().waitFor();
    assert.equal(pods.count(), 1);
    assert.deepEqual(problems, []);
  });

  test("ages follow kube-apiserver's clock as soon as it is known", async () => {
    const scene = createScene();
    const ahead = 3_600_000;
    scene.clockAheadMs = ahead;
    scene.pods = scene.pods.map((pod) => ({ ...pod, timestampMs: Date.now() + ahead - 12_000 }));
    scene.autoscalers = scene.autoscalers.map((one) => ({ ...one, lastScaleMs: Date.now() + ahead - 600_000 }));
    await using ui = await serveScene(scene);
    await using opened = await openPage(browser, ui.newLink());
    const { page } = opened;
    for (const [place, cell, age] of [
      ['#/autoscalers', page.getByRole('row', { name: 'web' }), /1\d min ago/],
      ['#/pods', page.locator('.pods .c-age').nth(1), /([1-9]\d s|[1-9] min) ago/],
    ] as const) {
      const summary = await hold(page, 'summary');
      await page.evaluate((hash) => history.replaceState(null, '', hash), place);
      await page.reload();
      await cell.getByText('ago').first().waitFor();
      await summary.release();
      // The footer is of the summary.
      await page.locator('footer', { hasText: 'made-up' }).waitFor();
      assert.match((await cell.textContent()) ?? '', age, place);
      await page.unroute('**/api/summary*');
    }
  });

  test('the age of the oldest usage counts from the reading that says it, and not from the last drawing', async () => {
    await using ui = await serveScene(createScene());
    await using opened = await openPage(browser, ui.newLink());
    const { page } = opened;
    const nodes = await hold(page, 'nodes');
    const summary = await hold(page, 'summary');
    await page.reload();
    await summary.release();
    const measured = page.locator('.meter.cpu .big data.num').first();
    await measured.waitFor();
    // It is not read again.
    const noMore = await hold(page, 'summary');
    const at = await measured.getAttribute('data-at');
    await nodes.release();
    await page.locator('.card').first().waitFor();
    assert.equal(await measured.getAttribute('data-at'), at);
    await noMore.release();
  });
});
