/** The page in a real browser, over made-up clusters that the one of `npm start` cannot be: large, hostile, failing, empty. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { UsageHistoryAnswer } from '../../src/ui/routes.ts';
import { seriousViolations } from './accessibility.ts';
import { nodeAt, podAt, createScene, markup, reported, serveScene } from './scene.ts';
import { closeSharedBrowser, goTo, openPage, readAgain, sharedBrowser, type WatchedPage } from './browser.ts';

const widths = [400, 640, 641, 760, 899, 900, 1000, 1100, 1280, 2560];
const places = [
  '#/',
  '#/nodes/node-1',
  '#/namespaces',
  '#/namespaces/shop',
  '#/namespaces/shop/Deployment/web',
  '#/namespaces/jobs/StatefulSet/leaky',
  '#/pods',
  '#/pods/shop/web-0',
  '#/pods/jobs/leaky-0',
  '#/autoscalers',
  '#/autoscalers/shop/web',
  '#/health',
];
const limitedGzipBytes = 120 * 1024;

let browser: Browser;
before(async () => {
  browser = await sharedBrowser();
});
after(closeSharedBrowser);

/** Opens a page over the scene; both end with the test. */
async function open(
  scene: ReturnType<typeof createScene>,
  options: Parameters<typeof openPage>[2] = {},
): Promise<WatchedPage> {
  const ui = await serveScene(scene);
  const opened = await openPage(browser, ui.newLink(), options);
  return {
    ...opened,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await ui[Symbol.asyncDispose]();
    },
  };
}

/** Waits until the first canvas has a pixel of the colour, or of any: uPlot draws after the legend is there. */
async function waitForDrawn(page: Page, colour?: readonly [number, number, number]): Promise<void> {
  await page.waitForFunction((wanted) => {
    const canvas = document.querySelector('.plot canvas');
    if (!(canvas instanceof HTMLCanvasElement) || canvas.width === 0) return false;
    const { data = [] } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? {};
    for (let at = 0; at < data.length; at += 4) {
      const isWanted = wanted?.every((part, index) => data[at + index] === part) ?? data[at + 3] !== 0;
      if (isWanted) return true;
    }
    return false;
  }, colour);
}

/**
 * Calls a function in the page until it finds nothing: the page follows a new width or new rows after its next frames.
 * @returns what it still finds after seconds
 */
async function found<T>(page: Page, find: () => readonly T[]): Promise<readonly T[]> {
  const isNothing = `(${find.toString()})().length === 0`;
  await page.waitForFunction(isNothing, undefined, { timeout: 10_000 }).catch(() => undefined);
  return page.evaluate(find);
}

/** Waits until each plot of the page has so many points: the current usage is one before the history is read. */
async function plotsHavePoints(page: Page, least: number): Promise<void> {
  await page.locator('.plot canvas').nth(1).waitFor();
  await page.waitForFunction(
    (count) =>
      [...document.querySelectorAll('.plot')].every((plot) => Number(plot.getAttribute('data-points')) >= count),
    least,
  );
}

/** Runs in the page: returns what is wider than the screen, and tables that are wider than their place. */
function tooWide(): string[] {
  const tables = [...document.querySelectorAll('html, .scroll, .rows, .rows .row')];
  // A head of 1 px is for screen readers.
  const wide = tables.filter(({ scrollWidth, clientWidth }) => clientWidth > 1 && scrollWidth > clientWidth);
  return wide.map(({ scrollWidth, outerHTML }) => `${scrollWidth} px: ${outerHTML.slice(0, 500)}`);
}

/** Runs in the page: returns links and cells that are not on a screen of 400 px. */
function beyond400px(): string[] {
  const elements = [
    ...document.querySelectorAll('.sections a, .stacked th[scope="row"], .stacked td, .rows .row:not(.head)'),
  ];
  const beyond = elements.filter((element) => {
    const { left, right } = element.getBoundingClientRect();
    return left < 0 || right > 400 || element.scrollWidth > element.clientWidth + 1;
  });
  return beyond.map(({ outerHTML }) => outerHTML.slice(0, 500));
}

