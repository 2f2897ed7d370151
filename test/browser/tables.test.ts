/** Tables of thousands of rows in a browser: few rows are in the document, and each one comes on the screen. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { AutoscalerView } from '../../src/view/types.ts';
import { seriousViolations } from './accessibility.ts';
import { closeSharedBrowser, goTo, openPage, sharedBrowser } from './browser.ts';
import { createScene, podAt, serveScene } from './scene.ts';

/** Rows in the document beside those on the screen, for each table of a page. */
const spareRows = 20;

/** Pixels of a screen on which few steps are enough. */
const tall = 3000;

let browser: Browser;
before(async () => {
  browser = await sharedBrowser();
});
after(closeSharedBrowser);

/** Returns one pod of each workload; their names are in the order of their usage. */
function podsOfWorkloads(count: number) {
  return Array.from({ length: count }, (_, index) => {
    const name = `app-${index}`;
    const cpu = { used: (count - index) / 1000, requested: 0.15 };
    return { ...podAt(index), namespace: 'shop', name: `${name}-0`, workload: { kind: 'Deployment', name }, cpu };
  });
}

/** Returns autoscalers with one to three metrics, each third with a reason: rows of many heights. */
function autoscalersOf(count: number): readonly AutoscalerView[] {
  return Array.from({ length: count }, (_, index) => ({
    namespace: 'shop',
    name: `app-${index}`,
    target: { kind: 'Deployment', name: `app-${index}` },
    minReplicas: 1,
    maxReplicas: 10,
    replicas: 3,
    metrics: Array.from({ length: 1 + (index % 3) }, (_each, at) => ({
      name: `metric-${at}`,
      current: '93%',
      target: '70%',
      ratio: 1.33,
    })),
    ...(index % 3 === 0 && { reason: 'containers of its pods have no memory request, of which the target is 80%' }),
  }));
}

/** Serves 2,000 workloads and as many autoscalers. */
function serveLarge() {
  const scene = createScene();
  scene.pods = podsOfWorkloads(2000);
  scene.autoscalers = autoscalersOf(2000);
  return serveScene(scene);
}

interface Scrolled {
  /** What `aria-rowindex` says of each row, in the order in which rows came. */
  readonly indexes: readonly number[];
  readonly names: readonly string[];
  readonly mostRows: number;
  /** Rows whose text is higher than they are, or between which there is a gap. */
  readonly misplaced: readonly string[];
}

/** Scrolls down a table by a screen at a time, and notes each row that is on the screen. */
function scrollThrough(page: Page, table: string): Promise<Scrolled> {
  return page.locator(table).evaluate(async (element) => {
    const seen = new Map<number, string>();
    const misplaced = new Set<string>();
    let mostRows = 0;
    const drawn = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    globalThis.scrollTo(0, element.getBoundingClientRect().top + globalThis.scrollY);
    for (;;) {
      await drawn();
      const rows = [...element.querySelectorAll<HTMLElement>('.virtual .row')];
      mostRows = Math.max(mostRows, rows.length);
      let end: number | undefined;
      for (const row of rows) {
        const { top, bottom } = row.getBoundingClientRect();
        const name = row.querySelector('.rowlink')?.textContent ?? '';
        if (end !== undefined && Math.abs(top - end) > 0.5) misplaced.add(`${name}: ${top} after ${end}`);
        if (row.scrollHeight > row.clientHeight) misplaced.add(`${name}: ${row.scrollHeight} > ${row.clientHeight}`);
        end = bottom;
        if (bottom > 0 && top < globalThis.innerHeight) seen.set(Number(row.getAttribute('aria-rowindex')), name);
      }
      if (element.getBoundingClientRect().bottom <= globalThis.innerHeight) break;
      const before = globalThis.scrollY;
      globalThis.scrollBy(0, globalThis.innerHeight - 150);
      if (globalThis.scrollY === before) break;
    }
    return { indexes: [...seen.keys()], names: [...seen.values()], mostRows, misplaced: [...misplaced] };
  });
}

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);

