import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseCgroup } from '../../../../src/decode/cadvisor/cgroup.ts';
import {
  type CgroupRow,
  containerIdOf,
  isSameRow,
  compact,
  pathOf,
  rowOf,
} from '../../../../src/decode/cadvisor/cgrouprow.ts';

const id = '5f9ca3261bdb4409203b73a5cc97fe30b904f0b855572cf1e0bfdca6af80bd7b';
const uid = '66bbaa5b-bd35-4f20-902f-f9e469f6c321';

describe('the row of a container has its path in parts', () => {
  for (const path of [
    `/kubepods/burstable/pod${uid}/${id}`,
    `/kubepods.slice/kubepods-pod${uid.replaceAll('-', '_')}.slice/cri-containerd-${id}.scope`,
    `/system.slice/containerd.service/kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice:cri-containerd:${id}`,
    `/kubepods/pod${uid}/${id}/${id}`,
    `/kubepods/pod${uid}/a@1`,
    '/gvisor/sandbox',
    id,
    '',
  ]) {
    test(path || 'no path', () => {
      const row = rowWith({ id: path, container: 'app' });
      assert.equal(row.kind, 'container');
      assert.equal(pathOf(row), path);
      const { containerId, ...folder } = parseCgroup(path);
      assert.equal(containerIdOf(row), containerId);
      assert.partialDeepStrictEqual(row.folder, folder);
    });
  }
});

test('rows of one ID in two places are two rows', () => {
  const [row, again, elsewhere, other] = [
    `/kubepods/pod${uid}/${id}`,
    `/kubepods/pod${uid}/${id}`,
    `/besteffort/pod${uid}/${id}`,
    `/kubepods/pod${uid}/crio-${id}`,
  ].map((path) => rowWith({ id: path, container: 'app' }));
  assert.ok(row && again && elsewhere && other);
  assert.equal(isSameRow(row, again), true);
  assert.equal(isSameRow(row, elsewhere), false);
  assert.equal(isSameRow(row, other), false);
});

test('the machine is the root cgroup without labels, and a sandbox is the pod, whichever runtime names it', () => {
  const none = { namespace: '', pod: '' };
  assert.equal(rowWith({ ...none, id: '/' }).kind, 'machine');
  assert.equal(rowWith({ ...none, id: '/', image: 'x' }).kind, 'unlabelled');
  assert.equal(rowWith({ ...none, id: '/', name: 'x' }).kind, 'unlabelled');
  const path = `/kubepods/pod${uid}/${id}`;
  assert.equal(rowWith({ id: path, container: 'POD' }).kind, 'pod');
  assert.equal(rowWith({ id: path }).kind, 'pod');
});

test('labels of kubelets before 1.16 are read', () => {
  const path = `/kubepods/pod${uid}/${id}`;
  const { kind, pod, container } = rowWith({ id: path, pod: '', pod_name: 'web', container_name: 'app' });
  assert.deepEqual([kind, pod, container], ['container', 'web', 'app']);
});

test('a pod and its sandbox are compacted to one row', () => {
  const pod = compact(rowWith({ id: `/kubepods/pod${uid}` }), undefined);
  assert.equal(compact(rowWith({ id: `/kubepods/pod${uid}/${id}` }), pod), pod);
  assert.notEqual(compact(rowWith({ id: `/kubepods/pod${uid}/${id}`, pod: 'other' }), pod), pod);
});

function rowWith(labels: Readonly<Record<string, string>>): CgroupRow {
  const all = new Map(Object.entries({ namespace: 'shop', pod: 'web', ...labels }));
  return rowOf({ label: (name) => all.get(name) ?? '' });
}
