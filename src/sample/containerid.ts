/** The ID of a container whose source reports no cgroup: its start time. */

/** Starts an ID that is a start time. */
const startIdPrefix = 'start:';

/** The ID of a container of which the source reports neither a cgroup nor a start time; only a falling counter shows its restarts. */
export const unknownContainerId = `${startIdPrefix}unknown`;

/** Returns the ID of a container by its start time in seconds. All digits count: runtimes report nanoseconds. */
export function startIdOf(startSeconds: number | undefined): string {
  return startSeconds === undefined ? unknownContainerId : `${startIdPrefix}${startSeconds}`;
}

/** Reports whether two start times may be of one container: one that is missing, in one sample or until now, is no restart. */
export function mayBeSameStart<T>(a: T | undefined, b: T | undefined): boolean {
  return a === b || a === undefined || b === undefined;
}

/** Reports whether two IDs may be of one container. */
export function mayBeSameContainer(a: string, b: string): boolean {
  if (a === b) return true;
  return a.startsWith(startIdPrefix) && b.startsWith(startIdPrefix) && mayBeSameStart(startOf(a), startOf(b));
}

function startOf(id: string): string | undefined {
  return id === unknownContainerId ? undefined : id;
}
