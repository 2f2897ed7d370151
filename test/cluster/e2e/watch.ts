/** Lists all pods' metrics once a second, and computes what was missing and for how long. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster.ts';
import { loadPods } from './loads.ts';
import { type PodReading, podReadings, type Source } from './readings.ts';

export interface Observation {
  /** Monotonic, when the question was asked. */
  readonly atMs: number;
  readonly wallMs: number;
  /** By namespace/name; undefined when there was no answer but a problem. */
  readonly pods: ReadonlyMap<string, PodReading> | undefined;
  readonly problem?: string;
}

export interface Watch extends AsyncDisposable {
  /** So far, oldest first. */
  readonly observations: readonly Observation[];
  /** The newest answer about a pod. */
  newest(pod: string): PodReading | undefined;
}

/** Whether the answer has every pod of the loads. */
export const hasLoads = ({ pods }: Observation): boolean => loadPods.every((name) => pods?.has(name) ?? false);

/** Watches until disposed. */
export function watchPods(cluster: Cluster, source: Source, everyMs = 1_000): Watch {
  const observations: Observation[] = [];
  const stop = new AbortController();
  const done = loop();
  return {
    observations,
    newest: (pod) => observations.at(-1)?.pods?.get(pod),
    [Symbol.asyncDispose]: () => {
      stop.abort();
      return done;
    },
  };

  async function loop(): Promise<void> {
    while (!stop.signal.aborted) {
      const atMs = performance.now();
      observations.push(await observe(atMs));
      await sleep(Math.max(0, atMs + everyMs - performance.now()), undefined, { signal: stop.signal }).catch(() => {});
    }
  }

  async function observe(atMs: number): Promise<Observation> {
    const wallMs = Date.now();
    try {
      return { atMs, wallMs, pods: await podReadings(cluster, source) };
    } catch (error) {
      return { atMs, wallMs, pods: undefined, problem: error instanceof Error ? error.message : String(error) };
    }
  }
}

/**
 * The longest time in seconds during which the observations were not as wanted: from the first such one until the next one that is,
 * or until the last. 0 when all were.
 */
export function longestGap(
  observations: readonly Observation[],
  wanted: (observation: Observation) => boolean,
): number {
  let longestMs = 0;
  let sinceMs: number | undefined;
  for (const observation of observations) {
    if (sinceMs !== undefined) longestMs = Math.max(longestMs, observation.atMs - sinceMs);
    if (wanted(observation)) sinceMs = undefined;
    else sinceMs ??= observation.atMs;
  }
  return longestMs / 1000;
}

/** The longest time in seconds between two questions: a busy machine asks late, and what happened in between is seen late. */
export function longestPause(observations: readonly Observation[]): number {
  return (
    observations.slice(1).reduce((longest, { atMs }, at) => Math.max(longest, atMs - observations[at]!.atMs), 0) / 1000
  );
}

/** The longest time in seconds for which one of the loads was not listed after all were listed first. */
export function longestGapOfLoads(observations: readonly Observation[]): number {
  return longestGap(observations.slice(Math.max(0, observations.findIndex(hasLoads))), hasLoads);
}

/** The longest time in seconds for which a pod was not listed after it was listed first. */
export function longestAbsence(observations: readonly Observation[], pod: string): number {
  const first = observations.findIndex(({ pods }) => pods?.has(pod));
  return longestGap(observations.slice(Math.max(0, first)), ({ pods }) => pods?.has(pod) ?? false);
}
