import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isContainerPath, parseCgroup } from '../../../../src/decode/cadvisor/cgroup.ts';

const id = '5f9ca3261bdb4409203b73a5cc97fe30b904f0b855572cf1e0bfdca6af80bd7b';
const other = '097c8e4baddd8862b8acf86deffc1c66d20da39b5cabdcc1695c21b844da284f';
const uid = '66bbaa5b-bd35-4f20-902f-f9e469f6c321';
const uid_ = uid.replaceAll('-', '_');
const otherUid = 'd265aed6-99f7-409a-90ec-6fe07ee9cb11';
const hash = '278a74e9e7cfce1c035bb1b05e391008';

describe('a container of a pod, wherever runtimes and drivers put it', () => {
  checkContainer(`/kubepods/pod${uid}/${id}`);
  checkContainer(`/kubepods/burstable/pod${uid}/${id}`);
  checkContainer(`/kubepods/besteffort/pod${uid}/kata_${id}`);
  checkContainer(`/kubepods/besteffort/pod${uid}/crio-${id}`);
  checkContainer(
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid_}.slice/cri-containerd-${id}.scope`,
  );
  checkContainer(`/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${uid_}.slice/crio-${id}.scope`);
  checkContainer(`/kubepods.slice/kubepods-pod${uid_}.slice/docker-${id}.scope`);
  checkContainer(
    `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod${uid_}.slice/cri-containerd-${id}.scope`,
  );
  checkContainer(`/system.slice/containerd.service/kubepods-burstable-pod${uid_}.slice:cri-containerd:${id}`);
  checkContainer(`/docker/${other}/kubepods/besteffort/pod${uid}/${id}`);
  checkContainer(`/kubepods/kubepods/besteffort/pod${uid}/${id}`);
  checkContainer(`/pids/kubepods.slice/kubepods-pod${uid_}.slice/crio-${id}.scope`);
  checkContainer(`/kubepods/burstable/pod${hash}/${id}`, hash);
});

describe('no container', () => {
  for (const path of [
    '',
    '/',
    '/kubepods',
    '/system.slice/containerd.service',
    `/kubepods/burstable/pod${uid}`,
    `/kubepods/burstable/pod${uid}/init.scope`,
    `/kubepods/burstable/pod${uid}/${id}f`,
    `/kubepods/burstable/pod${uid}/${id.toUpperCase()}`,
    `/kubepods.slice/kubepods-pod${uid_}.slice/crio-conmon-${id}.scope`,
  ]) {
    test(path, () => assert.equal(isContainerPath(path), false));
  }
});

test('a path without a container ID is its own ID', () => {
  assert.equal(parseCgroup('/gvisor/sandbox').containerId, '/gvisor/sandbox');
  assert.equal(parseCgroup('/gvisor/sandbox').podUid, undefined);
});

describe('a cgroup that a tenant can make below its own is not trusted', () => {
  const own = `/kubepods/burstable/pod${uid}/${id}`;
  const mismatched = `/system.slice/containerd.service/kubepods-burstable-pod${uid_}.slice:cri-containerd:${id}`;
  for (const path of [
    `${own}/${other}`,
    `${own}/cri-containerd-${other}.scope`,
    `${own}/a/pod${otherUid}/${other}`,
    `${own}/pod${otherUid}.slice:cri-containerd:${other}`,
    `${mismatched}/${other}`,
    `${mismatched}/pod${otherUid}/${other}`,
    `${mismatched}/pod${otherUid}.slice:cri-containerd:${other}`,
  ]) {
    test(path, () => {
      const cgroup = parseCgroup(path);
      assert.equal(cgroup.containerId, other);
      assert.equal(cgroup.trusted, false);
      assert.ok(cgroup.depth > parseCgroup(path.startsWith(own) ? own : mismatched).depth);
      assert.equal(isContainerPath(path), false);
    });
  }
});

function checkContainer(path: string, podUid = uid): void {
  test(path, () => {
    const { depth, ...cgroup } = parseCgroup(path);
    assert.deepEqual(cgroup, { containerId: id, podUid, trusted: true });
    assert.equal(depth, path.split('/').length - 1);
    assert.equal(isContainerPath(path), true);
  });
}
