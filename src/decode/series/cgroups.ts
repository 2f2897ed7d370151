/** Finds the cgroups of wanted series. */
import type { Sample } from '../../exposition/sample.ts';
import type { SeriesCgroup } from '../../sample/seriescolumns.ts';
import { parseCgroup, podCgroupUid } from '../cadvisor/cgroup.ts';
import { rowOf } from '../cadvisor/cgrouprow.ts';

const machine: SeriesCgroup = { kind: 'machine', namespace: '', pod: '', podUid: undefined, id: '' };

/** Returns the cgroup of a sample; undefined for slices, leaked hierarchies and cgroups that tenants made. */
export function seriesCgroupOf(sample: Pick<Sample, 'label'>): SeriesCgroup | undefined {
  const { kind, path, namespace, pod, folder, pointId } = rowOf(sample);
  if (kind === 'machine') return machine;
  if (kind === 'container') return { kind, namespace, pod, podUid: folder?.podUid, id: pointId };
  return kind === 'pod' ? ownOrSandbox(path, namespace, pod) : undefined;
}

/** Both have the pod's names and no container's; the path differs. */
function ownOrSandbox(path: string, namespace: string, pod: string): SeriesCgroup | undefined {
  const podUid = podCgroupUid(path);
  if (podUid !== undefined) return { kind: 'pod', namespace, pod, podUid, id: '' };
  const cgroup = parseCgroup(path);
  if (!cgroup.trusted || cgroup.containerId === path) return undefined;
  return { kind: 'sandbox', namespace, pod, podUid: cgroup.podUid, id: cgroup.containerId };
}
