/** The cgroup that a series of cAdvisor is about, with its labels. */
import { canBeId, canBeName } from '../../sample/point.ts';
import type { Sample } from '../../exposition/sample.ts';
import { type Cgroup, isContainerPath, parseCgroup } from './cgroup.ts';
import { nameHash } from '../../namehash.ts';

/** 5,000 nodes have 600,000 rows, so rows share what they have in common. */
export interface CgroupRow {
  /** pod: its own cgroup or its sandbox's; unlabelled: without labels, as slices; unknown: with odd labels. */
  readonly kind: 'machine' | 'container' | 'pod' | 'unlabelled' | 'unknown';
  /** '' for containers (see pathOf), and once compacted for all but the machine. */
  readonly path: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Whether the `id` label is a path, as cAdvisor's are. */
  readonly hasPath: boolean;
  /** Whether the path is of a container, though it has no labels. */
  readonly isUnlabelledContainer: boolean;
  /** Undefined unless it is a container. */
  readonly folder: CgroupFolder | undefined;
  /** The container ID of its points: the cgroup's ID and a hash of the rest of its path. */
  readonly pointId: string;
}

/** A container's path but for its ID; shared by the containers of a pod. */
export interface CgroupFolder extends Omit<Cgroup, 'containerId'> {
  /** The path up to the ID, or the whole path if that is the ID. */
  readonly before: string;
  /** The path after the ID. */
  readonly after: string;
}

/** Returns the row that a sample is about. */
export function rowOf(sample: Pick<Sample, 'label'>): CgroupRow {
  const path = sample.label('id');
  const namespace = sample.label('namespace');
  const pod = nameIn(sample, 'pod');
  const container = nameIn(sample, 'container');
  const found = kindOf(sample, { path, namespace, pod, container });
  const parsed = found === 'container' ? parseCgroup(path) : undefined;
  const pointId = parsed === undefined ? '' : pointIdOf(path, parsed);
  const cgroup = canBeId(pointId) ? parsed : undefined;
  const kind = found === 'container' && cgroup === undefined ? 'unknown' : found;
  return {
    kind,
    path: cgroup === undefined ? path : '',
    namespace,
    pod,
    container,
    hasPath: path.startsWith('/'),
    isUnlabelledContainer: kind === 'unlabelled' && isContainerPath(path),
    folder: cgroup && folderOf(path, cgroup),
    pointId: cgroup === undefined ? '' : pointId,
  };
}

/** The labels of kubelets before 1.16; 1.14 and 1.15 send both. https://github.com/kubernetes/kubernetes/pull/80376 */
const oldLabels = { pod: 'pod_name', container: 'container_name' } as const;

function nameIn(sample: Pick<Sample, 'label'>, label: keyof typeof oldLabels): string {
  return sample.label(label) || sample.label(oldLabels[label]);
}

/** Reports whether a sample with the row's path has the row's names; may miss it, as Sample.has. */
export function isOfRow({ namespace, pod, container }: CgroupRow, sample: Pick<Sample, 'has'>): boolean {
  return sample.has('namespace', namespace) && isNamed(sample, 'pod', pod) && isNamed(sample, 'container', container);
}

function isNamed(sample: Pick<Sample, 'has'>, label: keyof typeof oldLabels, name: string): boolean {
  return sample.has(label, '') ? sample.has(oldLabels[label], name) : sample.has(label, name);
}

/** Returns different IDs for cgroups of one ID in two places, as leaked ones: there is no rate between them. */
function pointIdOf(path: string, { containerId }: Cgroup): string {
  const at = path.lastIndexOf(containerId);
  const folder = path.slice(0, at) + path.slice(at + containerId.length);
  // A path that is its own ID has no folder.
  return [containerId, hashMark, folder === '' ? '0' : nameHash(folder).toString(hashBase)].join('');
}

/** Between the parts of pointId. */
const hashMark = '@';
/** The largest base that Number.toString has. */
const hashBase = 36;