/** Runs in the page: returns cells of pods that are not whole, or over another one. */
function cutCells(): string[] {
  const cells = [...document.querySelectorAll('.pods .row > [role="cell"]:not(.c-reason)')];
  return cells.flatMap((cell) => {
    const own = cell.getBoundingClientRect();
    const isCovered = [...(cell.parentElement?.children ?? [])].some((other) => {
      const { left, right, top, bottom } = other.getBoundingClientRect();
      return other !== cell && left < own.right && right > own.left && top < own.bottom && bottom > own.top;
    });
    return isCovered || cell.scrollWidth > cell.clientWidth ? cell.outerHTML : [];
  });
}

describe('the page in a browser', () => {
  test('each place has no serious accessibility problem, no error and no request elsewhere, in both themes', async () => {
    await using opened = await open(createScene());
    const { page, problems } = opened;
    for (const place of places) {
      await goTo(page, place);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await seriousViolations(page), [], `${place}, ${colorScheme}`);
      }
    }
    assert.deepEqual(problems, []);
  });

  test('no place and no table is wider than the screen, also with long names', async () => {
    const scene = createScene();
    const long = 'name-of-a-workload-that-is-as-long-as-names-may-be-in-a-cluster';
    const workload = { kind: 'StatefulSet', name: long };
    const [container] = podAt(0).containers;
    const pod = {
      ...podAt(0),
      name: `${long}-0`,
      workload,
      containers: container ? [{ ...container, name: long }] : [],
    };
    scene.pods = [...scene.pods, pod, { ...pod, name: `${long}-1`, namespace: long }];
    const metrics = [{ name: long, current: '1234500m', target: '1k', ratio: 1.2 }];
    scene.autoscalers = [
      ...scene.autoscalers,
      {
        namespace: long,
        name: long,
        target: workload,
        minReplicas: 1,
        maxReplicas: 1000,
        metrics,
        reason: `${long} ${long}`,
      },
    ];
    await using opened = await open(scene);
    const { page, problems } = opened;
    for (const place of [...places, `#/pods/shop/${long}-0`, `#/namespaces/${long}`]) {
      await goTo(page, place);
      await page.locator('.plot').evaluateAll((plots) => {
        for (const plot of plots) plot.querySelector('details')?.setAttribute('open', '');
      });
      for (const width of widths) {
        await page.setViewportSize({ width, height: 900 });
        assert.deepEqual(await found(page, tooWide), [], `${place} at ${width} px`);
      }
    }
    assert.deepEqual(problems, []);
  });

  test('on a screen of 400 px all pages are linked and all cells are on the screen', async () => {
    const scene = createScene();
    scene.degraded = ['one', 'two'];
    await using opened = await open(scene, { viewport: { width: 400, height: 900 } });
    const { page } = opened;
    for (const place of places) {
      await goTo(page, place);
      const beyond = await found(page, beyond400px);
      assert.deepEqual(beyond, [], `${place}: ${beyond.length} elements are beyond the screen`);
    }
    await goTo(page, '#/namespaces');
    await page.locator('.groups .c-memory[data-label="Memory"]').first().waitFor();
  });

  test('each cell of a pod is whole, and none is over another', async () => {
    const scene = createScene();
    await using opened = await open(scene);
    const { page } = opened;
    for (const width of [400, 1000, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      for (const place of ['#/pods', '#/namespaces/shop', '#/nodes/node-1']) {
        await goTo(page, place);
        await page.locator('.pods .row').nth(5).waitFor();
        assert.deepEqual(await found(page, cutCells), [], `${place} at ${width} px`);
      }
    }
  });

  test('names are text and never markup, wherever they are shown', async () => {
    const scene = createScene();
    const evil = {
      ...podAt(0),
      name: markup,
      node: markup,
      workload: { kind: 'Deployment', name: markup },
      labels: { [markup]: markup },
      cpu: {},
      memory: {},
      reason: markup,
      status: markup,
    };
    scene.pods = [evil, ...scene.pods];
    scene.nodes = [{ ...nodeAt(0), name: markup }, ...scene.nodes];
    scene.degraded = [markup];
    scene.autoscalers = [
      {
        namespace: 'shop',
        name: markup,
        target: { kind: markup, name: markup },
        minReplicas: 1,
        maxReplicas: 2,
        metrics: [{ name: markup, target: markup }],
        reason: markup,
      },
    ];
    await using opened = await open(scene, { viewport: { width: 1700, height: 900 } });
    const { page, problems } = opened;
    let dialogs = 0;
    page.on('dialog', () => (dialogs += 1));
    for (const place of ['#/', '#/namespaces/shop', '#/pods', '#/autoscalers', '#/health']) {
      await goTo(page, place);
      // Pods without usage are last, and only rows on the screen are in the document.
      if (place === '#/pods') await page.getByPlaceholder('Filter').fill('<img');
      await page.locator('main').getByText(markup).filter({ visible: true }).first().waitFor();
      assert.equal(await page.locator('main img').count(), 0, place);
    }
    await goTo(page, '#/pods');
    await page.getByPlaceholder('Filter').fill('<img');
    await page.locator('.pods .rowlink', { hasText: markup }).hover();
    await page.locator('#tip', { hasText: '<img src=x' }).waitFor({ state: 'attached' });
    assert.equal(await page.locator('#tip img').count(), 0);
    assert.equal(dialogs, 0);
    assert.deepEqual(problems, []);
  });

  test('5,000 pods are a list of few rows that scrolls to its end', async () => {
    await using opened = await open(createScene({ nodes: 40, pods: 5000 }));
    const { page, problems } = opened;
    await goTo(page, '#/pods');
    await page.getByText('5,000 pods', { exact: true }).waitFor();
    const rows = page.locator('.pods .virtual .row');
    await rows.first().waitFor();
    assert.ok((await rows.count()) < 100, `${await rows.count()} rows are in the document`);
    await page.evaluate(() => globalThis.scrollTo(0, document.documentElement.scrollHeight));
    await page.locator('.pods .row[aria-rowindex="5001"]').waitFor();
    assert.ok((await rows.count()) < 100);
    await page.keyboard.press('/');
    await page.keyboard.type('web-4996');
    await page.getByText('1 of 5,000 pods').waitFor();
    assert.equal(await rows.count(), 1);
    await page.keyboard.press('Escape');
    await page.getByText('5,000 pods', { exact: true }).waitFor();
    assert.deepEqual(problems, []);
  });

  test('a namespace of 5,000 pods with two containers has plots of the last hour', async () => {
    const scene = createScene({ nodes: 40, pods: 5000 });
    scene.pods = scene.pods.map((pod) => ({
      ...pod,
      namespace: 'shop',
      containers: pod.containers.flatMap((container) => [container, { ...container, name: 'proxy' }]),
    }));
    await using opened = await open(scene);
    const { page, problems } = opened;
    for (const place of ['#/namespaces/shop', '#/namespaces/shop/Deployment/web']) {
      await goTo(page, place);
      await plotsHavePoints(page, 11);
    }
    assert.deepEqual(problems, []);
  });

  test('a number shows its age, window and source to the pointer and to the keyboard; a missing one its reason', async () => {
    const scene = createScene();
    scene.pods = [{ ...podAt(0), cpu: {}, memory: {}, reason: 'a container restarted' }, podAt(1)];
    await using opened = await open(scene);
    const { page } = opened;
    const tip = page.locator('#tip');
    await page.locator('.meter.cpu data').first().hover();
    // The summary has no source: it comes with the nodes.
    await tip
      .filter({ hasText: /CPU: .* cores\nmeasured at \d\d:\d\d:\d\d\nsource: .*cadvisor\n\d+ s old/ })
      .waitFor({ state: 'attached' });
    await page.keyboard.press('Escape');
    await goTo(page, '#/pods');
    await page.getByRole('link', { name: 'cart-1' }).focus();
    await tip
      .filter({ hasText: /measured at .*, over 15 s\nsource: .*cadvisor\n\d+ s old/ })
      .waitFor({ state: 'attached' });
    assert.equal(await page.getByRole('link', { name: 'cart-1' }).getAttribute('aria-describedby'), 'tip');
    await page.getByText('a container restarted').hover();
    await tip.filter({ hasText: /^a container restarted$/ }).waitFor({ state: 'attached' });
  });

  test('the limits of a node are no bound of its usage, also where what it can give cannot be read', async () => {
    const scene = createScene();
    const [{ cpu, memory, ...first } = nodeAt(0)] = scene.nodes;
    const { allocatable: _, ...amounts } = cpu;
    scene.nodes = [{ ...first, cpu: { ...amounts, limit: 0.2 }, memory }];
    await using opened = await open(scene);
    const { page } = opened;
    await goTo(page, '#/nodes/node-1');
    const legend = page.locator('.plot .legend').first();
    await legend.waitFor();
    const labels = (await legend.locator('li').allTextContents()).map((text) => text.split(' ')[0]);
    assert.deepEqual(labels, ['latest', 'used', 'requested']);
  });

  test('a container without usage in a pod that has some shows its reason, and the pod no share', async () => {
    const scene = createScene();
    const why = 'it restarted less than 90 s ago; usage needs two samples';
    const whole = podAt(0);
    const app = { name: 'app', kind: 'container', cpu: { requested: 1, limit: 1 }, memory: {}, restarts: 3 } as const;
    const proxy = whole.containers.map((container) => ({ ...container, name: 'proxy' }));
    scene.pods = [
      {
        ...whole,
        cpu: { ...whole.cpu, isPartial: true },
        memory: { ...whole.memory, isPartial: true },
        reason: `no usage of container app: ${why}`,
        containers: [{ ...app, state: 'running', reason: why }, ...proxy],
      },
    ];
    await using opened = await open(scene);
    const { page, problems } = opened;
    await goTo(page, '#/pods');
    const row = page.locator('.pods .row:not(.head)');
    assert.match((await row.locator('.c-cpulimit').textContent()) ?? '', /none: no usage of container app/);
    await goTo(page, '#/pods/shop/web-0');
    const rows = page.locator('section[aria-label=Containers] tbody tr');
    await rows.first().waitFor();
    const [ofApp = '', ofProxy = ''] = await rows.allTextContents();
    assert.match(ofApp, new RegExp(`running–none: ${why}`));
    assert.doesNotMatch(ofProxy, /none/);
    assert.match((await page.locator('.note.warn').textContent()) ?? '', /no usage of container app/);
    assert.deepEqual(problems, []);
  });

  test('plots have the points of the last hour and a table of them, and the arrow keys read them', async () => {
    await using opened = await open(createScene());
    const { page } = opened;
    for (const place of [
      '#/nodes/node-1',
      '#/pods/shop/web-0',
      '#/namespaces/shop',
      '#/namespaces/shop/Deployment/web',
    ]) {
      await goTo(page, place);
      await plotsHavePoints(page, 50);
    }
    await goTo(page, '#/nodes/node-1');
    await plotsHavePoints(page, 50);
    const canvas = page.locator('.plot .canvas').first();
    await canvas.focus();
    await page.keyboard.press('ArrowLeft');
    await page
      .locator('.legend .time', { hasText: /\d\d:\d\d/ })
      .first()
      .waitFor();
    await page.getByText('As a table').first().click();
    assert.ok((await page.locator('.plot tbody tr').count()) >= 50);
    await waitForDrawn(page);
  });

  test('a point that has no line is drawn, also beside long lines', async () => {
    const scene = createScene();
    const young = { ...podAt(0), name: 'young-0', workload: { kind: 'Deployment', name: 'young' } };
    scene.pods = [...scene.pods, young];
    scene.minutesOf = (name) => (name === young.name ? 1 : 55);
    await using opened = await open(scene, { colorScheme: 'light' });
    const { page } = opened;
    await goTo(page, '#/namespaces/shop');
    // Lines are checkout, web, young.
    await page.locator('.plot .legend li', { hasText: 'young' }).locator('.key.line-3').nth(1).waitFor();
    // This is line-3.
    await waitForDrawn(page, [0x14, 0x7a, 0x63]);
  });

  test('a plot names its last point, and without points says why', async () => {
    await using opened = await open(createScene());
    const { page } = opened;
    for (const [place, name] of [
      ['#/namespaces/shop', 'last minute'],
      ['#/pods/shop/web-0', 'latest'],
    ] as const) {
      await goTo(page, place);
      await page.locator('.plot canvas').first().waitFor();
      assert.equal(await page.locator('.plot .legend .time').first().textContent(), name);
    }
    for (const place of ['#/pods/jobs/leaky-0', '#/namespaces/jobs/StatefulSet/leaky']) {
      await goTo(page, place);
      await page.locator('.plot', { hasText: 'No points: its containers restart again and again' }).first().waitFor();
    }
  });

  test('a workload reads the history of its pods, and has no last value if others have newer points', async () => {
    const scene = createScene();
    const job = { ...podAt(0), name: 'job-0', workload: { kind: 'Job', name: 'job' }, labels: { app: 'job' } };
    scene.pods = [...scene.pods, job];
    scene.endedOf = (name) => (name === job.name ? 10 : 0);
    await using opened = await open(scene);
    const { page } = opened;
    const asked: URLSearchParams[] = [];
    page.on('request', (request) => {
      const { pathname, searchParams } = new URL(request.url());
      if (pathname.endsWith('/history/containers')) asked.push(searchParams);
    });
    await goTo(page, '#/namespaces/shop/Job/job');
    await page.locator('.plot canvas').first().waitFor();
    const [value] = await page.locator('.plot .legend li', { hasText: job.name }).allTextContents();
    assert.match(value ?? '', /–$/);
    assert.deepEqual(
      asked.map((each) => [each.get('labelSelector'), each.get('stepSeconds')]),
      [
        ['app=job', '60'],
        [null, '3600'],
      ],
    );
  });

  test('where this program collects, lines of a pod begin with its creation, and those of workloads go on', async () => {
    const scene = createScene();
    const createdMs = Date.now() - 600_000;
    scene.pods = scene.pods.map((pod) => ({ ...pod, createdMs }));
    await using opened = await open(scene);
    const { page } = opened;
    await page.route('**/api/history/containers*', async (route) => {
      const response = await route.fetch();
      const { series }: UsageHistoryAnswer = await response.json();
      const collected = series.map((one) => ({ ...one, readSeconds: one.timeSeconds }));
      await route.fulfill({ response, json: { series: collected } });
    });
    const pointsAt = async (place: string, least: number) => {
      await goTo(page, place);
      await plotsHavePoints(page, least);
      return Number(await page.locator('.plot').first().getAttribute('data-points'));
    };
    const ofPod = await pointsAt('#/pods/shop/web-0', 9);
    // One of now, and one a minute.
    assert.ok(ofPod <= 12, `${ofPod} points`);
    const pods = scene.pods.filter(({ namespace, workload }) => namespace === 'shop' && workload?.name === 'web');
    const ofPods = await pointsAt('#/namespaces/shop/Deployment/web', 9);
    assert.ok(ofPods <= 11 * pods.length, `${ofPods} points of ${pods.length} pods`);
    await pointsAt('#/namespaces/shop', 2 * 50);
  });

  test('in the first minute each card of a node has its point, and says that the line comes', async () => {
    const scene = createScene();
    scene.minutesOf = () => 0;
    await using opened = await open(scene);
    const { page } = opened;
    await page.getByText('kubegauge keeps up to the last 60 minutes, less if it has just started.').waitFor();
    await page.getByText('The line begins within a minute.').first().waitFor();
    const dots = page.locator('.card .spark[data-points="1"] .dots');
    await dots.nth(5).waitFor({ state: 'attached' });
    assert.equal(await dots.count(), 6);
  });

  test('small multiples have a line of points, what is requested and what is allocatable', async () => {
    await using opened = await open(createScene());
    const sparks = opened.page.locator('.card .spark');
    await sparks.nth(5).waitFor();
    await opened.page.waitForFunction(() =>
      [...document.querySelectorAll('.spark')].every((spark) => Number(spark.getAttribute('data-points')) >= 50),
    );
    assert.equal(await sparks.count(), 6);
    assert.equal(await opened.page.locator('.card .spark line.requested').count(), 6);
    assert.equal(await opened.page.locator('.card .spark line.allocatable').count(), 6);
  });

  test('the theme follows the browser until it is chosen, and the choice outlives the page', async () => {
    await using opened = await open(createScene(), { colorScheme: 'dark' });
    const { page } = opened;
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    assert.equal(await ground(), 'rgb(13, 17, 23)');
    await page.getByLabel('Theme').selectOption('light');
    assert.equal(await ground(), 'rgb(244, 246, 248)');
    await page.reload();
    await page.waitForSelector('h1');
    assert.equal(await ground(), 'rgb(244, 246, 248)');
  });

  test('every link, control and row is reached by the keyboard', async () => {
    await using opened = await open(createScene());
    const { page } = opened;
    await goTo(page, '#/pods');
    await page.locator('.pods .rowlink').first().focus();
    await page.keyboard.press('ArrowDown');
    assert.equal(
      await page.evaluate(() => document.activeElement?.closest('.row')?.getAttribute('aria-rowindex')),
      '3',
    );
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1 .kind');
    await page.waitForFunction(() => document.activeElement?.id === 'main');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Namespaces');
  });

  test('without a cluster there are reasons, and after it is back the numbers', async () => {
    const scene = createScene();
    scene.failure = new Error('kube-apiserver does not answer');
    await using opened = await open(scene);
    const { page } = opened;
    await page.getByRole('alert').first().waitFor();
    delete scene.failure;
    await page.locator('.card').nth(2).waitFor();
    assert.equal(await page.locator('.card').count(), 3);
  });

  test('an empty cluster says so', async () => {
    const scene = createScene({ nodes: 0, pods: 0 });
    scene.autoscalers = [];
    await using opened = await open(scene);
    const { page, problems } = opened;
    await page.getByText('No node can be read.').waitFor();
    for (const [place, text] of [
      ['#/pods', 'There are no pods here.'],
      ['#/namespaces', 'There are no pods.'],
      ['#/autoscalers', 'No autoscalers'],
    ] as const) {
      await goTo(page, place);
      await page.getByText(text).first().waitFor();
    }
    assert.deepEqual(problems, []);
  });

  test('a lost connection is a banner over the last numbers, which goes when the server is back', async () => {
    await using opened = await open(createScene());
    const { page } = opened;
    await page.locator('.card').nth(2).waitFor();
    await page.context().setOffline(true);
    await readAgain(page);
    await page.getByText('No connection to kubegauge ui').waitFor();
    assert.equal(await page.locator('.card').count(), 3);
    await page.context().setOffline(false);
    await page.getByText('No connection to kubegauge ui').waitFor({ state: 'detached' });
  });

  test('a session that ended says how to begin another one', async () => {
    await using opened = await open(createScene());
    const { page } = opened;
    await page.locator('.card').nth(2).waitFor();
    await page.context().clearCookies();
    await readAgain(page);
    await page.getByText('This session is over.').waitFor();
    assert.equal(await page.locator('.card').count(), 3);
  });

  test("health shows the server's own report: which replica, what is degraded, with headings, remedies and names as text", async () => {
    await using opened = await open(createScene());
    const { page, problems } = opened;
    await goTo(page, '#/health');
    const report = page.getByRole('region', { name: "The server's own report" });
    await report.getByText('kube-system/metrics-server-7d9c').waitFor();
    const text = (await report.textContent()) ?? '';
    for (const part of [
      'of one replica, which kube-apiserver chose',
      'kubelets get tokens of ServiceAccount kube-system/kubegauge-kubelets',
      'NodesNotRead: docs/troubleshooting.md#nodesnotread',
      `keys of kubelets are in memory only: ${markup}`,
      '1 node: scraped, source cadvisor, verified by address',
      '1 node: scraped, source resource, verified by pinned-key',
      'ConnectionRefused: docs/troubleshooting.md#connectionrefused',
      'does the kubelet run? See: kubectl describe node node-3',
      '4 failures since the last success',
      'served from /metrics/resource: no container rows',
      'main: 2 rules, 1 fail',
      'the engine answers 503',
      'rate(x[2m])',
      'the server may not patch it',
      `User "${markup}" cannot list resource "pods"`,
      '3 requests, the last at',
    ]) {
      assert.ok(text.includes(part), `${part}: ${text}`);
    }
    assert.ok(!text.includes('v1.metrics.k8s.io'), 'what needs no operator is not listed');
    assert.equal(await page.locator('img[onerror]').count(), 0);
    await report.getByRole('link', { name: 'node-3' }).click();
    await page.locator('h1', { hasText: 'node-3' }).waitFor();
    assert.deepEqual(problems, []);
  });

  test('health says which right the report needs, how to read it in the pod, and which server has none', async () => {
    const scene = createScene();
    scene.serverReport = { state: 'forbidden', lacks: 'get the non-resource URL /status' };
    await using opened = await open(scene);
    const { page, problems } = opened;
    await goTo(page, '#/health');
    const report = page.getByRole('region', { name: "The server's own report" });
    await report.getByText('this user lacks the right to get the non-resource URL /status').waitFor();
    const command = report.getByText('kubectl exec -n kube-system deploy/metrics-server -- /metrics-server status');
    await command.waitFor();
    assert.deepEqual(await seriousViolations(page), []);
    scene.serverReport = { state: 'absent' };
    scene.server = 'metrics-server';
    await page.reload();
    await page.locator('footer', { hasText: 'metrics by metrics-server' }).waitFor();
    await report.getByText('There is no report: metrics.k8s.io is served by metrics-server, by a kubegauge').waitFor();
    assert.equal(await command.count(), 0);
    assert.deepEqual(problems, []);
  });

  test('health shows a report of another version, with fields that are missing and unknown, and of a server that is well', async () => {
    const scene = createScene();
    scene.serverReport = reported({ version: '9.0.0', degraded: 'none', nodes: [{ state: 7 }, null], next: {} });
    await using opened = await open(scene);
    const { page, problems } = opened;
    await goTo(page, '#/health');
    const report = page.getByRole('region', { name: "The server's own report" });
    await report.getByText('kubegauge 9.0.0').waitFor();
    await report.getByText('The server reports nothing that is degraded.').waitFor();
    await report.getByText('2 nodes: unknown').waitFor();
    assert.deepEqual(await seriousViolations(page), []);
    assert.deepEqual(problems, []);
  });

  test('a remedy is copied to the clipboard', async () => {
    await using opened = await open(createScene(), { permissions: ['clipboard-read', 'clipboard-write'] });
    const { page } = opened;
    await goTo(page, '#/health');
    await page.locator('.finding').getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'kubectl get node node-3 -o wide');
  });

  test('the files of the page are 120 KB at most as they are sent', async () => {
    const ui = await serveScene(createScene());
    const context = await browser.newContext();
    const page = await context.newPage();
    const sizes: Promise<{ name: string; bytes: number }>[] = [];
    page.on('requestfinished', (request) => {
      const name = new URL(request.url()).pathname;
      if (name.includes('/api/')) return;
      sizes.push(request.sizes().then(({ responseBodySize }) => ({ name, bytes: responseBodySize })));
    });
    await page.goto(ui.newLink());
    await page.locator('.card').first().waitFor();
    // All modules have been loaded before the page shows anything; their last events come a little later.
    await page.waitForLoadState('networkidle');
    const files = await Promise.all(sizes);
    await context.close();
    await ui[Symbol.asyncDispose]();
    assert.ok(files.some(({ name }) => name.endsWith('/vendor/uplot.js')) && files.length > 20);
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    assert.ok(bytes > 10_000 && bytes <= limitedGzipBytes, `${bytes} bytes: ${JSON.stringify(files)}`);
  });
});
