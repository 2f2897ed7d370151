/** IDs by start time, for containers whose source reports no cgroup. */

const startIdPrefix = 'start:';

/** Only a falling counter shows restarts. */
export const unknownContainerId = `${startIdPrefix}unknown`;

/** Returns an ID by start time in seconds. All digits count: runtimes report nanoseconds. */
export function startIdOf(startSeconds: number | undefined): string {
  return startSeconds === undefined ? unknownContainerId : `${startIdPrefix}${startSeconds}`;
}

/** Reports whether two start times may be of one container; a missing one is no restart. */
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