describe('tables of thousands of rows', () => {
  test('5,000 workloads are few rows in the document, and each comes on the screen once', async () => {
    const scene = createScene({ nodes: 40 });
    scene.pods = podsOfWorkloads(5000);
    await using ui = await serveScene(scene);
    await using opened = await openPage(browser, ui.newLink(), { viewport: { width: 1280, height: tall } });
    const { page, problems } = opened;
    await goTo(page, '#/namespaces/shop');
    await page.getByText('5,000 workloads', { exact: true }).waitFor();
    const inOrder = numbers(0, 5000).map((index) => `Deployment app-${index}`);
    for (const { width, height, filter } of [
      { width: 1280, height: 34, filter: '' },
      { width: 400, height: 76, filter: 'app-1' },
    ]) {
      await page.setViewportSize({ width, height: tall });
      await page.getByPlaceholder('Filter').fill(filter);
      const expected = inOrder.filter((name) => name.includes(filter));
      await page.locator(`.groups[aria-rowcount="${expected.length + 1}"]`).waitFor();
      const { indexes, names, mostRows, misplaced } = await scrollThrough(page, '.groups');
      assert.deepEqual(names, expected);
      assert.deepEqual(indexes, numbers(2, expected.length));
      assert.ok(mostRows <= Math.ceil(tall / height) + spareRows, `${mostRows} rows at ${width} px`);
      assert.deepEqual(misplaced, []);
    }
    assert.deepEqual(problems, []);
  });

  test('rows of many heights: 1,000 autoscalers are few rows in the document, and each comes on the screen once', async () => {
    const scene = createScene();
    scene.autoscalers = autoscalersOf(1000);
    await using ui = await serveScene(scene);
    await using opened = await openPage(browser, ui.newLink());
    const { page, problems } = opened;
    await goTo(page, '#/autoscalers');
    await page.getByText('1,000 autoscalers', { exact: true }).waitFor();
    assert.equal(await page.locator('.autoscalers').getAttribute('aria-rowcount'), '1001');
    for (const width of [1280, 700, 400]) {
      await page.setViewportSize({ width, height: tall });
      const { indexes, mostRows, misplaced } = await scrollThrough(page, '.autoscalers');
      assert.deepEqual(indexes, numbers(2, 1000));
      assert.ok(mostRows <= Math.ceil(tall / 34) + spareRows, `${mostRows} rows at ${width} px`);
      assert.deepEqual(misplaced, []);
    }
    assert.deepEqual(problems, []);
  });

  test('the filter finds rows that are not in the document', async () => {
    await using ui = await serveLarge();
    await using opened = await openPage(browser, ui.newLink());
    const { page, problems } = opened;
    await goTo(page, '#/namespaces/shop');
    await page.getByText('2,000 workloads', { exact: true }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('app-1987');
    for (const [count, row] of [
      ['1 of 2,000 workloads', page.locator('.groups .rowlink')],
      ['1 of 2,000 autoscalers', page.locator('.autoscalers .rowlink')],
      ['1 of 2,000 pods', page.locator('.pods .rowlink')],
    ] as const) {
      await page.getByText(count, { exact: true }).waitFor();
      assert.match((await row.textContent()) ?? '', /app-1987/);
    }
    await page.keyboard.type('x');
    await page.getByText('No workload matches the filter.').waitFor();
    await page.getByText('No autoscaler matches the filter.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('2,000 workloads', { exact: true }).waitFor();
    assert.deepEqual(problems, []);
  });

  test('arrow keys go from row to row past those in the document, and rows are what screen readers know', async () => {
    await using ui = await serveLarge();
    await using opened = await openPage(browser, ui.newLink());
    const { page, problems } = opened;
    for (const [place, table, title] of [
      ['#/namespaces/shop', '.groups', 'Workloads'],
      ['#/autoscalers', '.autoscalers', 'All autoscalers'],
    ] as const) {
      await goTo(page, place);
      const links = page.locator(`${table} .rowlink`);
      await links.first().focus();
      const focused = () => page.evaluate(() => document.activeElement?.closest('.row')?.getAttribute('aria-rowindex'));
      for (const index of numbers(3, 118)) {
        await page.keyboard.press('ArrowDown');
        assert.equal(await focused(), String(index));
        // The row after it comes when the scroll has been seen.
        await page.locator(`${table} .row[aria-rowindex="${index + 1}"]`).waitFor({ state: 'attached' });
      }
      await page.keyboard.press('ArrowUp');
      assert.equal(await focused(), '119');
      const row = page.getByRole('table', { name: title, exact: true }).getByRole('row').nth(1);
      assert.equal(await row.getByRole('rowheader').count(), 1);
      assert.ok((await row.getByRole('cell').count()) >= 5);
      assert.deepEqual(await seriousViolations(page), [], place);
    }
    assert.deepEqual(problems, []);
  });
});
