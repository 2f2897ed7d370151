/** Starts Debian's Chromium without a window, and opens pages that note what must not happen in them. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Where distributions put it; CHROMIUM names another one. */
const candidates = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** @throws Error with what to install. */
export async function openBrowser(): Promise<Browser> {
  const named = process.env['CHROMIUM'];
  const executablePath = named ?? candidates.find((file) => existsSync(file));
  if (executablePath === undefined || !existsSync(executablePath)) {
    throw new Error('Chromium is not there: apt-get install chromium, or name one with CHROMIUM=/path/to/chromium');
  }
  // Chromium's sandbox refuses root; the pages are ours.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

let shared: Promise<Browser> | undefined;

/** Returns the one Chromium of this process, for all files of tests. @throws as openBrowser. */
export function sharedBrowser(): Promise<Browser> {
  shared ??= openBrowser();
  return shared;
}

/** Hooks of several files may call it. */
export async function closeSharedBrowser(): Promise<void> {
  const opened = shared;
  shared = undefined;
  await (await opened?.catch(() => undefined))?.close();
}

export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors and warnings of the console, exceptions, failed requests, requests to other origins. */
  readonly problems: string[];
}

/**
 * Opens a page of its own session.
 * @param link opens the session once
 */
export async function openPage(
  browser: Browser,
  link: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  const { origin } = new URL(link);
  page.on('console', (message) => {
    // Chromium asks for it before the page names its icon.
    if (message.location().url.endsWith('/favicon.ico')) return;
    if (['error', 'warning'].includes(message.type())) problems.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.stack ?? error.message}`));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) problems.push(`request to ${request.url()}`);
  });
  await page.goto(link);
  // The link's page goes on to the session's by itself.
  await page.waitForURL((url) => !url.search.includes('token='));
  await page.waitForSelector('h1');
  return { page, problems, [Symbol.asyncDispose]: () => context.close() };
}

/** Goes to a place of the page, without loading it again. */
export async function goTo(page: Page, hash: string): Promise<void> {
  // Until the event the last place is shown, which has settled. The page's own listener was there first.
  await page.evaluate(async (next) => {
    const before = location.href;
    const changed = new Promise((resolve) => globalThis.addEventListener('hashchange', resolve, { once: true }));
    location.hash = next;
    if (location.href !== before) await changed;
  }, hash);
  await settled(page);
}

/** Waits until nothing of the page is being read for the first time, and the effects of what was drawn have run: they move the focus, clear the filter, draw plots. */
export async function settled(page: Page): Promise<void> {
  await page.waitForSelector('main h1');
  await page.waitForFunction(
    () =>
      document.querySelector('main .spinner') === null &&
      !document.querySelector('.verdict')?.textContent?.includes('…'),
  );
  // Preact runs effects in a task after the next frame: ours comes after it.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
}

/** Makes the page read each path again that is not being read. */
export async function readAgain(page: Page): Promise<void> {
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
}