function folderOf(path: string, { containerId, podUid, trusted, depth }: Cgroup): CgroupFolder {
  if (containerId === path) return { before: path, after: '', podUid, trusted, depth };
  const before = flat(path.slice(0, path.lastIndexOf(containerId)));
  return { before, after: path.endsWith(scopeSuffix) ? scopeSuffix : '', podUid, trusted, depth };
}

/** The only text that may follow an ID. */
const scopeSuffix = '.scope';

/** Returns a copy: V8 keeps the whole string of which a long one is a part. */
function flat(text: string): string {
  return text.split('/').join('/');
}

/** Returns a container's ID, or its path if that has none. */
export function containerIdOf({ pointId }: CgroupRow): string {
  return pointId.slice(0, pointId.lastIndexOf(hashMark));
}

/** Returns the row's path. */
export function pathOf(row: CgroupRow): string {
  const { path, folder } = row;
  if (folder === undefined) return path;
  const containerId = containerIdOf(row);
  return containerId === folder.before ? containerId : folder.before + containerId + folder.after;
}

/** Reports whether two rows are equal. Compacted rows without a path equal no new one. */
export function isSameRow(a: CgroupRow, b: CgroupRow): boolean {
  return (
    a.kind === b.kind &&
    a.path === b.path &&
    a.pointId === b.pointId &&
    isSameFolder(a.folder, b.folder) &&
    a.container === b.container &&
    a.pod === b.pod &&
    a.namespace === b.namespace
  );
}

/** Reports whether two folders are equal; their other fields follow from these. */
export function isSameFolder(a: CgroupFolder | undefined, b: CgroupFolder | undefined): boolean {
  return a === b || (a !== undefined && a.before === b?.before && a.after === b.after);
}

/**
 * Returns what the next body needs of a row. For a slice, that is only whether its path is a container's.
 * @param neighbour the previous row, compacted: a pod's cgroup and its sandbox's are neighbours.
 */
export function compact(row: CgroupRow, neighbour: CgroupRow | undefined): CgroupRow {
  if (row.kind === 'container' || row.kind === 'machine' || row.path === '') return row;
  const less = { ...row, path: '' };
  if (row.kind === 'pod') return neighbour !== undefined && isSamePodRow(less, neighbour) ? neighbour : less;
  return nameless[row.kind][Number(row.hasPath)]![Number(row.isUnlabelledContainer)]!;
}

function isSamePodRow(a: CgroupRow, b: CgroupRow): boolean {
  return b.kind === 'pod' && a.pod === b.pod && a.namespace === b.namespace && a.hasPath === b.hasPath;
}

/** The rows without names that all nodes share, by hasPath and isUnlabelledContainer. */
const nameless = { unlabelled: namelessRows('unlabelled'), unknown: namelessRows('unknown') } as const;

function namelessRows(kind: 'unlabelled' | 'unknown'): readonly (readonly CgroupRow[])[] {
  const names = { path: '', namespace: '', pod: '', container: '', folder: undefined, pointId: '' };
  return [false, true].map((hasPath) =>
    [false, true].map((isUnlabelledContainer) => ({ kind, ...names, hasPath, isUnlabelledContainer })),
  );
}

type CgroupLabels = Pick<CgroupRow, 'path' | 'namespace' | 'pod' | 'container'>;

function kindOf(sample: Pick<Sample, 'label'>, { path, namespace, pod, container }: CgroupLabels): CgroupRow['kind'] {
  if (container === '' && namespace === '' && pod === '') {
    return path === '/' && sample.label('name') === '' && sample.label('image') === '' ? 'machine' : 'unlabelled';
  }
  if (namespace === '' || pod === '') return 'unknown';
  if (!canBeName(namespace) || !canBeName(pod) || !canBeName(container)) return 'unknown';
  // The sandbox is container="POD" with dockershim and CRI-O, and "" with containerd, as the pod itself.
  return container === '' || container === 'POD' ? 'pod' : 'container';
}
