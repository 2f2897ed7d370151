/** What a sample of cAdvisor is of: a cgroup with the labels that it is told with. */
import type { Sample } from '../exposition/sample.ts';
import { type Cgroup, isContainerPath, parseCgroup } from './cgroup.ts';

/** Of 5,000 nodes there are 600,000, so what they have in common they share. */
export interface CgroupRow {
  /** machine is the root cgroup, pod is a pod's own or its sandbox's, unlabelled is a slice or what nobody has labelled, unknown is none of them. */
  readonly kind: 'machine' | 'container' | 'pod' | 'unlabelled' | 'unknown';
  /** Forgotten once the body has ended where it is of no container. */
  readonly path: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Whether the path is one, as cAdvisor's are. */
  readonly hasPath: boolean;
  /** Whether it is the cgroup of a container by its path, though nothing else says so. */
  readonly isUnlabelledContainer: boolean;
  /** What the path of a container tells. */
  readonly cgroup: Cgroup | undefined;
  /** Of the container's points; flat, since V8 would keep what is joined in pieces. */
  readonly pointId: string;
}

export function rowOf(sample: Sample): CgroupRow {
  const path = sample.label('id');
  const namespace = sample.label('namespace');
  const pod = sample.label('pod');
  const container = sample.label('container');
  const kind = kindOf(sample, { path, namespace, pod, container });
  const cgroup = kind === 'container' ? parseCgroup(path) : undefined;
  return {
    kind,
    path,
    namespace,
    pod,
    container,
    hasPath: path.startsWith('/'),
    isUnlabelledContainer: kind === 'unlabelled' && isContainerPath(path),
    cgroup,
    // A cgroup elsewhere under the same ID, as leaked ones, counts on its own: where it comes or goes, there is no rate between the two.
    pointId: cgroup === undefined ? '' : [cgroup.containerId, '@', cgroup.depth].join(''),
  };
}

export function isSameRow(a: CgroupRow, b: CgroupRow): boolean {
  return (
    a.kind === b.kind &&
    a.path === b.path &&
    a.container === b.container &&
    a.pod === b.pod &&
    a.namespace === b.namespace
  );
}

/** What is worth remembering of a row: whether it has a container's path is all that matters of a slice, for example. */
export function kept(row: CgroupRow): CgroupRow {
  if (row.kind === 'container' || row.kind === 'machine' || row.path === '') return row;
  const less = { ...row, path: '' };
  if (row.kind === 'pod') return less;
  const like = { ...less, kind: row.kind, namespace: '', pod: '', container: '' };
  const key = `${row.kind} ${row.hasPath} ${row.isUnlabelledContainer}`;
  const shared = common.get(key) ?? like;
  common.set(key, shared);
  return shared;
}

/** Two kinds by two facts, so eight at most. */
const common = new Map<string, CgroupRow>();

type Labels = Pick<CgroupRow, 'path' | 'namespace' | 'pod' | 'container'>;

function kindOf(sample: Sample, { path, namespace, pod, container }: Labels): CgroupRow['kind'] {
  if (container === '' && namespace === '' && pod === '') {
    return path === '/' && sample.label('name') === '' && sample.label('image') === '' ? 'machine' : 'unlabelled';
  }
  if (namespace === '' || pod === '') return 'unknown';
  // The sandbox is container="POD" with dockershim and CRI-O, and "" with containerd, as the pod itself.
  return container === '' || container === 'POD' ? 'pod' : 'container';
}
