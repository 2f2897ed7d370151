/** The page as `npm start` serves it: the numbers and points that it shows are those of the API server at that moment. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Page } from 'playwright-core';
import { field, items, text } from '../../src/client/json.ts';
import { bytesText, coresText, minuteText } from '../../src/ui/page/format.js';
import { parseQuantity } from '../standin/reading.ts';
import { seriousViolations } from './accessibility.ts';
import { closeSharedBrowser, goTo, openPage, settled, sharedBrowser, type WatchedPage } from './browser.ts';
import { type SimulatedCluster, startSimulatedCluster } from './simulatedcluster.ts';

const metrics = '/apis/metrics.k8s.io/v1';
/** A scrape, an autoscaler's sync and a reading of the page are 15 s apart each; on a busy machine longer. */
const agreeMs = 180_000;

let cluster: SimulatedCluster;
let opened: WatchedPage | undefined;
let page: Page;

// At once, so that usage is there when these tests come.
before(async () => {
  cluster = await startSimulatedCluster(['--calm']);
});
after(() => cluster[Symbol.asyncDispose]());
after(closeSharedBrowser);

/** Usage in whole units, and as the page writes it. */
interface Sample {
  readonly name: string;
  /** When it was measured; NaN if the page does not say it. */
  readonly atMs: number;
  readonly nanocores: number;
  readonly bytes: number;
  readonly texts: readonly string[];
}

function sampleOf(name: string, atMs: number, cores: number, bytes: number): Sample {
  return { name, atMs, nanocores: Math.round(cores * 1e9), bytes, texts: [coresText(cores), bytesText(bytes)] };
}

/** What metrics.k8s.io has answered since the start: the page may show the sample before the one that it answers now. */
const answered = {
  /** By a node's name, `namespace/pod` or `namespace/pod/container`, and the time of the sample. */
  samples: new Map<string, Sample>(),
  /** CPU and memory of all nodes of an answer. */
  totals: new Set<string>(),
  /** Percentages of requests that the pods of the autoscaled workload used. */
  utilizations: new Set<string>(),
};

const sampleKey = (name: string, atMs: number): string => `${name} ${atMs}`;

/** Where rows are in the document, and in a row its name and numbers. */
interface Places {
  readonly rows: string;
  readonly name?: string;
  readonly cpu: string;
  readonly memory: string;
}

/** Where a page about one object has its numbers. */
const headingPlaces = { cpu: '.fact:nth-of-type(2) data', memory: '.fact:nth-of-type(3) data' };

/** Reads the samples that the page shows, by name. */
async function shownSamples({ rows, ...places }: Places): Promise<Sample[]> {
  const shown = await page.locator(rows).evaluateAll(
    (elements, { name, cpu, memory }) =>
      elements.map((element) => {
        const [cores, bytes] = [cpu, memory].map((each) => {
          const data = element.querySelector<HTMLDataElement>(each);
          return { value: Number(data?.value), at: data?.dataset['at'], text: data?.textContent ?? '' };
        });
        const title = name === undefined ? '' : element.querySelector(name)?.textContent;
        return { name: title ?? '', cores, bytes };
      }),
    places,
  );
  const samples = shown.map(({ name, cores, bytes }) => ({
    name,
    atMs: cores?.at === bytes?.at ? Number(cores?.at) : Number.NaN,
    nanocores: Math.round((cores?.value ?? Number.NaN) * 1e9),
    bytes: bytes?.value ?? Number.NaN,
    texts: [cores?.text ?? '', bytes?.text ?? ''],
  }));
  return byName(samples);
}

