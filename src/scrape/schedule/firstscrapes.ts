/**
 * Tracks the first scrape of each node that is there at the start. Until it ends, a usage from a snapshot is served, which
 * is older than what other replicas serve by the age of the snapshot.
 */
import type { Clock } from '../../clock.ts';

export interface FirstScrapes {
  /** Call it before the scrape of a node that is worth the wait. */
  expect(node: string): void;
  /** Call it after each scrape, good or failed, and for a node that has left. */
  ended(node: string): void;
  /** Reports whether each expected scrape has ended, or had its time. */
  areOver(): boolean;
}

/** Longest wait for a node, in milliseconds: a kubelet that hangs delays a replica that is alone by no more. */
export const longestFirstScrapeMs = 5_000;

export function createFirstScrapes(clock: Pick<Clock, 'monotonicMs'>): FirstScrapes {
  /** Time of expectation by node. */
  const expected = new Map<string, number>();
  return {
    expect: (node) => void expected.set(node, clock.monotonicMs()),
    ended: (node) => void expected.delete(node),
    areOver() {
      const sinceMs = clock.monotonicMs() - longestFirstScrapeMs;
      return expected.values().every((expectedMs) => expectedMs <= sinceMs);
    },
  };
}
