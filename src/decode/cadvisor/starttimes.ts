/**
 * Keeps the earliest start time that each container was reported with; pure. cAdvisor takes the start from a directory's mtime, which the kernel moves forward when it
 * has dropped the inode. Without this, a dead container whose cgroup remains would become the younger one of two, and be taken for its own successor.
 */

/** Milliseconds since the epoch by container ID, of the containers of the previous scrape. */
export type StartTimes = ReadonlyMap<string, number>;

interface StartedContainer {
  readonly containerId: string;
  readonly startTimeMs: number | undefined;
}

/** Returns the start times of this scrape's containers. */
export function nextStartTimes(before: StartTimes, containers: Iterable<StartedContainer>): StartTimes {
  const next = new Map<string, number>();
  for (const { containerId, startTimeMs } of containers) {
    const earliestMs = Math.min(before.get(containerId) ?? Infinity, startTimeMs ?? Infinity);
    if (earliestMs !== Infinity) next.set(containerId, earliestMs);
  }
  return next;
}