function byName<T extends { readonly name: string }>(all: readonly T[]): T[] {
  return all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function list(path: string, query: Readonly<Record<string, string>> = {}): Promise<readonly unknown[]> {
  const client = await cluster.api();
  return items(field(await client.get(path, { query }), 'items'));
}

const nameOf = (object: unknown): string => text(field(field(object, 'metadata'), 'name')) ?? '';
const namespaceOf = (object: unknown): string => text(field(field(object, 'metadata'), 'namespace')) ?? '';
const timeOf = (object: unknown): number => Date.parse(text(field(object, 'timestamp')) ?? '');
const quantityOf = (object: unknown, name: string): number => parseQuantity(text(field(object, name)) ?? '');
const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const textsOfSum = (samples: readonly Sample[]): readonly string[] => [
  coresText(sumOf(samples.map(({ nanocores }) => nanocores)) / 1e9),
  bytesText(sumOf(samples.map(({ bytes }) => bytes))),
];

/** Asks metrics.k8s.io, and returns the names of what has usage. */
async function askUsages(): Promise<ReadonlySet<string>> {
  const [nodes, pods] = [await list(`${metrics}/nodes`), await list(`${metrics}/pods`)];
  const names = new Set<string>();
  const add = (name: string, atMs: number, usages: readonly unknown[]): Sample => {
    const sum = (resource: string) => sumOf(usages.map((usage) => quantityOf(usage, resource)));
    const sample = sampleOf(name, atMs, sum('cpu'), sum('memory'));
    answered.samples.set(sampleKey(name, atMs), sample);
    names.add(name);
    return sample;
  };
  const ofNodes = nodes.map((node) => add(nameOf(node), timeOf(node), [field(node, 'usage')]));
  answered.totals.add(textsOfSum(ofNodes).join());
  for (const pod of pods) {
    const name = `${namespaceOf(pod)}/${nameOf(pod)}`;
    const containers = items(field(pod, 'containers'));
    const usages = containers.map((container) => field(container, 'usage'));
    add(name, timeOf(pod), usages);
    for (const [at, container] of containers.entries())
      add(`${name}/${text(field(container, 'name'))}`, timeOf(pod), [usages[at]]);
  }
  return names;
}

/** Returns a node and the source of its newest point, once there is one: the first comes with the second sample. */
async function knownSource(): Promise<readonly [node: string, source: string]> {
  const endMs = performance.now() + agreeMs;
  for (;;) {
    const points = await list(`${metrics}/nodes`, { sinceSeconds: '300' });
    const newest = new Map(points.map((point) => [nameOf(point), field(field(point, 'metadata'), 'annotations')]));
    for (const [name, annotations] of newest) {
      const source = text(field(annotations, 'kubegauge.io/source'));
      if (source !== undefined) return [name, source];
    }
    assert.ok(performance.now() < endMs, `no newest point has a source: ${JSON.stringify([...newest])}`);
    await delay(1000);
  }
}

/** Returns what metrics.k8s.io answered for the same moments; undefined unless it is known for each. */
function sameSamples(shown: readonly Sample[], prefix = ''): readonly Sample[] | undefined {
  const known = shown.flatMap(({ name, atMs }) => {
    const sample = answered.samples.get(sampleKey(`${prefix}${name}`, atMs));
    return sample === undefined ? [] : { ...sample, name };
  });
  return known.length === shown.length && known.length > 0 ? known : undefined;
}

/**
 * Asks the API and loads the page until what the page shows is of samples that the API has answered, and equal. Both are read in parts, one after another:
 * a new sample or point may come in between.
 * @param answer Returns what the page has to show; undefined while that is not known.
 */
async function agree<T>(
  hash: string,
  shown: () => Promise<T>,
  answer: (shown: T) => Promise<T | undefined>,
): Promise<void> {
  const endMs = performance.now() + agreeMs;
  await goTo(page, hash);
  for (;;) {
    const is = await shown();
    await askUsages();
    const shouldBe = await answer(is);
    if (isDeepStrictEqual(is, shouldBe)) return;
    if (performance.now() > endMs) {
      if (shouldBe !== undefined) assert.deepEqual(is, shouldBe);
      assert.fail(`${hash} shows what the API has never answered: ${JSON.stringify(is)}`);
    }
    await page.reload();
    await settled(page);
  }
}

/**
 * Checks the points of one plot, with the current usage as the last one, against the API's history.
 * @param line the name of what the plot's points are of, as of an answered sample.
 */
async function agreeOnPoints(hash: string, plot: number, resource: 'cpu' | 'memory', line: string): Promise<void> {
  const figure = () => page.locator('.plot').nth(plot);
  const [write, path] = [resource === 'cpu' ? coresText : bytesText, line.split('/')];
  const name = path[1] ?? path[0] ?? '';
  const resourcePath = path.length === 1 ? 'nodes' : `namespaces/${path[0]}/pods`;
  await agree(
    hash,
    async () => {
      const rows = await figure()
        .locator('tbody tr')
        .evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent ?? '')));
      const current = await page.locator('.heading .fact data[data-at]').first().getAttribute('data-at');
      return { points: Number(await figure().getAttribute('data-points')), atMs: Number(current), rows };
    },
    async ({ atMs, rows: { length } }) => {
      const query = { fieldSelector: `metadata.name=${name}`, sinceSeconds: '3600' };
      const points = (await list(`${metrics}/${resourcePath}`, query)).map((object) => {
        const usage = field(object, 'usage') ?? field(items(field(object, 'containers'))[0], 'usage');
        return [minuteText(timeOf(object) / 1000), write(quantityOf(usage, resource))];
      });
      const current = answered.samples.get(sampleKey(line, atMs));
      if (current === undefined) return undefined;
      const rows = [...points, [minuteText(atMs / 1000), current.texts[resource === 'cpu' ? 0 : 1] ?? '']];
      // The current usage may be the last point.
      const count = [points.length, rows.length].find((each) => each === length);
      return count === undefined ? undefined : { points: count, atMs, rows: rows.slice(0, count).toReversed() };
    },
  );
}

