/** What the scrapes of one node were like, for whoever wants to know why a number is what it is. */
import { containersOf } from '../../sample/batch.ts';
import { explainClockSkew } from '../../kubelet/clockskew.ts';
import type { Explanation } from '../../kubelet/explain/explanation.ts';
import type { KubeletVerification } from '../../kubelet/nodeconnections.ts';
import type { Source } from '../../sample/point.ts';
import type { ScrapeOutcome } from '../source/target.ts';

export interface NodeStatus {
  readonly node: string;
  /** Whether the API calls the node Ready. */
  readonly ready: boolean;
  /** How the last scrape ended; waiting before the first one has. */
  readonly state: 'waiting' | 'scraped' | 'failing';
  /** Failures since the last success. */
  readonly failures: number;
  /** Of the last failure, while it goes on. */
  readonly error: Explanation | undefined;
  /** When the last scrape ended, milliseconds since the epoch. */
  readonly lastScrapeMs: number | undefined;
  /** Of the last scrape that gave something. */
  readonly last: Scraped | undefined;
}

export interface Scraped {
  /** When it ended, milliseconds since the epoch. */
  readonly atMs: number;
  readonly source: Source;
  /** Why it is not cAdvisor that was read. */
  readonly fallback: string | undefined;
  /** Who answered, host and port. */
  readonly address: string;
  readonly verifiedBy: KubeletVerification;
  readonly durationMs: number;
  /** Of the body, as sent. */
  readonly wireBytes: number;
  readonly pods: number;
  readonly containers: number;
  /** Where the node's clock and ours differ by more than seconds. */
  readonly clockSkew: Explanation | undefined;
  /** How far apart the node's samples are in milliseconds; 0 as long as nobody knows. */
  readonly spacingMs: number;
}

/** When a scrape began and ended, milliseconds since the epoch, and how long it took by a clock that is never set. */
export interface ScrapeTimes {
  readonly askedMs: number;
  readonly answeredMs: number;
  readonly durationMs: number;
}

export interface NodeRecord {
  /** One scrape has ended. @param spacingMs of the node's samples, where it gave some. */
  ended(outcome: ScrapeOutcome, times: ScrapeTimes, spacingMs: number): void;
  status(node: string, ready: boolean): NodeStatus;
  /** What Scraped says of the node's clock. */
  clockSkew(): Explanation | undefined;
}

export function createNodeRecord(): NodeRecord {
  let failures = 0;
  let error: Explanation | undefined;
  let lastScrapeMs: number | undefined;
  let last: Scraped | undefined;

  return { ended, status, clockSkew: () => last?.clockSkew };

  function ended(outcome: ScrapeOutcome, times: ScrapeTimes, spacingMs: number): void {
    lastScrapeMs = times.answeredMs;
    if (outcome.kind === 'failed') {
      failures += 1;
      error = outcome.why;
      return;
    }
    failures = 0;
    error = undefined;
    const { batch, response, fallback } = outcome;
    last = {
      atMs: times.answeredMs,
      source: batch.source,
      fallback,
      address: response.address,
      verifiedBy: response.verifiedBy,
      durationMs: times.durationMs,
      wireBytes: response.wireBytes,
      pods: batch.layout.pods.length,
      containers: containersOf(batch.layout),
      clockSkew: explainClockSkew(batch.node, response.nodeTimeMs, times),
      spacingMs,
    };
  }

  function status(node: string, ready: boolean): NodeStatus {
    const state = lastScrapeMs === undefined ? 'waiting' : failures > 0 ? 'failing' : 'scraped';
    return { node, ready, state, failures, error, lastScrapeMs, last };
  }
}
