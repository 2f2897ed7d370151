/** What the keyboard reaches of the page: the age, source and reason of every number, without a tab stop for each. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { seriousViolations } from './accessibility.ts';
import { closeSharedBrowser, goTo, openPage, sharedBrowser } from './browser.ts';
import { createScene, podAt, serveScene } from './scene.ts';

let browser: Browser;
before(async () => {
  browser = await sharedBrowser();
});
after(closeSharedBrowser);

const places = [
  '#/',
  '#/nodes/node-1',
  '#/namespaces',
  '#/namespaces/shop',
  '#/namespaces/shop/Deployment/web',
  '#/pods',
  '#/pods/shop/web-0',
  '#/pods/jobs/leaky-0',
  '#/autoscalers',
  '#/autoscalers/shop/cart',
];

/** Runs in the page: gives the focus to each element that can have it, and returns what a tooltip shows to the pointer only. */
function unreached(): string[] {
  const stops = [...document.querySelectorAll<HTMLElement>('a[href], [tabindex="0"], button, input, select, summary')];
  const shown = new Map<Element, string>();
  for (const stop of stops) {
    stop.focus();
    const tip = document.querySelector('#tip');
    const isDescribed = document.activeElement?.getAttribute('aria-describedby') === 'tip';
    if (tip?.hasAttribute('hidden') === false && isDescribed) shown.set(stop, tip.textContent ?? '');
  }
  const isShown = (element: Element) =>
    [...shown].some(
      ([stop, text]) =>
        (stop === element || stop.closest('.row, .card, tr')?.contains(element) === true) &&
        (element.getAttribute('data-tip') ?? '').split('\n').every((line) => text.split('\n').includes(line)) &&
        (!element.hasAttribute('data-at') || / old$/m.test(text)),
    );
  const all = [...document.querySelectorAll('main [data-tip]')];
  if (all.length === 0) return ['nothing has a tooltip'];
  return all.filter((element) => !isShown(element)).map(({ outerHTML }) => outerHTML.slice(0, 200));
}

/** Returns the tooltip and the row of what has the focus. */
function focused(page: Page): Promise<{ readonly tip: string; readonly isShown: boolean; readonly row: string }> {
  return page.evaluate(() => {
    const tip = document.querySelector<HTMLElement>('#tip');
    const { activeElement } = document;
    return {
      tip: tip?.textContent ?? '',
      isShown: tip?.hidden === false && activeElement?.getAttribute('aria-describedby') === 'tip',
      row: activeElement?.closest('.row')?.getAttribute('aria-rowindex') ?? '',
    };
  });
}

describe('the keyboard', () => {
  test('shows what the pointer shows of each number: when and where it was measured, or why it is missing', async () => {
    await using ui = await serveScene(createScene());
    await using opened = await openPage(browser, ui.newLink());
    const { page, problems } = opened;
    for (const place of places) {
      await goTo(page, place);
      await page.locator('main [data-tip]').first().waitFor();
      assert.deepEqual(await page.evaluate(unreached), [], place);
      assert.deepEqual(await seriousViolations(page), [], place);
    }
    assert.deepEqual(problems, []);
  });

  test('shows the ages of a row as of one moment', async () => {
    await using ui = await serveScene(createScene());
    await using opened = await openPage(browser, ui.newLink());
    const { page } = opened;
    await goTo(page, '#/pods');
    const link = page.locator('.pods .row:has([data-at]) .rowlink').first();
    await link.waitFor();
    await page.evaluate(() => {
      const now = Date.now.bind(Date);
      let later = 0;
      Date.now = () => now() + (later += 1000);
    });
    await link.focus();
    const { tip } = await focused(page);
    assert.equal(tip.match(/ old$/gm)?.length, 1, tip);
  });

  test('has no tab stop for each cell of a table of thousands of rows', async () => {
    await using ui = await serveScene(createScene({ nodes: 40, pods: 2000 }));
    await using opened = await openPage(browser, ui.newLink());
    const { page } = opened;
    await goTo(page, '#/pods');
    await page.getByText('2,000 pods', { exact: true }).waitFor();
    const row = page.locator('.pods .virtual .row').first();
    assert.equal(await row.locator('[tabindex]').count(), 0);
    assert.ok((await row.locator('[data-tip]').count()) > 5);
  });

  test('arrow keys show the numbers of rows that come on the screen by them', async () => {
    const scene = createScene();
    scene.pods = Array.from({ length: 300 }, (_, index) => {
      const name = `web-${index}`;
      return { ...podAt(index), name, namespace: 'shop', cpu: { used: (300 - index) / 1000, requested: 1, limit: 1 } };
    });
    await using ui = await serveScene(scene);
    await using opened = await openPage(browser, ui.newLink());
    const { page, problems } = opened;
    await goTo(page, '#/pods');
    await page.locator('.pods .rowlink').first().focus();
    for (let index = 1; index < 80; index += 1) {
      await page.locator(`.pods .row[aria-rowindex="${index + 2}"]`).waitFor({ state: 'attached' });
      await page.keyboard.press('ArrowDown');
      // The scroll that the focus causes is seen after it.
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
      const { tip, isShown, row } = await focused(page);
      assert.equal(row, String(index + 2));
      assert.ok(isShown, `row ${row}`);
      assert.match(
        tip,
        /^shop\/web-\d+\nmeasured at .*\nsource: .*cadvisor\n\d+ s old\nCPU: .* cores\n\d+% of the CPU request\n/,
      );
      assert.ok(
        tip.includes(`shop/web-${index}\n`) && tip.includes(`CPU: ${((300 - index) / 1000).toPrecision(4)} cores`),
        tip,
      );
    }
    const { box, height } = await page.evaluate(() => ({
      box: document.querySelector('#tip')?.getBoundingClientRect().toJSON(),
      height: globalThis.innerHeight,
    }));
    assert.ok(box.top >= 0 && box.bottom <= height, JSON.stringify(box));
    // What the user scrolls away has no tooltip.
    await page.evaluate(() => globalThis.scrollTo(0, 0));
    await page.waitForFunction(() => document.querySelector<HTMLElement>('#tip')?.hidden === true);
    assert.deepEqual(problems, []);
  });
});
