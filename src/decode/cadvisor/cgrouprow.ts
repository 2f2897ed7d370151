/** The cgroup of a cAdvisor series. */
import { canBeId, canBeName } from '../../sample/point.ts';
import type { Sample } from '../../exposition/sample.ts';
import { type Cgroup, isContainerPath, parseCgroup } from './cgroup.ts';
import { nameHash } from '../../namehash.ts';

/** 5,000 nodes have 600,000 rows, which share what they can. */
export interface CgroupRow {
  /** pod: its own cgroup or its sandbox's; unlabelled: as slices; unknown: odd labels. */
  readonly kind: 'machine' | 'container' | 'pod' | 'unlabelled' | 'unknown';
  /** '' for containers (see pathOf), and once compacted for all but the machine. */
  readonly path: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Whether `id` is a path, as cAdvisor's are. */
  readonly hasPath: boolean;
  readonly isUnlabelledContainer: boolean;
  /** Undefined without a container. */
  readonly folder: CgroupFolder | undefined;
  /** The cgroup's ID and its path's hash. */
  readonly pointId: string;
}

/** A container's path without its ID; shared within a pod. */
export interface CgroupFolder extends Omit<Cgroup, 'containerId'> {
  /** Up to the ID, or all if that is the ID. */
  readonly before: string;
  readonly after: string;
}

/** Returns the row of a sample. */
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

/** Labels of kubelets before 1.16; 1.14 and 1.15 send both. https://github.com/kubernetes/kubernetes/pull/80376 */
const oldLabels = { pod: 'pod_name', container: 'container_name' } as const;

function nameIn(sample: Pick<Sample, 'label'>, label: keyof typeof oldLabels): string {
  return sample.label(label) || sample.label(oldLabels[label]);
}

/** Reports whether a sample of the row's path has its names; may miss it, as Sample.has. */
export function isOfRow({ namespace, pod, container }: CgroupRow, sample: Pick<Sample, 'has'>): boolean {
  return sample.has('namespace', namespace) && isNamed(sample, 'pod', pod) && isNamed(sample, 'container', container);
}

function isNamed(sample: Pick<Sample, 'has'>, label: keyof typeof oldLabels, name: string): boolean {
  return sample.has(label, '') ? sample.has(oldLabels[label], name) : sample.has(label, name);
}

/** Cgroups of one ID in two places (leaked) get different IDs: there is no rate between them. */
function pointIdOf(path: string, { containerId }: Cgroup): string {
  const at = path.lastIndexOf(containerId);
  const folder = path.slice(0, at) + path.slice(at + containerId.length);
  // A path that is its own ID has no folder.
  return [containerId, hashMark, folder === '' ? '0' : nameHash(folder).toString(hashBase)].join('');
}

const hashMark = '@';
/** Number.toString has no larger base. */
const hashBase = 36;

function folderOf(path: string, { containerId, podUid, trusted, depth }: Cgroup): CgroupFolder {
  if (containerId === path) return { before: path, after: '', podUid, trusted, depth };
  const before = flat(path.slice(0, path.lastIndexOf(containerId)));
  return { before, after: path.endsWith(scopeSuffix) ? scopeSuffix : '', podUid, trusted, depth };
}

const scopeSuffix = '.scope';

/** V8 keeps the whole string of a long substring, so this copies. */
function flat(text: string): string {
  return text.split('/').join('/');
}

/** Returns the ID, or the path without one. */
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

/** Reports whether two rows are equal; compacted ones without a path equal no new one. */
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

/** Reports whether two folders are equal. */
export function isSameFolder(a: CgroupFolder | undefined, b: CgroupFolder | undefined): boolean {
  return a === b || (a !== undefined && a.before === b?.before && a.after === b.after);
}

/**
 * Returns what the next body needs of a row; of a slice, whether its path is a container's.
 * @param neighbour the previous row, compacted, as a pod's cgroup beside its sandbox's.
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
  // The sandbox's container is "POD" with dockershim and CRI-O, and "" with containerd.
  return container === '' || container === 'POD' ? 'pod' : 'container';
}
