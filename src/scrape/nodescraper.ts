/** Scrapes one node: publishes batches, logs results, decides about extra or skipped scrapes. */
import type { NodeBatch } from '../sample/batch.ts';
import type { ResponseTimes } from '../sample/clockstep.ts';
import type { Clock } from '../clock.ts';
import type { NodeInfo } from '../cluster/nodes.ts';
import type { Logger } from '../logging.ts';
import type { KubeletReaderPool } from './endpoint/readerpool.ts';
import type { SeriesResult } from '../decode/series/seriesdecoder.ts';
import type { WantedColumns } from '../sample/seriescolumns.ts';
import { createNodeLog } from './report/nodelog.ts';
import { createNodeRecord, type NodeStatus } from './report/nodestatus.ts';
import type { ScrapeMetrics } from './report/scrapemetrics.ts';
import { createRetryPolicy, type NextScrape } from './schedule/retrypolicy.ts';
import { createTarget, type Expectations, type SourceMode, type TargetAddress } from './source/target.ts';

export interface BatchStore {
  /**
   * Returns the number of first samples, and the longest interval between the node's samples in milliseconds. It also
   * reports whether the node's clock was set since its previous batch.
   * @param clockAheadMs how far the node's clock is ahead of ours; by its Date header, so exact to a second or two.
   * @param series undefined if none were wanted, or on /metrics/resource.
   */
  store(
    batch: NodeBatch,
    clockAheadMs: number,
    times: ResponseTimes,
    series: SeriesResult | undefined,
  ): { readonly waiting: number; readonly spacingMs: number; readonly hasStepped: boolean };
  forget(node: string): void;
  /** Drops a stored node of that name with another UID. */
  keepOnly(node: string, uid: string | undefined): void;
}

export interface NodeScraperOptions {
  readonly addressOf: (node: NodeInfo) => TargetAddress;
  readonly readers: Pick<KubeletReaderPool, 'of' | 'release'>;
  readonly mode: SourceMode;
  /** See TargetOptions. */
  readonly wanted?: (() => WantedColumns) | undefined;
  readonly expectations: Expectations;
  readonly store: BatchStore;
  readonly resolutionMs: number;
  readonly clock: Clock;
  readonly metrics: ScrapeMetrics;
  readonly log: Logger;
}

export interface NodeScraper {
  readonly uid: string | undefined;
  ready: boolean;
  /** Never rejects. Returns undefined, and publishes nothing, if stopped or aborted. */
  scrape(node: NodeInfo, signal: AbortSignal): Promise<NextNodeScrape | undefined>;
  status(): NodeStatus;
  stop(reason: unknown): void;
}

export interface NextNodeScrape extends NextScrape {
  /** See Scheduler.setWeight; undefined leaves it. */
  readonly weight: number | undefined;
  readonly hasSucceeded: boolean;
}

/** A full response takes ten times as long, but a wave is limited by the delay of other requests. */
const fullWeight = 4;

export function createNodeScraper({ name, uid, ready }: NodeInfo, options: NodeScraperOptions): NodeScraper {
  const { addressOf, readers, mode, wanted, expectations, clock, metrics, store } = options;
  const target = createTarget({ reader: readers.of(name), mode, wanted, expectations, clock });
  const retryPolicy = createRetryPolicy(options.resolutionMs);
  const record = createNodeRecord();
  const log = createNodeLog(options.log);
  const stopped = new AbortController();
  let located: { readonly node: NodeInfo; readonly address: TargetAddress } | undefined;
  const scraper: NodeScraper = {
    uid,
    ready,
    scrape,
    status: () => record.status(name, scraper.ready),
    stop: (reason) => stopped.abort(reason),
  };
  return scraper;

  async function scrape(node: NodeInfo, signal: AbortSignal): Promise<NextNodeScrape | undefined> {
    const startedMs = clock.monotonicMs();
    const askedMs = clock.wallMs();
    const outcome = await target.scrape(locate(node), stopped.signal);
    if (stopped.signal.aborted || signal.aborted) return undefined;
    const times = { askedMs, answeredMs: clock.wallMs(), durationMs: clock.monotonicMs() - startedMs };
    metrics.observe(name, outcome.kind === 'scraped', times.durationMs / 1000, times.answeredMs);
    if (outcome.kind === 'failed') {
      record.add(outcome, times, 0);
      log.report(node, outcome, record.clockSkew(), false);
      return { ...retryPolicy.failed(scraper.ready), weight: undefined, hasSucceeded: false };
    }
    const { batch, response, series } = outcome;
    metrics.source(name, batch.source);
    const responseTimes = { dateMs: response.dateMs, sentMs: startedMs, receivedMs: startedMs + times.durationMs };
    const stored = store.store(batch, response.nodeTimeMs - times.answeredMs, responseTimes, series);
    record.add(outcome, times, stored.spacingMs);
    log.report(node, outcome, record.clockSkew(), stored.hasStepped);
    const weight = outcome.isFull ? fullWeight : 1;
    return { ...retryPolicy.scraped(stored.waiting), weight, hasSucceeded: true };
  }

  function locate(node: NodeInfo): TargetAddress {
    if (located?.node !== node) located = { node, address: addressOf(node) };
    return located.address;
  }
}
