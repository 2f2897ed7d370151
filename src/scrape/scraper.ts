/** Keeps one target for every node of the cluster, scrapes them on schedule and publishes each batch the moment it is decoded. */
import { newestSampleMs, type NodeBatch } from '../sample/batch.ts';
import { type ClockReading, type ClockStep, clockStep, readClock } from '../sample/clockstep.ts';
import type { Clock } from '../clock.ts';
import type { NodeInfo, NodeLister } from '../cluster/nodes.ts';
import type { Logger } from '../logging.ts';
import { isOtherNode } from '../sample/point.ts';
import type { KubeletReaderPool } from './endpoint/localpool.ts';
import type { ScrapeMetrics } from './report/scrapemetrics.ts';
import { createScheduler } from './schedule/scheduler.ts';
import { createNodeRecord, type NodeRecord, type NodeStatus } from './report/nodestatus.ts';
import { createNodeLog, type NodeLog } from './report/nodelog.ts';
import { createRetryPolicy, type RetryPolicy, type NextScrape } from './schedule/retrypolicy.ts';
import {
  createTarget,
  type Expectations,
  type ScrapeOutcome,
  type SourceMode,
  type Target,
  type TargetAddress,
} from './source/target.ts';

/** Where scraped batches go. */
export interface BatchStore {
  /**
   * Returns how many containers, and the machine, had their first sample, and how far apart the node's samples are in milliseconds.
   * @param clockAheadMs how far the node's clock is ahead of ours, in milliseconds; by its Date header, so good to a second or two.
   * @param step of the node's clock since the batch before.
   */
  store(
    batch: NodeBatch,
    clockAheadMs: number,
    step: ClockStep | undefined,
  ): { readonly waiting: number; readonly spacingMs: number };
  forget(node: string): void;
  /** Drops what is held of another node of that name: of one with another UID. */
  keepOnly(node: string, uid: string | undefined): void;
}

export interface ScraperOptions {
  readonly nodes: Pick<NodeLister, 'get' | 'list' | 'onChange'>;
  readonly addressOf: (node: NodeInfo) => TargetAddress;
  readonly readers: Pick<KubeletReaderPool, 'of' | 'release'>;
  readonly mode: SourceMode;
  readonly expectations: Expectations;
  readonly store: BatchStore;
  readonly resolutionMs: number;
  readonly clock: Clock;
  readonly metrics: ScrapeMetrics;
  readonly log: Logger;
}

export interface Scraper {
  /** Scrapes until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Milliseconds since the schedule last turned, to tell a stuck process; 0 before the start. */
  sinceLastTickMs(): number;
  /** How every node's scrapes go, sorted by name. */
  statuses(): NodeStatus[];
  /** Why a node's last scrape failed, in one stable word; undefined where it did not. */
  troubleOf(node: string): string | undefined;
}

/** A full answer takes ten times as long as one that has what was asked for, and how long a wave takes others' requests may wait. */
const fullWeight = 4;

type Scraped = Extract<ScrapeOutcome, { readonly kind: 'scraped' }>;

interface NodeTarget {
  /** Of the Node; undefined where it has none. */
  readonly uid: string | undefined;
  readonly target: Target;
  readonly pace: RetryPolicy;
  readonly record: NodeRecord;
  readonly news: NodeLog;
  /** Ends what is under way when the node leaves, or all stops. */
  readonly left: AbortController;
  ready: boolean;
  /** The node's clock by the last batch. */
  clock: ClockReading | undefined;
  /** Where it was when it was last scraped: found out anew only where something about the node has changed. */
  located: { readonly node: NodeInfo; readonly address: TargetAddress } | undefined;
}

