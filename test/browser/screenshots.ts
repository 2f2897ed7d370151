/** Writes pictures of the page at five widths into a folder, and with --docs the two of the README. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { goTo, openBrowser, openPage } from './browser.ts';
import { createScene, serveScene } from './scene.ts';

const root = path.resolve(import.meta.dirname, '../..');
const isForDocs = process.argv.includes('--docs');
const folder = isForDocs ? path.join(root, 'docs') : path.join(root, 'screenshots');
mkdirSync(folder, { recursive: true });

const pictures = isForDocs
  ? [
      { place: '#/', name: 'ui-cluster', width: 1280, height: 800, colorScheme: 'light' as const },
      { place: '#/pods/shop/web-0', name: 'ui-pod', width: 1280, height: 700, colorScheme: 'dark' as const },
    ]
  : [400, 700, 1000, 1280, 2560].flatMap((width) =>
      [
        '#/',
        '#/nodes/node-1',
        '#/namespaces',
        '#/namespaces/shop',
        '#/pods',
        '#/pods/shop/web-0',
        '#/autoscalers',
        '#/autoscalers/shop/web',
        '#/health',
      ].map((place) => ({
        place,
        name: `${place.replaceAll(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '') || 'cluster'}-${width}`,
        width,
        height: Math.round(Math.max(900, width * 0.6)),
        colorScheme: width === 1280 ? ('dark' as const) : ('light' as const),
      })),
    );

const browser = await openBrowser();
const ui = await serveScene(createScene({ nodes: 6, pods: 84 }));
for (const { place, name, width, height, colorScheme } of pictures) {
  await using opened = await openPage(browser, ui.newLink(), { viewport: { width, height }, colorScheme });
  await goTo(opened.page, place);
  await opened.page.waitForLoadState('networkidle');
  await opened.page.screenshot({ path: path.join(folder, `${name}.png`) });
  process.stdout.write(`${path.relative(root, path.join(folder, `${name}.png`))}\n`);
}
await browser.close();
await ui[Symbol.asyncDispose]();
