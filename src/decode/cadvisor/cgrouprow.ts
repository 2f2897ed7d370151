/** What a sample of cAdvisor is of: a cgroup with the labels that it is told with. */
import { canBeId, canBeName } from '../../sample/point.ts';
import type { Sample } from '../../exposition/sample.ts';
import { type Cgroup, isContainerPath, parseCgroup } from './cgroup.ts';
import { nameHash } from '../../namehash.ts';

/** Of 5,000 nodes there are 600,000, so what they have in common they share. */
export interface CgroupRow {
  /** machine is the root cgroup, pod is a pod's own or its sandbox's, unlabelled is a slice or what nobody has labelled, unknown is none of them. */
  readonly kind: 'machine' | 'container' | 'pod' | 'unlabelled' | 'unknown';
  /** Of what is no container's; forgotten once the body has ended. A container's is told by pathOf. */
  readonly path: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Whether the path is one, as cAdvisor's are. */
  readonly hasPath: boolean;
  /** Whether it is the cgroup of a container by its path, though nothing else says so. */
  readonly isUnlabelledContainer: boolean;
  /** Of a container. */
  readonly folder: CgroupFolder | undefined;
  /** Of the container's points: its cgroup's ID, and a hash of the rest of its path. */
  readonly pointId: string;
}

/** What the path of a container tells but for its ID: one object for all containers of a pod, as most are in one place. */
export interface CgroupFolder extends Omit<Cgroup, 'containerId'> {
  /** The path up to the ID, or all of it, where that is the ID. */
  readonly before: string;
  /** The path from the end of the ID on. */
  readonly after: string;
}

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

/** Whether a sample with the row's path is of the row; may be false though it is, as Sample.has. */
export function isOfRow({ namespace, pod, container }: CgroupRow, sample: Pick<Sample, 'has'>): boolean {
  return sample.has('namespace', namespace) && isNamed(sample, 'pod', pod) && isNamed(sample, 'container', container);
}

function isNamed(sample: Pick<Sample, 'has'>, label: keyof typeof oldLabels, name: string): boolean {
  return sample.has(label, '') ? sample.has(oldLabels[label], name) : sample.has(label, name);
}

/**
 * A cgroup elsewhere under the same ID, as leaked ones, counts on its own: where one's row is away, there is no rate between the two.
 */
function pointIdOf(path: string, { containerId }: Cgroup): string {
  const at = path.lastIndexOf(containerId);
  const folder = path.slice(0, at) + path.slice(at + containerId.length);
  // A path that is its own ID has no folder.
  return [containerId, hashMark, folder === '' ? '0' : nameHash(folder).toString(hashBase)].join('');
}

/** Between the parts of pointId. */
const hashMark = '@';
/** The largest that numbers are written in. */
const hashBase = 36;

function folderOf(path: string, { containerId, podUid, trusted, depth }: Cgroup): CgroupFolder {
  if (containerId === path) return { before: path, after: '', podUid, trusted, depth };
  const before = flat(path.slice(0, path.lastIndexOf(containerId)));
  return { before, after: path.endsWith(scopeSuffix) ? scopeSuffix : '', podUid, trusted, depth };
}

/** Nothing else may follow an ID. */
const scopeSuffix = '.scope';

/** The same, since V8 would keep the whole of which a long text is a part. */
function flat(text: string): string {
  return text.split('/').join('/');
}

/** The ID, or the path where that tells none. */
export function containerIdOf({ pointId }: CgroupRow): string {
  return pointId.slice(0, pointId.lastIndexOf(hashMark));
}

export function pathOf(row: CgroupRow): string {
  const { path, folder } = row;
  if (folder === undefined) return path;
  const containerId = containerIdOf(row);
  return containerId === folder.before ? containerId : folder.before + containerId + folder.after;
}

/** Whether they are the same row by all that is kept of them. Those of pods and slices have no path any more, and are none of them. */
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

/** What else a folder has follows from these. */
export function isSameFolder(a: CgroupFolder | undefined, b: CgroupFolder | undefined): boolean {
  return a === b || (a !== undefined && a.before === b?.before && a.after === b.after);
}

/**
 * What is worth remembering of a row: whether it has a container's path is all that matters of a slice, for example.
 * @param neighbour what is kept of the row before it: a pod's cgroup and its sandbox's are told one after the other.
 */
export function kept(row: CgroupRow, neighbour: CgroupRow | undefined): CgroupRow {
  if (row.kind === 'container' || row.kind === 'machine' || row.path === '') return row;
  const less = { ...row, path: '' };
  if (row.kind === 'pod') return neighbour !== undefined && isSamePodRow(less, neighbour) ? neighbour : less;
  const like = { ...less, kind: row.kind, namespace: '', pod: '', container: '' };
  const key = `${row.kind} ${row.hasPath} ${row.isUnlabelledContainer}`;
  const shared = common.get(key) ?? like;
  common.set(key, shared);
  return shared;
}

function isSamePodRow(a: CgroupRow, b: CgroupRow): boolean {
  return b.kind === 'pod' && a.pod === b.pod && a.namespace === b.namespace && a.hasPath === b.hasPath;
}

/** Two kinds by two facts, so eight at most. */
const common = new Map<string, CgroupRow>();

type Labels = Pick<CgroupRow, 'path' | 'namespace' | 'pod' | 'container'>;

function kindOf(sample: Pick<Sample, 'label'>, { path, namespace, pod, container }: Labels): CgroupRow['kind'] {
  if (container === '' && namespace === '' && pod === '') {
    return path === '/' && sample.label('name') === '' && sample.label('image') === '' ? 'machine' : 'unlabelled';
  }
  if (namespace === '' || pod === '') return 'unknown';
  if (!canBeName(namespace) || !canBeName(pod) || !canBeName(container)) return 'unknown';
  // The sandbox is container="POD" with dockershim and CRI-O, and "" with containerd, as the pod itself.
  return container === '' || container === 'POD' ? 'pod' : 'container';
}
