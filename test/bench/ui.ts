/** How soon the page of `kubegauge ui` shows something in Chromium, and its numbers; what it weighs, and what a frame costs while 5,000 pods scroll. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../browser/browser.ts';
import { compileProgram } from './compile.ts';
import { type Figures, figureOf, single } from './measure.ts';
import { forkScreenCluster } from './screencluster.ts';
import { temporaryFolder } from './temporaryfolder.ts';

const size = { nodes: 200, podsPerNode: 25 };
const pods = size.nodes * size.podsPerNode;
const starts = 7;
const scrolls = 5;
/** Frames of one scroll, and the pixels of each: a fast wheel. */
const frames = 120;
const framePixels = 240;
const waitMs = 120_000;

export async function benchUi(figures: Figures): Promise<void> {
  await using folder = await temporaryFolder();
  const entry = await compileProgram(folder.path);
  await using cluster = await forkScreenCluster(size);
  const kubeconfig = path.join(folder.path, 'kubeconfig');
  writeFileSync(kubeconfig, cluster.kubeconfig);
  const browser = await openBrowser();
  try {
    const all: Load[] = [];
    // The first one fills caches.
    for (let start = -1; start < starts; start += 1) {
      await using ui = await startUi(entry, kubeconfig);
      const load = await loadPage(browser, ui.link);
      if (start >= 0) all.push({ ...load, startMs: ui.startMs });
    }
    const clock = (name: string, of: (load: Load) => number) =>
      figures.set(`ui.${pods}.by-the-clock.${name}`, figureOf(all.map(of), 'ms'));
    clock('start-to-link', ({ startMs }) => startMs);
    clock('first-paint', ({ paintMs }) => paintMs);
    clock('first-numbers', ({ numbersMs }) => numbersMs);
    figures.set('ui.page-weight', single(all.at(-1)?.bytes ?? Number.NaN, 'bytes'));
    await using ui = await startUi(entry, kubeconfig);
    await measureScrolls(figures, browser, ui.link);
  } finally {
    await browser.close();
  }
}

interface RunningUi extends AsyncDisposable {
  readonly link: string;
  /** Milliseconds until it has printed the link. */
  readonly startMs: number;
}

async function startUi(entry: string, kubeconfig: string): Promise<RunningUi> {
  const startedMs = performance.now();
  const args = [entry, 'ui', `--kubeconfig=${kubeconfig}`, '--no-open'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  let link: string | undefined;
  while (link === undefined) {
    await Promise.race([once(child.stdout, 'data'), ended]);
    if (child.exitCode !== null) throw new Error(`kubegauge ui has ended: ${printed}`);
    link = /http:\S+/.exec(printed)?.[0];
  }
  return {
    link,
    startMs: performance.now() - startedMs,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

interface Load {
  readonly startMs: number;
  /** Milliseconds from the request of the link to the first contentful paint of the page. */
  readonly paintMs: number;
  /** Milliseconds from the request of the link until the cluster's numbers and the first nodes are there. */
  readonly numbersMs: number;
  /** Sum of the page's files, as they are sent. */
  readonly bytes: number;
}

/** Loads the page with an empty cache. */
async function loadPage(browser: Browser, link: string): Promise<Omit<Load, 'startMs'>> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const sizes: Promise<number>[] = [];
  page.on('requestfinished', (request) => {
    if (new URL(request.url()).pathname.includes('/api/')) return;
    sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
  });
  // Both clocks are the machine's.
  const startMs = performance.timeOrigin + performance.now();
  await page.goto(link);
  const numbers = await page.waitForFunction(
    () =>
      document.querySelector('.overview data') !== null &&
      document.querySelector('.card data') !== null &&
      performance.timeOrigin + performance.now(),
    undefined,
    { timeout: waitMs },
  );
  const numbersMs = Number(await numbers.jsonValue());
  const paintMs = await page.evaluate(() => {
    const [paint] = performance.getEntriesByName('first-contentful-paint');
    return performance.timeOrigin + (paint?.startTime ?? Number.NaN);
  });
  const bytes = (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0);
  await context.close();
  return { paintMs: paintMs - startMs, numbersMs: numbersMs - startMs, bytes };
}

/** Scrolls through all pods, a step with each frame. */
async function measureScrolls(figures: Figures, browser: Browser, link: string): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto(link);
  await page.waitForURL((url) => !url.search.includes('token='));
  await page.evaluate(() => void (location.hash = '#/pods'));
  await page.getByText(`${pods.toLocaleString('en-US')} pods`, { exact: true }).waitFor({ timeout: waitMs });
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const busyMs = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1_000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN);
  };
  const cpu: number[] = [];
  const intervals: number[] = [];
  for (let scroll = 0; scroll < scrolls; scroll += 1) {
    const before = await busyMs();
    intervals.push(...(await scrollFrames(page)));
    cpu.push(((await busyMs()) - before) / frames);
  }
  await context.close();
  figures.set(`ui.${pods}.cpu-per-scrolled-frame`, figureOf(cpu, 'ms'));
  figures.set(`ui.${pods}.by-the-clock.scrolled-frame`, figureOf(intervals, 'ms'));
}

/** Returns the milliseconds between frames. */
function scrollFrames(page: Page): Promise<readonly number[]> {
  return page.evaluate(
    async ({ count, pixels }) => {
      const next = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));
      globalThis.scrollTo(0, 0);
      const taken: number[] = [];
      let lastMs = await next();
      for (let frame = 0; frame < count; frame += 1) {
        globalThis.scrollBy(0, pixels);
        const nowMs = await next();
        taken.push(nowMs - lastMs);
        lastMs = nowMs;
      }
      return taken;
    },
    { count: frames, pixels: framePixels },
  );
}
