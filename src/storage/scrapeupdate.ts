/** One scrape with its limits. */
import type { Clock } from '../clock.ts';
import type { NodeBatch, PodLayout } from '../sample/batch.ts';
import type { Point } from '../sample/point.ts';
import { stalenessMs as usageStalenessMs } from './lastusage.ts';
import type { NewSamples } from './nodestate.ts';
import { isOtherClock, type SamplePair, stampMs } from './samplepair.ts';
import { isTooMuchMemory, longestWindowMs, mostCoresOf, mostMemoryBytesOf, type SampleLimits } from './samplerules.ts';
import { longestPossibleIntervalMs, type SpacedScrape } from './spacing.ts';
import type { StoredNode } from './storednode.ts';

/** @param what the machine, or a container or pod by name. */
export type OnImplausible = (node: string, what: string, quantity: 'cpu' | 'memory') => void;

export interface UpdateOptions {
  readonly clock: Clock;
  readonly resolutionMs: number;
  /** In milliseconds; longer on nodes that sample slowly. */
  readonly stalenessMs: number;
  /** Undefined if unknown. */
  readonly capacityCores?: (node: string) => number | undefined;
  /** Undefined if unknown. */
  readonly capacityMemoryBytes?: (node: string) => number | undefined;
  /** For good, by the API; undefined if unknown. */
  readonly hasEnded?: (pod: PodLayout, container: string) => boolean | undefined;
  readonly onImplausible?: OnImplausible;
  /** False is for diagnosis. Default: true. */
  readonly fastPath?: boolean;
}

export interface ScrapeUpdate {
  readonly batch: NodeBatch;
  readonly options: UpdateOptions;
  /** Undefined if unknown. */
  readonly uid: string | undefined;
  readonly previous: (SpacedScrape & Pick<NodeBatch, 'source'> & Pick<StoredNode, 'sinceMs'>) | undefined;
  /** See StoredNode; also of this scrape. */
  readonly steadySinceMs: number;
  /** See ClockState; also of this scrape. */
  readonly steppedMs: number | undefined;
  readonly hasSwap: boolean;
  /** Monotonic. */
  readonly nowMs: number;
  readonly limits: SampleLimits;
  readonly sums: NewSamples;
}

/** Returns the limits of a node's samples. */
export function limitsOf(
  node: string,
  known: StoredNode | undefined,
  nowMs: number,
  { resolutionMs, stalenessMs, capacityCores, capacityMemoryBytes }: UpdateOptions,
  clock: Pick<SampleLimits, 'step' | 'isSetBack' | 'startsAfterMs'> = {},
): SampleLimits {
  const spacingMs = known?.spacingMs ?? 0;
  return {
    mostCores: mostCoresOf(capacityCores?.(node)),
    mostMemoryBytes: mostMemoryBytesOf(capacityMemoryBytes?.(node)),
    longestWindowMs: longestWindowMs(resolutionMs, spacingMs),
    stalenessMs: usageStalenessMs({ atLeastMs: stalenessMs, spacingMs }),
    sinceScrapeMs: known && nowMs - known.storedMs,
    ...clock,
  };
}

/**
 * Returns the longest possible interval between samples in milliseconds.
 * @param cameMs of the last sample, monotonic; undefined if only its node's first is known.
 */
export function possibleMsOf(update: ScrapeUpdate, cameMs: number | undefined): number {
  const { previous, steadySinceMs, nowMs, limits, options } = update;
  // An interval over a step is unknown.
  if (limits.step !== undefined) return 0;
  // Samples were taken during an outage, too.
  const firstMs = Math.max(cameMs ?? previous?.sinceMs ?? nowMs, steadySinceMs);
  return longestPossibleIntervalMs(nowMs - firstMs, options.resolutionMs);
}

/** Reports more CPU or memory than the node has. */
export function reportImplausible(
  what: string,
  point: Point | undefined,
  previous: SamplePair | undefined,
  { last, rival }: SamplePair,
  { batch, options, limits }: ScrapeUpdate,
): void {
  if (point !== undefined && isTooMuchMemory(point.memoryBytes, limits)) {
    options.onImplausible?.(batch.node, what, 'memory');
  }
  if (rival === undefined || rival === previous?.rival) return;
  // Neither a sample before a restart nor another clock's has too much CPU.
  if (rival === previous?.last || stampMs(rival) < stampMs(last)) return;
  if (!isOtherClock(last, rival)) options.onImplausible?.(batch.node, what, 'cpu');
}