describe('the page of npm start', () => {
  before(async () => {
    const endMs = performance.now() + agreeMs;
    for (let missing = ['all']; missing.length > 0; await delay(500)) {
      assert.ok(performance.now() < endMs, `without usage: ${missing.join(', ')}`);
      // The server may not listen yet, and each container needs two samples.
      const measured = await askUsages().catch(() => new Set());
      const pods = await list('/api/v1/pods');
      missing = pods.map((pod) => `${namespaceOf(pod)}/${nameOf(pod)}`).filter((name) => !measured.has(name));
    }
    // Before the server listens, the page has errors, which are right.
    opened = await openPage(await sharedBrowser(), await cluster.link(), { viewport: { width: 1700, height: 3000 } });
    ({ page } = opened);
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test('the cluster and each node have the numbers of the API', async () => {
    const objects = await list('/api/v1/nodes');
    const allocatable = sumOf(objects.map((node) => quantityOf(field(field(node, 'status'), 'allocatable'), 'cpu')));
    const places = {
      rows: '.card',
      name: 'h3',
      cpu: '.multiple:nth-of-type(1) b data',
      memory: '.multiple:nth-of-type(2) b data',
    };
    await agree(
      '#/',
      async () => ({
        nodes: await shownSamples(places),
        names: await page.locator('.card h3').allTextContents(),
        total: await page.locator('.meter .big .num[data-tip]').allTextContents(),
        allocatable: Number(await page.locator('.meter.cpu .of .num').getAttribute('value')),
        ready: Number(await page.locator('.counts data').first().getAttribute('value')),
      }),
      async ({ nodes: shown, total }) => {
        const nodes = sameSamples(shown);
        // It is read by itself, and does not say of which samples it is.
        if (nodes === undefined || !answered.totals.has(total.join())) return undefined;
        return { nodes: [...nodes], names: objects.map(nameOf), total, allocatable, ready: objects.length };
      },
    );
    assert.deepEqual(await seriousViolations(page), []);
  });

  test('numbers show the source that the newest points of the API have', async () => {
    const [name, source] = await knownSource();
    const pods = await list(`${metrics}/namespaces/shop/pods`);
    for (const hash of [`#/nodes/${name}`, `#/pods/shop/${nameOf(pods[0])}`]) {
      await goTo(page, hash);
      const sourced = page.locator(`.heading .fact data[data-tip*="source: the kubelet's /metrics/${source}"]`).first();
      // Sources are read after the first points, and a page shows them by its next reading.
      await sourced.waitFor({ timeout: agreeMs });
      await sourced.hover();
      const tip = page.locator('#tip', { hasText: new RegExp(`\\nsource: .*/metrics/${source}\\n`) });
      await tip.waitFor({ timeout: agreeMs });
    }
  });

  test('a node has the numbers and the points of the API', async () => {
    const [node] = await list('/api/v1/nodes');
    const name = nameOf(node);
    const hash = `#/nodes/${name}`;
    await agree(
      hash,
      () => shownSamples({ rows: '.heading', ...headingPlaces }),
      async (shown) => sameSamples(shown, name)?.slice(),
    );
    await agreeOnPoints(hash, 0, 'cpu', name);
    await agreeOnPoints(hash, 1, 'memory', name);
    assert.deepEqual(await seriousViolations(page), []);
  });

  test('a namespace has the sums of its pods, each pod its own numbers, and the plots have points', async () => {
    const pods = (await list('/api/v1/namespaces/shop/pods')).map(nameOf).toSorted();
    const places = { rows: '.pods .row:not(.head)', name: '.rowlink', cpu: '.c-cpu data', memory: '.c-memory data' };
    await agree(
      '#/namespaces/shop',
      async () => ({
        pods: await shownSamples(places),
        names: (await page.locator('.pods .rowlink').allTextContents()).toSorted(),
        sums: await page.locator('.heading .fact .num[data-tip]').allTextContents(),
      }),
      async ({ pods: shown }) => {
        const samples = sameSamples(shown, 'shop/');
        return samples && { pods: [...samples], names: pods, sums: [...textsOfSum(samples)] };
      },
    );
    await page.locator('.plots .plot:not([data-points="0"]) canvas').nth(1).waitFor({ timeout: agreeMs });
    assert.equal(await page.locator('.plots .plot').count(), 2);
    assert.deepEqual(await seriousViolations(page), []);
  });

  test('a pod and its containers have the numbers of the API, and a container its points', async () => {
    const pods = await list('/api/v1/namespaces/shop/pods');
    const containersOf = (pod: unknown) =>
      items(field(field(pod, 'spec'), 'containers')).map((each) => text(field(each, 'name')));
    const pod = pods.find((each) => containersOf(each).length > 1) ?? pods[0];
    const name = `shop/${nameOf(pod)}`;
    const hash = `#/pods/${name}`;
    const row = { name: 'th', cpu: 'td:nth-of-type(2) data', memory: 'td:nth-of-type(6) data' };
    await agree(
      hash,
      async () => ({
        pod: await shownSamples({ rows: '.heading', ...headingPlaces }),
        containers: await shownSamples({ rows: '[aria-label=Containers] tbody tr', ...row }),
      }),
      async (shown) => {
        const [own, containers] = [sameSamples(shown.pod, name), sameSamples(shown.containers, `${name}/`)];
        return own && containers && { pod: [...own], containers: [...containers] };
      },
    );
    await agreeOnPoints(hash, 0, 'cpu', `${name}/${containersOf(pod)[0]}`);
    assert.deepEqual(await seriousViolations(page), []);
  });

  test('an autoscaler has the numbers of its object, whose current value is one that usage in the API was', async () => {
    const query = { labelSelector: 'app=web' };
    const requests = (pod: unknown) =>
      items(field(field(pod, 'spec'), 'containers')).map((each) =>
        quantityOf(field(field(each, 'resources'), 'requests'), 'cpu'),
      );
    await agree(
      '#/autoscalers/shop/web',
      async () => ({
        metric: await page.locator('.metrics .metric').allTextContents(),
        replicas: Number(await page.locator('.heading .fact data').first().getAttribute('value')),
      }),
      async ({ metric: [shown] }) => {
        const usages = (await list(`${metrics}/namespaces/shop/pods`, query)).flatMap((pod) =>
          items(field(pod, 'containers')).map((each) => quantityOf(field(each, 'usage'), 'cpu')),
        );
        const requested = (await list('/api/v1/namespaces/shop/pods', query)).flatMap(requests);
        answered.utilizations.add(`${Math.trunc((100 * sumOf(usages)) / sumOf(requested))}%`);
        const object = await (await cluster.api()).get(
          '/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web',
        );
        const status = field(object, 'status');
        const current = field(field(items(field(status, 'currentMetrics'))[0], 'resource'), 'current');
        const value = `${String(field(current, 'averageUtilization'))}%`;
        const metric = `cpu ${value} of 80%`;
        if (shown !== metric || !answered.utilizations.has(value)) return undefined;
        return { metric: [metric], replicas: Number(field(status, 'currentReplicas')) };
      },
    );
    await page.locator('.plots .plot canvas').first().waitFor({ timeout: agreeMs });
    assert.deepEqual(await seriousViolations(page), []);
  });

  test('health, and an autoscaler that cannot work, say why', async () => {
    await goTo(page, '#/autoscalers/jobs/worker');
    await page.locator('.note.warn', { hasText: 'requests no cpu' }).waitFor({ timeout: agreeMs });
    await goTo(page, '#/health');
    const report = page.getByRole('region', { name: "The server's own report" });
    await report
      .getByText(/^\d+ nodes?: scraped, source cadvisor, verified by /)
      .first()
      .waitFor();
    await report.getByText(/^kubegauge \d/).waitFor();
    assert.deepEqual(await seriousViolations(page), []);
  });

  test('no page had an error, a warning, or a request to anywhere else', () => {
    assert.deepEqual(opened?.problems, []);
  });
});
