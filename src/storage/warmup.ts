/**
 * Decides when a storage that began empty serves what one does that has run for long. A replica that answered earlier
 * would leave out pods that the other one serves, and an autoscaler would miss them.
 */
import type { Clock } from '../clock.ts';
import type { UsageReader } from './usagereader.ts';
import type { StoredNode } from './storednode.ts';

/** Milliseconds. A kubelet samples an idle container every 15 to 30 s. */
const longestSpacingMs = 30_000;

/**
 * Milliseconds after the first scrape of a node beyond which pods without a usage are taken for new ones. A sample is
 * there after the longest interval, and seen by the next scrape.
 */
export function longestWarmUpMs(resolutionMs: number): number {
  return resolutionMs + Math.max(resolutionMs, longestSpacingMs);
}

export interface WarmUp {
  /** Call it after each scrape of a node. */
  scraped(node: StoredNode): void;
  /** Call it for a node of a snapshot: another process has warmed up. */
  restored(node: StoredNode): void;
  forget(node: string): void;
  /** Reports whether there was a usage and no node is waited for. Once true, it stays. */
  isOver(): boolean;
}

export interface WarmUpOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly resolutionMs: number;
  readonly reader: Pick<UsageReader, 'hasUsage' | 'isIncomplete'>;
}

export function createWarmUp({ clock, resolutionMs, reader }: WarmUpOptions): WarmUp {
  const longestMs = longestWarmUpMs(resolutionMs);
  const cold = new Set<string>();
  const warm = new Set<string>();
  let hasUsage = false;
  let isOver = false;
  return {
    scraped(node) {
      if (isOver) return;
      hasUsage ||= reader.hasUsage(node);
      if (warm.has(node.name) || isWarm(node)) becomeWarm(node.name);
      else cold.add(node.name);
      update();
    },
    restored(node) {
      if (isOver) return;
      hasUsage ||= reader.hasUsage(node);
      becomeWarm(node.name);
      update();
    },
    forget(node) {
      warm.delete(node);
      if (cold.delete(node)) update();
    },
    isOver: () => isOver,
  };

  function isWarm(node: StoredNode): boolean {
    return clock.monotonicMs() - node.sinceMs >= longestMs || !reader.isIncomplete(node);
  }

  function becomeWarm(node: string): void {
    cold.delete(node);
    warm.add(node);
  }

  function update(): void {
    isOver = hasUsage && cold.size === 0;
    if (isOver) warm.clear();
  }
}
