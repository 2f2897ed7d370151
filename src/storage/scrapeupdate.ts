/** One scrape on its way into the storage, with its limits. */
import type { Clock } from '../clock.ts';
import type { NodeBatch, PodLayout } from '../sample/batch.ts';
import type { ClockStep } from '../sample/clockstep.ts';
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
  /** The scrape interval in milliseconds. */
  readonly resolutionMs: number;
  /** How long a usage is served, in milliseconds; longer on nodes that sample slowly. */
  readonly stalenessMs: number;
  /** Returns a node's CPU cores by its Node object; undefined if unknown. */
  readonly capacityCores?: (node: string) => number | undefined;
  /** Returns a node's memory in bytes by its Node object; undefined if unknown. */
  readonly capacityMemoryBytes?: (node: string) => number | undefined;
  /** Reports whether a container has ended for good by the API; undefined if that does not know the pod. */
  readonly hasEnded?: (pod: PodLayout, container: string) => boolean | undefined;
  /** Called for each sample with more CPU or memory than its node has. */
  readonly onImplausible?: OnImplausible;
  /** Whether pods may be stored in rows; false takes the slow path for all, to diagnose. Default: true. */
  readonly fastPath?: boolean;
}

export interface ScrapeUpdate {
  readonly batch: NodeBatch;
  readonly options: UpdateOptions;
  /** The Node's; undefined if unknown. */
  readonly uid: string | undefined;
  /** The node's previous scrape. */
  readonly previous: (SpacedScrape & Pick<NodeBatch, 'source'> & Pick<StoredNode, 'sinceMs' | 'steppedMs'>) | undefined;
  readonly hasSwap: boolean;
  /** Monotonic. */
  readonly nowMs: number;
  readonly limits: SampleLimits;
  readonly sums: NewSamples;
}

/** Returns the limits of a node's samples. @param known the stored node. @param step of its clock since the previous scrape. */
export function limitsOf(
  node: string,
  known: StoredNode | undefined,
  nowMs: number,
  { resolutionMs, stalenessMs, capacityCores, capacityMemoryBytes }: UpdateOptions,
  step?: ClockStep,
): SampleLimits {
  const spacingMs = known?.spacingMs ?? 0;
  return {
    mostCores: mostCoresOf(capacityCores?.(node)),
    mostMemoryBytes: mostMemoryBytesOf(capacityMemoryBytes?.(node)),
    longestWindowMs: longestWindowMs(resolutionMs, spacingMs),
    stalenessMs: usageStalenessMs({ atLeastMs: stalenessMs, spacingMs }),
    sinceScrapeMs: known && nowMs - known.storedMs,
    step,
  };
}

/**
 * Returns the longest possible interval between a pod's or machine's samples.
 * @param cameMs when the last sample came, monotonic; undefined if only its node's first one is known.
 */
export function possibleMsOf({ previous, nowMs, limits, options }: ScrapeUpdate, cameMs: number | undefined): number {
  // No interval over a step is one between samples.
  if (limits.step !== undefined) return 0;
  return longestPossibleIntervalMs(nowMs - (cameMs ?? previous?.sinceMs ?? nowMs), options.resolutionMs);
}

/** Reports a sample with more CPU or memory than its node has. @param next the pair with the sample. */
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
  // Neither the sample from before a restart nor one of another clock has too much CPU.
  if (rival === previous?.last || stampMs(rival) < stampMs(last)) return;
  if (!isOtherClock(last, rival)) options.onImplausible?.(batch.node, what, 'cpu');
}
