/** Parses a container's ID and its pod's UID from its cgroup's path. */

/** The parts of a path such as /kubepods/burstable/pod<uid>/<container id>. */
export interface Cgroup {
  /** 64 hex digits if the path ends in a runtime's container ID, otherwise the whole path, which is as unique. */
  readonly containerId: string;
  /** Pod UID with dashes, or a static pod's config hash; undefined if the path has neither. */
  readonly podUid: string | undefined;
  /**
   * Whether it is a child of a pod's cgroup that is not below another pod's. Only the kubelet and the runtime can make such a cgroup; a tenant can make any name
   * below its own container, also that of a neighbour's pod and container.
   */
  readonly trusted: boolean;
  /** How many segments the path has. */
  readonly depth: number;
}

/** <id>, cri-containerd-<id>.scope, crio-<id>, docker-<id>.scope, kata_<id>, <slice>:cri-containerd:<id> */
const containerPattern = /(?:^|[-_:])([0-9a-f]{64})(?:\.scope)?$/;

/** pod<uid>, kubepods-burstable-pod<uid with _>.slice, kubelet-kubepods-pod<uid>.slice; static pods have 32 hex digits. */
const podPattern = /(?:^|-)pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?$/;

/** CRI-O's monitor process has a cgroup beside its container's, with the container's ID. */
const monitorInfix = '-conmon-';

/** Parses the path in the `id` label, which starts at the root of the cgroup tree. */
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

/** Reports whether the path is of a container, or of a pod's sandbox. */
export function isContainerPath(path: string): boolean {
  const { containerId, trusted } = parseCgroup(path);
  return trusted && containerId !== path && !path.includes(monitorInfix);
}

function podUidOf(segment: string): string | undefined {
  // Joined, since V8 keeps what replaceAll returns in pieces.
  return podPattern.exec(segment)?.[1]?.split('_').join('-');
}

/** With mismatched cgroup drivers, runc takes systemd's <slice>:<prefix>:<id> for one name: pod and container in one segment. */
function sliceUidOf(segment: string): string | undefined {
  return podUidOf(segment.slice(0, Math.max(0, segment.indexOf(':'))));
}
