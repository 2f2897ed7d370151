/** Parses container ID and pod UID from a cgroup's path. */

/** Parts of a path such as /kubepods/burstable/pod<uid>/<container id>. */
export interface Cgroup {
  /** A runtime's 64 hex digits at the path's end, otherwise the whole path, which is as unique. */
  readonly containerId: string;
  /** UID with dashes, or a static pod's config hash; undefined without either. */
  readonly podUid: string | undefined;
  /**
   * Whether it is a child of a pod's cgroup that is not below another pod's: only the kubelet and the runtime can make
   * it. A tenant can make any name below its own container, also a neighbour's.
   */
  readonly trusted: boolean;
  readonly depth: number;
}

/** <id>, cri-containerd-<id>.scope, crio-<id>, docker-<id>.scope, kata_<id>, <slice>:cri-containerd:<id> */
const containerPattern = /(?:^|[-_:])([0-9a-f]{64})(?:\.scope)?$/;

/** pod<uid>, kubepods-burstable-pod<uid with _>.slice, kubelet-kubepods-pod<uid>.slice; static pods have 32 hex digits. */
const podPattern = /(?:^|-)pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?$/;

/** CRI-O's monitor has its own cgroup with the container's ID. */
const monitorInfix = '-conmon-';

/** Parses the `id` label's path. */
export function parseCgroup(path: string): Cgroup {
  const segments = path.split('/');
  const last = segments.pop() ?? '';
  const parent = segments.pop() ?? '';
  const ownUid = sliceUidOf(last);
  const podUid = ownUid ?? podUidOf(parent);
  const above = ownUid === undefined ? segments : [...segments, parent];
  return {
    containerId: containerPattern.exec(last)?.[1] ?? path,
    podUid,
    trusted: podUid !== undefined && !above.some((segment) => (podUidOf(segment) ?? sliceUidOf(segment)) !== undefined),
    depth: segments.length + 1,
  };
}

/** Reports whether the path is a container's or sandbox's. */
export function isContainerPath(path: string): boolean {
  const { containerId, trusted } = parseCgroup(path);
  return trusted && containerId !== path && !path.includes(monitorInfix);
}

/** Returns the UID if the path is a pod's own cgroup, not below another pod's; otherwise undefined. */
export function podCgroupUid(path: string): string | undefined {
  const segments = path.split('/');
  const uid = podUidOf(segments.pop() ?? '');
  return segments.some((segment) => podUidOf(segment) !== undefined) ? undefined : uid;
}

function podUidOf(segment: string): string | undefined {
  // Joined: V8 keeps replaceAll's result in pieces.
  return podPattern.exec(segment)?.[1]?.split('_').join('-');
}

/**
 * With mismatched cgroup drivers, runc takes systemd's <slice>:<prefix>:<id> for one name: pod and container in one
 * segment.
 */
function sliceUidOf(segment: string): string | undefined {
  return podUidOf(segment.slice(0, Math.max(0, segment.indexOf(':'))));
}
