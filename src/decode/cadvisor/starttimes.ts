/**
 * Keeps each container's earliest start time; pure. cAdvisor takes a directory's mtime, which moves forward when the
 * kernel drops the inode. Without this, a dead container whose cgroup remains would become its own successor.
 */

/** Start times of the previous scrape, by container ID. */
export type StartTimes = ReadonlyMap<string, number>;

interface StartedContainer {
  readonly containerId: string;
  readonly startTimeMs: number | undefined;
}

/** Returns this scrape's start times. */
export function nextStartTimes(before: StartTimes, containers: Iterable<StartedContainer>): StartTimes {
  const next = new Map<string, number>();
  for (const { containerId, startTimeMs } of containers) {
    const earliestMs = Math.min(before.get(containerId) ?? Infinity, startTimeMs ?? Infinity);
    if (earliestMs !== Infinity) next.set(containerId, earliestMs);
  }
  return next;
}
