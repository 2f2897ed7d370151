/** Scrapes every node of the cluster on schedule, and publishes each batch once decoded. */
import type { NodeInfo, NodeLister } from '../cluster/nodes.ts';
import { isOtherNode } from '../sample/point.ts';
import { createNodeScraper, type NodeScraper, type NodeScraperOptions } from './nodescraper.ts';
import type { NodeStatus } from './report/nodestatus.ts';
import { createFirstScrapes } from './schedule/firstscrapes.ts';
import { createScheduler } from './schedule/scheduler.ts';

export interface ScraperOptions extends NodeScraperOptions {
  readonly nodes: Pick<NodeLister, 'synced' | 'get' | 'list' | 'onChange'>;
}

export interface Scraper {
  run(signal: AbortSignal): Promise<void>;
  /** Finds a stuck loop; 0 before the start. */
  sinceLastTickMs(): number;
  /** Reports whether each Ready node of the first list was scraped, or had its time. */
  isFresh(): boolean;
  /** Sorted by name. */
  statuses(): NodeStatus[];
  troubleOf(node: string): string | undefined;
  /** Scrapes the node as soon as the queue has room, and not with its next wave. */
  bringForward(node: string): void;
}

export function createScraper(options: ScraperOptions): Scraper {
  const { nodes, readers, store, clock, resolutionMs, metrics } = options;
  const scrapers = new Map<string, NodeScraper>();
  const firstScrapes = createFirstScrapes(clock);
  const scheduler = createScheduler({
    clock,
    resolutionMs,
    scrape,
    onCycle: (longestMs) => metrics.cycle(longestMs / 1000),
  });

  for (const node of nodes.list()) join(node);
  nodes.onChange((change) => {
    if (change.type === 'set') join(change.value);
    else leave(change.value.name);
  });
  return {
    run,
    sinceLastTickMs: scheduler.sinceLastTickMs,
    isFresh: firstScrapes.areOver,
    statuses: () => [...scrapers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, scraper]) => scraper.status()),
    troubleOf: (name) => scrapers.get(name)?.status().error?.code,
    bringForward: scrapeNow,
  };

  async function run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => stop(signal.reason), { once: true });
    await scheduler.run(signal);
  }

  function stop(reason: unknown): void {
    for (const [name, scraper] of scrapers) {
      scraper.stop(reason);
      // Opening a connection ignores the signal, and may take as long as a scrape.
      readers.release(name);
    }
  }

  function join(node: NodeInfo): void {
    const { name, uid, ready } = node;
    const known = scrapers.get(name);
    // A deletion may be missed between two lists.
    if (known !== undefined && isOtherNode(known.uid, uid)) leave(name);
    else if (known !== undefined) {
      if (ready && !known.ready) scrapeNow(name);
      known.ready = ready;
      return;
    }
    store.keepOnly(name, uid);
    scrapers.set(name, createNodeScraper(node, options));
    // Later nodes are not in a snapshot, and the kubelet of one that is not Ready is mostly away.
    if (ready && !nodes.synced()) firstScrapes.expect(name);
    scheduler.add(name);
  }

  function scrapeNow(name: string): void {
    scheduler.skip(name, 0);
    scheduler.scheduleExtra(name, 0);
  }

  function leave(name: string): void {
    scrapers.get(name)?.stop(new Error('the node left the cluster'));
    scrapers.delete(name);
    scheduler.remove(name);
    firstScrapes.left(name);
    readers.release(name);
    metrics.remove(name);
    store.forget(name);
  }

  async function scrape(name: string, signal: AbortSignal): Promise<void> {
    const node = nodes.get(name);
    const next = node && (await scrapers.get(name)?.scrape(node, signal));
    if (next === undefined) return;
    if (next.hasSucceeded) firstScrapes.scraped(name);
    if (next.weight !== undefined) scheduler.setWeight(name, next.weight);
    scheduler.skip(name, next.skip);
    if (next.extraAfterMs !== undefined) scheduler.scheduleExtra(name, next.extraAfterMs);
  }
}
