/** Records one node's scrapes for `/status` and for the reasons in 404 responses. */
import { containersOf } from '../../sample/batch.ts';
import { explainClockSkew, type RequestTiming } from '../../kubelet/clockskew.ts';
import type { Explanation } from '../../kubelet/explain/explanation.ts';
import type { KubeletVerification } from '../../kubelet/nodeconnections.ts';
import type { Source } from '../../sample/point.ts';
import type { ScrapeOutcome } from '../source/target.ts';

export interface NodeStatus {
  readonly node: string;
  readonly ready: boolean;
  readonly state: 'waiting' | 'scraped' | 'failing';
  readonly failures: number;
  /** Undefined after a success. */
  readonly error: Explanation | undefined;
  /** Its end, milliseconds since the epoch. */
  readonly lastScrapeMs: number | undefined;
  readonly last: LastScrape | undefined;
}

export interface LastScrape {
  /** Its end, milliseconds since the epoch. */
  readonly atMs: number;
  readonly source: Source;
  readonly fallback: string | undefined;
  readonly address: string;
  readonly verifiedBy: KubeletVerification;
  readonly durationMs: number;
  readonly wireBytes: number;
  readonly pods: number;
  readonly containers: number;
  /** Set if the node's clock and ours differ by more than seconds. */
  readonly clockSkew: Explanation | undefined;
  /** Longest interval between the node's samples; 0 while unknown. */
  readonly spacingMs: number;
}

/** Durations are monotonic. */
export interface ScrapeTimes extends RequestTiming {
  readonly durationMs: number;
}

export interface NodeRecord {
  add(outcome: ScrapeOutcome, times: ScrapeTimes, spacingMs: number): void;
  status(node: string, ready: boolean): NodeStatus;
  clockSkew(): Explanation | undefined;
}

export function createNodeRecord(): NodeRecord {
  let failures = 0;
  let error: Explanation | undefined;
  let lastScrapeMs: number | undefined;
  let last: LastScrape | undefined;

  return { add, status, clockSkew: () => last?.clockSkew };

  function add(outcome: ScrapeOutcome, times: ScrapeTimes, spacingMs: number): void {
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
