/**
 * Remembers when each container was first said to have started; pure. cAdvisor takes the start from a directory's mtime, which the kernel
 * moves forward when it has dropped the inode; of what a container was ever said to have started at, the earliest is the truth. Without it a
 * dead container whose cgroup lingers would become the younger one of two, and be taken for its own successor.
 */

/** Milliseconds since the epoch by container ID, of the containers of the scrape before. */
export type StartTimes = ReadonlyMap<string, number>;

interface Started {
  readonly containerId: string;
  readonly startTimeMs: number | undefined;
}

/** The same with this scrape's containers in place of those that are gone. */
export function nextStartTimes(before: StartTimes, containers: Iterable<Started>): StartTimes {
  const next = new Map<string, number>();
  for (const { containerId, startTimeMs } of containers) {
    const earliestMs = Math.min(before.get(containerId) ?? Infinity, startTimeMs ?? Infinity);
    if (earliestMs !== Infinity) next.set(containerId, earliestMs);
  }
  return next;
}