export function createScraper(options: ScraperOptions): Scraper {
  const { nodes, addressOf, readers, store, clock, metrics, log } = options;
  const targets = new Map<string, NodeTarget>();
  const scheduler = createScheduler({
    clock,
    resolutionMs: options.resolutionMs,
    scrape,
    onRound: (longestMs) => metrics.round(longestMs / 1000),
  });

  for (const node of nodes.list()) join(node);
  nodes.onChange((change) => {
    if (change.type === 'set') join(change.value);
    else leave(change.value.name);
  });
  return { run, sinceLastTickMs: () => scheduler.sinceLastTickMs(), statuses, troubleOf };

  function statuses(): NodeStatus[] {
    return [...targets]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { record, ready }]) => record.status(name, ready));
  }

  function troubleOf(name: string): string | undefined {
    const held = targets.get(name);
    return held?.record.status(name, held.ready).error?.code;
  }

  async function run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => stop(signal.reason), { once: true });
    await scheduler.run(signal);
  }

  function stop(reason: unknown): void {
    for (const [name, { left }] of targets) {
      left.abort(reason);
      // A connection that is being opened looks at no signal, and opening it may take as long as a scrape.
      readers.release(name);
    }
  }

  function join({ name, uid, ready }: NodeInfo): void {
    const held = targets.get(name);
    // Its deletion was not seen, as after a list.
    if (held !== undefined && isOtherNode(held.uid, uid)) leave(name);
    else if (held !== undefined) {
      if (ready && !held.ready) hurry(name);
      held.ready = ready;
      return;
    }
    store.keepOnly(name, uid);
    const { mode, expectations } = options;
    targets.set(name, {
      uid,
      target: createTarget({ reader: readers.of(name), mode, expectations, clock }),
      pace: createRetryPolicy(options.resolutionMs),
      record: createNodeRecord(),
      news: createNodeLog(log),
      left: new AbortController(),
      ready,
      clock: undefined,
      located: undefined,
    });
    scheduler.add(name);
  }

  /** A node that just turned Ready may have been given up for a while. */
  function hurry(name: string): void {
    scheduler.rest(name, 0);
    scheduler.soon(name, 0);
  }

  function leave(name: string): void {
    targets.get(name)?.left.abort(new Error('the node left the cluster'));
    targets.delete(name);
    scheduler.remove(name);
    readers.release(name);
    metrics.remove(name);
    store.forget(name);
  }

  async function scrape(name: string, signal: AbortSignal): Promise<void> {
    const held = targets.get(name);
    const node = nodes.get(name);
    if (held === undefined || node === undefined) return;
    const startedMs = clock.monotonicMs();
    const askedMs = clock.wallMs();
    const outcome = await held.target.scrape(locate(held, node), held.left.signal);
    // The node may have left, or we are stopping; then nobody wants to hear of it.
    if (targets.get(name) !== held || signal.aborted) return;
    const times = { askedMs, answeredMs: clock.wallMs(), durationMs: clock.monotonicMs() - startedMs };
    metrics.observe(name, outcome.kind === 'scraped', times.durationMs / 1000, times.answeredMs);
    const step = outcome.kind === 'scraped' ? stepOf(held, outcome, startedMs) : undefined;
    const stored =
      outcome.kind === 'scraped'
        ? publish(outcome.batch, outcome.response.nodeTimeMs - times.answeredMs, step)
        : undefined;
    held.record.ended(outcome, times, stored?.spacingMs ?? 0);
    held.news.tell(node, outcome, held.record.clockSkew(), step !== undefined);
    if (outcome.kind === 'scraped') scheduler.weigh(name, outcome.isFull ? fullWeight : 1);
    follow(name, stored === undefined ? held.pace.failed(held.ready) : held.pace.scraped(stored.waiting));
  }

  function locate(held: NodeTarget, node: NodeInfo): TargetAddress {
    if (held.located?.node !== node) held.located = { node, address: addressOf(node) };
    return held.located.address;
  }

  /** Compares with the last batch, not with an answer that was of no use: the store has to know of each step between two batches. */
  function stepOf(held: NodeTarget, { batch, response }: Scraped, sentMs: number): ClockStep | undefined {
    const times = { sentMs, receivedMs: clock.monotonicMs() };
    const newestMs = response.dateMs === undefined ? newestSampleMs(batch.numbers) : -Infinity;
    const previous = held.clock;
    held.clock = readClock(response.dateMs, newestMs, times, previous);
    return previous && clockStep(previous, held.clock);
  }

  function publish(
    batch: NodeBatch,
    clockAheadMs: number,
    step: ClockStep | undefined,
  ): ReturnType<BatchStore['store']> {
    metrics.source(batch.node, batch.source);
    return store.store(batch, clockAheadMs, step);
  }

  function follow(name: string, { soonMs, restTurns }: NextScrape): void {
    scheduler.rest(name, restTurns);
    if (soonMs !== undefined) scheduler.soon(name, soonMs);
  }
}
